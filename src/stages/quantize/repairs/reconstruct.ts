// One block learned: soft rounding of all its weights together, with their scales and biases, so that its output comes closest to the
// float block's (BRECQ, 2021, section 3; steps and regulariser as in AdaRound, 2020). Activations inside are rounded as the plan says, and
// the gradient goes straight through; with `keep` some stay as they are (QDrop: Wei et al., 2022, section 4).
import type { Rng } from '../../../base/rng.ts'
import type { Context } from '../../../ir/context.ts'
import type { NodeId, ValueName } from '../../../ir/model.ts'
import { floats, type NdArray } from '../../../ir/tensor.ts'
import type { Network } from '../../../ir/training.ts'
import type { Block } from './blocks.ts'
import type { Samples } from './samples.ts'
import { hardWeights, pullAt, roundingGradient, roundingRate, type Soft, softWeights } from './soft-rounding.ts'
import type { Learning } from './types.ts'

/** A layer while it is learned; changed in place. */
export interface Learned {
  node: NodeId
  output: ValueName
  weight: ValueName
  shape: readonly number[] // of the weight
  soft: Soft
  /** Whether the scales may move. */
  free: boolean
  bias: { name: ValueName; data: Float32Array } | null
}

export interface Seen {
  /** What the block is fed, as the quantised layers before give it. */
  inputs: ReadonlyMap<ValueName, Samples>
  /** The same from the float model, where elements are mixed. */
  exact: ReadonlyMap<ValueName, Samples> | null
  target: Samples
  /** How much each element of the target counts, 1 on average. */
  importance: Samples | null
}

/** Rates of Adam for a scale, relative to it, and for a bias, relative to the output that it is added to. */
const rates = { scale: 0.001, bias: 0.002 }
/** The last steps are on weights that are rounded for good, so that scales and biases fit them. */
const settled = 0.9

/** Of the samples every so many is kept apart where there are enough: what was learned is kept where it does better on them. */
const [apart, enough] = [4, 16]

/**
 * Errors of the output before and after, as means over the samples that nothing was learned from. `group` samples are run at once; `still`
 * is the network in which no activation stays unrounded.
 */
export function reconstruct(
  block: Block,
  { network, still }: { network: Network; still: Network },
  constants: ReadonlyMap<ValueName, NdArray>,
  layers: readonly Learned[],
  seen: Seen,
  { training, iterations, batch }: Learning,
  options: { keep: number; group: number; rng: Rng; progress(step: number): void },
  ctx: Context,
): { before: number; after: number } {
  const { target, importance } = seen
  const start = layers.map(copyOf)
  const all = Array.from({ length: target.count }, (_, i) => i)
  const splits = target.count >= enough
  const [learnt, held] = splits ? [all.filter(i => i % apart > 0), all.filter(i => i % apart === 0)] : [all, all]
  const error = (): number => meanError(block, still, constants, layers, seen, held, options.group)
  const before = error()
  if (!(before > 0)) return { before, after: before }
  const weights = layers.reduce((n, { soft }) => n + soft.v.length, 0)
  const optimizers = layers.map(({ soft, bias }) => ({
    v: training.adam(soft.v.length),
    scales: training.adam(soft.scales.length),
    bias: bias && training.adam(bias.data.length),
  }))
  const base = layers.map(({ soft }) => soft.scales.slice())
  const factors = layers.map(({ soft }) => new Float32Array(soft.scales.length).fill(1))
  const sizes = new Map<ValueName, number>()
  const uniform = (): number => options.rng.uniform()
  for (let step = 0; step < iterations; step++) {
    if (step % 8 === 0) {
      ctx.signal.throwIfAborted()
      options.progress(step)
    }
    const hard = step >= settled * iterations
    const fade = 1 - step / iterations
    const values = new Map(layers.map(layer => [layer.weight, weightsOf(layer, hard)]))
    const sums = new Map<ValueName, Float32Array>()
    const picked = Array.from(
      { length: Math.min(batch, learnt.length) },
      () => learnt[options.rng.below(learnt.length)],
    )
    for (let from = 0; from < picked.length; from += options.group) {
      const group = picked.slice(from, from + options.group)
      const run = network.forward(fed(seen, group, constants, layers, values, options.keep, uniform), uniform)
      for (const { output } of layers) if (!sizes.has(output)) sizes.set(output, rms(run.value(output)))
      const dy = lossGradient(run.value(block.output), target.pick(group), importance?.pick(group) ?? null)
      const unit = (2 * weights) / (before * target.each * picked.length)
      for (let i = 0; i < dy.length; i++) dy[i] *= unit
      for (const [name, gradient] of run.backward(new Map([[block.output, dy]]))) {
        const sum = sums.get(name)
        if (sum) for (let i = 0; i < sum.length; i++) sum[i] += gradient[i]
        else sums.set(name, gradient)
      }
    }
    for (const [k, { soft, weight, bias, output, free }] of layers.entries()) {
      const dw = sums.get(weight)!
      if (!hard)
        optimizers[k].v.step(soft.v, roundingGradient(soft, dw, pullAt(step, iterations)), roundingRate(iterations))
      if (free) {
        const gradient = new Float32Array(factors[k].length)
        const w = values.get(weight)!.data
        for (let i = 0; i < dw.length; i++) gradient[soft.scaleAt[i]] += dw[i] * Number(w[i])
        optimizers[k].scales.step(factors[k], gradient, fade * rates.scale)
        for (let i = 0; i < factors[k].length; i++) soft.scales[i] = base[k][i] * factors[k][i]
      }
      if (bias) optimizers[k].bias!.step(bias.data, sums.get(bias.name)!, fade * rates.bias * sizes.get(output)!)
    }
  }
  const after = error()
  if (after < before) return { before, after }
  for (const [k, layer] of layers.entries()) Object.assign(layer, start[k])
  return { before, after: before }
}

function copyOf(layer: Learned): Learned {
  const { soft, bias } = layer
  return {
    ...layer,
    soft: { ...soft, v: soft.v.slice(), scales: soft.scales.slice() },
    bias: bias && { ...bias, data: bias.data.slice() },
  }
}

const weightsOf = ({ soft, shape }: Learned, hard: boolean): NdArray =>
  floats(shape, hard ? hardWeights(soft) : softWeights(soft))

/** What the network reads: samples at some positions, and the constants with what is learned of them. */
function fed(
  { inputs, exact }: Seen,
  positions: readonly number[],
  constants: ReadonlyMap<ValueName, NdArray>,
  layers: readonly Learned[],
  weights: ReadonlyMap<ValueName, NdArray>,
  keep: number,
  uniform: () => number,
): Map<ValueName, NdArray> {
  const given = new Map([...constants, ...weights])
  for (const { bias } of layers) if (bias) given.set(bias.name, floats([bias.data.length], bias.data))
  for (const [name, samples] of inputs) {
    const array = samples.pick(positions)
    const other = exact?.get(name)?.pick(positions).data
    if (other) for (let i = 0; i < other.length; i++) if (uniform() < keep) array.data[i] = other[i]
    given.set(name, array)
  }
  return given
}

function lossGradient(y: NdArray, target: NdArray, importance: NdArray | null): Float32Array {
  const [a, b, f] = [y.data as Float32Array, target.data as Float32Array, importance?.data as Float32Array | undefined]
  const dy = new Float32Array(a.length)
  for (let i = 0; i < a.length; i++) dy[i] = (f ? f[i] : 1) * (a[i] - b[i])
  return dy
}

/** Mean over some samples and their elements of the squared error of the rounded block's output. */
function meanError(
  block: Block,
  network: Network,
  constants: ReadonlyMap<ValueName, NdArray>,
  layers: readonly Learned[],
  seen: Seen,
  samples: readonly number[],
  batch: number,
): number {
  const weights = new Map(layers.map(layer => [layer.weight, weightsOf(layer, true)]))
  const { target, importance } = seen
  let sum = 0
  for (let from = 0; from < samples.length; from += batch) {
    const positions = samples.slice(from, from + batch)
    const given = fed({ ...seen, exact: null }, positions, constants, layers, weights, 0, () => 1)
    const y = network.forward(given, () => 1).value(block.output)
    const t = target.pick(positions).data
    const f = importance?.pick(positions).data
    for (let i = 0; i < t.length; i++) {
      const e = Number(y.data[i]) - Number(t[i])
      sum += (f ? Number(f[i]) : 1) * e * e
    }
  }
  return sum / (samples.length * target.each)
}

function rms({ data }: NdArray): number {
  let sum = 0
  for (const x of data as Float32Array) sum += x * x
  return Math.sqrt(sum / Math.max(1, data.length))
}
