// Work on many small or few large items, shared out to threads: in lots of consecutive items that hold about as much, in a partition
// that the items alone decide, so that results do not depend on who does them.
import type { KernelSet, Perform, Task } from './context.ts'

export interface Lot<I> {
  readonly items: readonly I[]
}

export const lotTask = <I, O>(id: string, work: (item: I, kernels: KernelSet) => O): Task<Lot<I>, O[]> => ({
  id,
  run: ({ items }, kernels) => items.map(item => work(item, kernels)),
})

// Copying a lot to a thread takes less than a millisecond.
const numbersInLot = 262144

/** Results in the order of the items; `numbers` is how many an item holds. */
export async function inLots<I, O>(
  task: Task<Lot<I>, O[]>,
  items: readonly I[],
  numbers: (item: I) => number,
  perform: Perform,
): Promise<O[]> {
  const lots: I[][] = []
  let room = 0
  for (const item of items) {
    if (lots.length === 0 || room < numbers(item)) {
      lots.push([])
      room = numbersInLot
    }
    lots.at(-1)!.push(item)
    room -= numbers(item)
  }
  return (await Promise.all(lots.map(lot => perform(task, { items: lot })))).flat()
}
