// Samples stacked along the first axis, in a fixed partition, so that results do not depend on threads.
import { elementCount, type TypedArray } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import type { Dataset, Feeds, Sample } from './context.ts'
import type { Graph, ValueName } from './model.ts'
import type { NdArray } from './tensor.ts'

export interface Batch {
  feeds: Feeds
  count: number
  samples: readonly Sample[]
}

/** Bytes that float32 values take for one sample of a batch, so far as their shapes are known. */
export function bytesPerSample({ values }: Graph, names: readonly ValueName[]): number {
  let bytes = 0
  for (const name of names) {
    const shape = values.get(name)?.shape?.slice(1)
    if (shape?.every(d => typeof d === 'number' && d > 0)) bytes += 4 * elementCount(shape as number[])
  }
  return bytes
}

/** As many samples or runs of `each` bytes as fit into `room`: `most` where nothing is known, one in any case. */
export const fitting = (room: number, each: number, most: number): number =>
  each > 0 ? Math.max(1, Math.min(most, Math.floor(room / each))) : most

/** Whether every fed input leaves its first dimension open, so that samples can be stacked. */
export function stackable(graph: Graph): boolean {
  const fed = graph.inputs.filter(name => !graph.values.get(name)?.data)
  return (
    fed.length > 0 &&
    fed.every(name => {
      const shape = graph.values.get(name)?.shape
      return shape != null && shape.length > 0 && (typeof shape[0] !== 'number' || shape[0] <= 0)
    })
  )
}

/** Batches of up to `size` samples (1 where the model fixes its batch, or where shapes differ between samples). */
export async function* batches(
  dataset: Dataset,
  graph: Graph,
  size: number,
  options: { count?: number; signal?: AbortSignal } = {},
): AsyncIterable<Batch> {
  const most = stackable(graph) ? size : 1
  let waiting: Sample[] = []
  for await (const sample of dataset.samples(options)) {
    options.signal?.throwIfAborted()
    if (waiting.length > 0 && !sameShapes(waiting[0], sample)) {
      yield stack(waiting)
      waiting = []
    }
    waiting.push(sample)
    if (waiting.length >= most) {
      yield stack(waiting)
      waiting = []
    }
  }
  if (waiting.length > 0) yield stack(waiting)
}

const enoughBytes = 268435456 // of inputs, held for a whole stage

// Of what one batch computes for a layer; each thread has a few such at a time.
const batchBytes = 8388608

/** As many samples as fit, in batches; fewer to a batch where `most`, what a sample takes at the largest layer, asks for it. */
export async function held(
  graph: Graph,
  { data, count, batch }: { data: Dataset; count: number; batch: number },
  { signal }: { signal: AbortSignal },
  most = 0,
): Promise<Batch[]> {
  const size = fitting(batchBytes, most, batch)
  const given: Batch[] = []
  let bytes = 0
  for await (const b of batches(data, graph, size, { count, signal })) {
    bytes += Object.values(b.feeds).reduce((sum, array) => sum + array.data.byteLength, 0)
    if (given.length > 0 && bytes > enoughBytes) break
    given.push(b)
  }
  return given
}

const sameShapes = (a: Sample, b: Sample): boolean =>
  Object.entries(a.feeds).every(([name, array]) => array.shape.join() === b.feeds[name]?.shape.join())

/** Samples of equal shapes as one batch. */
export function stack(samples: readonly Sample[]): Batch {
  if (samples.length === 1) return { feeds: samples[0].feeds, count: 1, samples }
  const feeds: Feeds = {}
  for (const [name, first] of Object.entries(samples[0].feeds)) {
    const data = new (first.data.constructor as new (n: number) => TypedArray)(first.data.length * samples.length)
    for (const [i, sample] of samples.entries()) data.set(sample.feeds[name].data as never, i * first.data.length)
    feeds[name] = { dtype: first.dtype, shape: [first.shape[0] * samples.length, ...first.shape.slice(1)], data }
  }
  return { feeds, count: samples.length, samples }
}

/** One sample's part of a batch's output. */
export function unstack(output: NdArray, index: number, count: number): NdArray {
  if (count === 1) return output
  if (output.shape[0] % count !== 0)
    throw new StudioError(
      'unsupported',
      `An output of shape [${output.shape.join(', ')}] cannot be split into ${count} samples`,
      {
        hint: 'Freeze the batch dimension to 1 with --shape.',
      },
    )
  const step = output.data.length / count
  return {
    dtype: output.dtype,
    shape: [output.shape[0] / count, ...output.shape.slice(1)],
    data: output.data.subarray(index * step, (index + 1) * step) as TypedArray,
  }
}

/**
 * `work` on each item, up to `width` at once, results in the order of the items: how a stage keeps every engine busy and still
 * sees one batch after the other.
 */
export async function* inOrder<T, R>(
  items: AsyncIterable<T>,
  width: number,
  work: (item: T) => Promise<R>,
): AsyncIterable<{ item: T; result: R }> {
  const underWay: { item: T; result: Promise<R> }[] = []
  const next = async (): Promise<{ item: T; result: R }> => {
    const { item, result } = underWay.shift()!
    return { item, result: await result }
  }
  try {
    for await (const item of items) {
      const result = work(item)
      result.catch(() => {}) // seen when its turn comes
      underWay.push({ item, result })
      if (underWay.length >= width) yield await next()
    }
    while (underWay.length > 0) yield await next()
  } finally {
    // Sessions must not be closed under a run that is still on its way.
    await Promise.allSettled(underWay.map(u => u.result))
  }
}

export async function* each<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items
}

/** Items in lists of `size`. */
export async function* rounds<T>(items: AsyncIterable<T>, size: number): AsyncIterable<T[]> {
  let round: T[] = []
  for await (const item of items) {
    round.push(item)
    if (round.length < size) continue
    yield round
    round = []
  }
  if (round.length > 0) yield round
}
