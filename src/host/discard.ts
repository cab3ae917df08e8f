// Frees the memory of arrays at once. The collector counts what lies outside its heap too late: in a thread that computes without a
// pause, gigabytes of activations that nobody holds any more have been seen to pile up.
import type { NdArray } from '../ir/tensor.ts'

/** What is sent through a closed port is gone; for engines that have no `transfer` yet (Node 20). */
const nowhere = new MessageChannel().port1
nowhere.close()

/** Takes the arrays' buffers away; nobody may look at them afterwards. */
export function discard(arrays: Readonly<Record<string, NdArray>>): void {
  const buffers = new Set(Object.values(arrays).map(array => array.data.buffer))
  for (const buffer of buffers) {
    if (!(buffer instanceof ArrayBuffer)) continue
    if ('transfer' in buffer) (buffer as { transfer(length: number): ArrayBuffer }).transfer(0)
    else nowhere.postMessage(null, [buffer])
  }
}
