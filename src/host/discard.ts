// Frees the memory of arrays at once. The collector counts what lies outside its heap too late: in a thread that computes without a
// pause, gigabytes of activations that nobody holds any more have been seen to pile up.

/** What is sent through a closed port is gone; for engines that have no `transfer` yet (Node 20). */
const nowhere = new MessageChannel().port1
nowhere.close()

/** Takes the buffers of all arrays in plain data away; nobody may look at them afterwards. */
export const discard = (data: unknown): void => discardBuffers(buffersIn(data))

export function discardBuffers(buffers: Iterable<ArrayBufferLike>): void {
  for (const buffer of buffers) {
    if (!(buffer instanceof ArrayBuffer)) continue
    if ('transfer' in buffer) (buffer as { transfer(length: number): ArrayBuffer }).transfer(0)
    else nowhere.postMessage(null, [buffer])
  }
}

/** The buffers of all arrays in plain data. */
export function buffersIn(value: unknown, found = new Set<ArrayBuffer>()): Set<ArrayBuffer> {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer) found.add(value.buffer)
  } else if (value instanceof Map || Array.isArray(value)) for (const item of value.values()) buffersIn(item, found)
  else if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) buffersIn(item, found)
  return found
}
