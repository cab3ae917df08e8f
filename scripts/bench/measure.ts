// The measurements that Node and the browser share: each is lent a context, and gives plain figures.
import { benchKernels, type KernelSpeed } from '../../kernels/lib/bench.ts'
import type { ByteSource, FileSet } from '../../src/base/bytes.ts'
import { encodeOnnx } from '../../src/exporters/onnx.ts'
import { importModel } from '../../src/importers/index.ts'
import type { Context, Dataset, Sample } from '../../src/ir/context.ts'
import type { Model, Node, Value, ValueName } from '../../src/ir/model.ts'
import { parseModel } from '../../src/ir/parse.ts'
import { infer } from '../../src/ops/infer.ts'
import { observe, plainInference } from '../../src/stages/observe/index.ts'
import { optimize } from '../../src/stages/passes/index.ts'
import { upgradeOpset } from '../../src/stages/passes/upgrade-opset.ts'
import { choose } from '../../src/stages/quantize/choose.ts'
import { findTarget } from '../../src/targets/index.ts'

export interface Prepared {
  model: Model
  values: readonly ValueName[]
  dataset: Dataset
}

/** The model as the step `quantize` calibrates it, and the values that its plan needs. */
export async function prepare(imported: Model, dataset: Dataset, ctx: Context): Promise<Prepared> {
  const { model: optimized } = await optimize(infer(imported), ctx)
  const model = infer(upgradeOpset(infer(optimized), 13))
  const { values } = choose(model, findTarget('onnxruntime'), () => ({ weights: 'int8', activations: 'uint8' }))
  return { model, values, dataset }
}

/** The first `count` samples, decoded and kept. */
export async function decoded(dataset: Dataset, count: number): Promise<Dataset> {
  const samples: Sample[] = []
  for await (const sample of dataset.samples({ count })) samples.push(sample)
  return {
    ...dataset,
    size: samples.length,
    async *samples({ count = samples.length } = {}) {
      yield* samples.slice(0, count)
    },
  }
}

/** The same samples over and over, until there are `size`. */
export const repeated = (dataset: Dataset, size: number): Dataset => ({
  ...dataset,
  size,
  async *samples({ count = size, signal } = {}) {
    for (let left = Math.min(count, size); left > 0; left -= dataset.size)
      yield* dataset.samples({ count: Math.min(left, dataset.size), signal })
  },
})

export const plainBatches = [1, 4, 16] as const
const calibrationBatch = 16 // the recipe's default, which observing bounds by bytes

/** Milliseconds of one round over the same samples; calibration and plain inference are interleaved round by round. */
export interface Round {
  plain: number[] // one for each of plainBatches
  ranges: number
  histograms: number
}

export interface CalibrationFigure {
  samples: number
  threads: number
  values: number
  rounds: Round[]
}

export async function calibration(given: Prepared, rounds: number, ctx: Context): Promise<CalibrationFigure> {
  const { model, values, dataset } = given
  const count = dataset.size
  const sweep = async (histogram: boolean): Promise<number> =>
    (await observe(model, dataset, values, { count, batch: calibrationBatch, histogram, plainMs: 0 }, ctx)).calibrateMs
  const measured: Round[] = []
  // One round more than is counted: the first warms every engine and every kernel.
  for (let round = 0; round <= rounds; round++) {
    const plain: number[] = []
    for (const batch of plainBatches)
      plain.push((await plainInference(model, dataset, { count, batch }, ctx)).inferenceMs)
    measured.push({ plain, ranges: await sweep(false), histograms: await sweep(true) })
  }
  return { samples: count, threads: ctx.runner.threads, values: values.length, rounds: measured.slice(1) }
}

/** The sweep that is measured for memory: everything from histograms, samples decoded as they come. */
export async function sweepMemory(given: Prepared, samples: number, ctx: Context): Promise<void> {
  const { model, values, dataset } = given
  const many = repeated(dataset, samples)
  await observe(model, many, values, { count: samples, batch: calibrationBatch, histogram: true, plainMs: 0 }, ctx)
}

export const kernelSpeeds = (clock: () => number): Promise<KernelSpeed[]> => benchKernels(clock)

/** A chain of 25 matrix products with 4 MiB of weights each. */
export function largeModel(): Model {
  const side = 1024
  const chain = Array.from({ length: 25 }, (_, i) => i)
  const weights = chain.map((_, i) => new Uint8Array(new Float32Array(side * side).fill((i + 1) / side).buffer))
  const model = parseModel(`graph (x: f32[1,${side}]) -> (y) {\n  y = Identity(x)\n}`)
  const nodes: Node[] = chain.map(i => ({
    ...model.graph.nodes[0],
    id: `product${i}`,
    name: `product${i}`,
    op: 'MatMul',
    inputs: [i === 0 ? 'x' : `h${i}`, `w${i}`],
    outputs: [i === chain.length - 1 ? 'y' : `h${i + 1}`],
  }))
  const values = new Map<ValueName, Value>(model.graph.values)
  weights.forEach((data, i) => {
    const shape = [side, side]
    values.set(`w${i}`, { name: `w${i}`, dtype: 'float32', shape, data: { dtype: 'float32', shape, data } })
  })
  return { ...model, graph: { ...model.graph, nodes, values } }
}

export const largeFile = () => encodeOnnx(largeModel(), { read: none, slice: none })[0]
const none = async (): Promise<Uint8Array> => {
  throw new TypeError('every weight is in memory')
}

export interface ImportFigure {
  bytes: number
  read: number
  ms: number[]
}

/** Imports a file several times, from its bytes to a model whose shapes are inferred. */
export async function importing(source: ByteSource, clock: () => number): Promise<ImportFigure> {
  const ms: number[] = []
  let read = 0
  for (let i = 0; i < 5; i++) {
    read = 0
    const counted: ByteSource = {
      name: source.name,
      size: source.size,
      read: (offset, length) => {
        read += length
        return source.read(offset, length)
      },
    }
    const files: FileSet = new Map([[source.name, counted]])
    const start = clock()
    infer((await importModel(files, source.name)).model)
    ms.push(clock() - start)
  }
  return { bytes: source.size, read, ms }
}
