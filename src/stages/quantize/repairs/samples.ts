// Values of all samples in one array, of which a step of learning takes some.
import type { Batch } from '../../../ir/batches.ts'
import type { Model, ValueName } from '../../../ir/model.ts'
import type { Stream } from '../../../ir/stream.ts'
import { floats, type NdArray } from '../../../ir/tensor.ts'

export class Samples {
  /** Shape of all, samples along the first axis; `each` elements a sample. */
  constructor(
    readonly shape: readonly number[],
    readonly data: Float32Array,
    readonly count: number,
  ) {}

  get each(): number {
    return this.data.length / this.count
  }

  /** Those at these positions, as one array. */
  pick(positions: readonly number[]): NdArray {
    const { each } = this
    const data = new Float32Array(positions.length * each)
    for (const [row, at] of positions.entries()) data.set(this.data.subarray(at * each, (at + 1) * each), row * each)
    return floats([(this.shape[0] / this.count) * positions.length, ...this.shape.slice(1)], data)
  }
}

/** Values of a model over the samples, as a stream gives them; those in `keep` stay with it. */
export async function collect(
  stream: Stream,
  model: Model,
  names: readonly ValueName[],
  keep: readonly ValueName[],
  given: readonly Batch[],
): Promise<Map<ValueName, Samples>> {
  const parts = new Map<ValueName, NdArray[]>(names.map(name => [name, []]))
  // Copies, since what is not kept is gone with the next batch.
  for await (const { arrays, batch } of stream.run(model, names, keep))
    for (const [name, list] of parts) list[batch] = { ...arrays[name], data: arrays[name].data.slice() }
  const count = given.reduce((n, batch) => n + batch.count, 0)
  return new Map([...parts].map(([name, list]) => [name, joined(list, count)]))
}

function joined(arrays: readonly NdArray[], count: number): Samples {
  const data = new Float32Array(arrays.reduce((n, a) => n + a.data.length, 0))
  let at = 0
  for (const array of arrays) {
    data.set(array.data as Float32Array, at)
    at += array.data.length
  }
  const rows = arrays.reduce((n, a) => n + (a.shape[0] ?? 1), 0)
  return new Samples([rows, ...arrays[0].shape.slice(1)], data, count)
}
