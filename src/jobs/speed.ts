// How fast this machine is: what one thread of the engine can do at most, in multiply-accumulates and in bytes from memory, and what each
// layer takes on it alone, in floats and in eight bits. The two bounds make the roofline (Williams, Waterman, Patterson, 2009).
import type { Context } from '../ir/context.ts'
import type { FormatName } from '../ir/format-names.ts'
import type { NodeId } from '../ir/model.ts'
import { parseModel } from '../ir/parse.ts'
import type { NdArray } from '../ir/tensor.ts'
import { infer } from '../ops/infer.ts'
import { layerTimes } from '../recipe/steps/layer-times.ts'
import { openTrial } from '../recipe/steps/trial.ts'
import { timesOf } from '../stages/evaluate/latency.ts'
import { cost } from '../stages/inspect/cost.ts'
import { beforeRounding, openLayers, type SensitivityRequest } from './sensitivity.ts'

export interface Machine {
  macsPerSecond: { float32: number; int8: number }
  bytesPerSecond: number
}

export interface Speed {
  machine: Machine
  /** `moved`: numbers that a layer reads and writes at the least. In eight bits, rounding its input and output is charged to it. */
  layers: { node: NodeId; op: string; macs: number; moved: number; ms: { float32: number; int8: number | null } }[]
}

export async function measureSpeed(
  request: Omit<SensitivityRequest, 'formats' | 'measuredOn'>,
  ctx: Context,
): Promise<Speed> {
  const { state, env } = await beforeRounding(request, ctx)
  const asked: FormatName[] = ['int8', 'float32']
  const { formats, base, model, layers, sweep } = await openLayers(state, asked, request.recipe.steps, env)
  const machine = await measureMachine(ctx)
  const trial = await openTrial(model, env.calibration!, { batch: 1, count: 1, input: env.input }, ctx)
  const { feeds } = trial.batches[0].samples[0]
  const ways = layers.map(() => formats)
  const times = await layerTimes(model, layers, ways, base, { feeds, sweep, raws: [] }, env)
  const costs = new Map(cost(model).nodes.map(entry => [entry.node, entry]))
  return {
    machine,
    layers: layers.map(({ id, nodes }, k) => {
      const own = nodes.map(node => costs.get(node)!)
      return {
        node: id,
        op: own[0].op,
        macs: own.reduce((sum, { macs }) => sum + macs, 0),
        moved: own.reduce((sum, { elements, parameters }) => sum + elements + parameters, 0),
        ms: { float32: times[k][formats.indexOf('float32')], int8: times[k][formats.indexOf('int8')] ?? null },
      }
    }),
  }
}

// A convolution that is work more than memory: 72 multiply-accumulates for each byte in floats.
const [channels, size] = [64, 32]
const work = channels * channels * 9 * size * size

const inFloats = `
graph (x: f32[1,${channels},${size},${size}]) -> (y) {
  y = Conv(x, w: f32[${channels},${channels},3,3]{-0.1..0.1}) {pads=[1,1,1,1]}
}`

const inBytes = `
graph (x: u8[1,${channels},${size},${size}]) -> (q) {
  a = DequantizeLinear(x, s: f32[]{0.02}, z: u8[]{128})
  v = DequantizeLinear(w: i8[${channels},${channels},3,3]{-100..100}, t: f32[]{0.01}, o: i8[]{0})
  y = Conv(a, v) {pads=[1,1,1,1]}
  q = QuantizeLinear(y, r: f32[]{0.1}, p: u8[]{128})
}`

// More than caches hold.
const numbers = 4_194_304
const fewPasses = 2
const manyPasses = 10

/** Reads and writes so many numbers so many times; what it takes to begin and end is the same for any number of passes. */
const throughMemory = (passes: number): string => `
graph (x: f32[1]) -> (y) {
  v0 = Expand(x, n: i64[1]{${numbers}})
${Array.from({ length: passes }, (_, k) => `  v${k + 1} = ${k % 2 === 0 ? 'Neg' : 'Abs'}(v${k})`).join('\n')}
  y = ReduceMax(v${passes}) {keepdims=1}
}`

export async function measureMachine(ctx: Context): Promise<Machine> {
  const shape = [1, channels, size, size]
  const count = channels * size * size
  const floats: NdArray = { dtype: 'float32', shape, data: new Float32Array(count).fill(0.5) }
  const bytes: NdArray = { dtype: 'uint8', shape, data: new Uint8Array(count).fill(200) }
  const one: NdArray = { dtype: 'float32', shape: [1], data: new Float32Array([1]) }
  const [float32] = await leastSeconds([inFloats], floats, ctx)
  const [int8] = await leastSeconds([inBytes], bytes, ctx)
  const [few, many] = await leastSeconds([throughMemory(fewPasses), throughMemory(manyPasses)], one, ctx)
  return {
    macsPerSecond: { float32: work / float32, int8: work / int8 },
    bytesPerSecond: bandwidth(few, many),
  }
}

/**
 * Bytes per second of passes through memory, of which few took `few` and many `many` seconds. Where others disturbed the run with few so
 * much that the two hardly differ, what is known is less: that many passes took no longer than all of their run.
 */
export function bandwidth(few: number, many: number): number {
  const pass = 2 * 4 * numbers
  const apart = many - few
  return apart > many / 4 ? ((manyPasses - fewPasses) * pass) / apart : (manyPasses * pass) / many
}

const rounds = { runs: 8, budgetMs: Number.POSITIVE_INFINITY }

/** The least of several runs of each in turn: a bound is what is reached when nothing else is in the way. */
async function leastSeconds(texts: readonly string[], x: NdArray, ctx: Context): Promise<number[]> {
  const models = texts.map(text => infer({ ...parseModel(text), opsets: { '': 13 } }))
  return (await timesOf(models, { x }, rounds, ctx)).map(ms => Math.min(...ms) / 1000)
}
