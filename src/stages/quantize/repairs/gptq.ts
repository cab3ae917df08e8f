// GPTQ (GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers, 2022): weights are rounded one input channel
// after another, and what rounding one costs is taken back by those that are not rounded yet, as far as the samples let them.
//
// With d = w - q and H = X'X + damping = L L' the error of an output is |L'd|^2, the sum over i of (L_ii d_i + sum over j > i of L_ji d_j)^2.
// From the last channel to the first each is rounded so that its term is least: q_i = round(w_i + sum over j > i of L_ji d_j / L_ii). That
// is what the paper computes with the inverse of H (The Geometry of LLM Quantization: GPTQ as Babai's Nearest Plane Algorithm, 2025).
// Channels stand in ascending order of H_ii, on scales that are planned beforehand, so that blocks stay where they are.
import { type AddProducts, dampedCholesky } from '../../../base/cholesky.ts'
import { each, inOrder } from '../../../ir/batches.ts'
import type { Task } from '../../../ir/context.ts'
import type { ValueName } from '../../../ir/model.ts'
import { isInt } from '../../../ir/number-format.ts'
import { codeRange, eachScale, type QuantParams, type QuantSpec, quantizeValue } from '../../../ir/quant.ts'
import { inputMoments } from './input-moments.ts'
import { floatsOf, type Product, productsOf, withConstants } from './products.ts'
import type { WeightRepair } from './types.ts'

// The time grows with the square of the channels, as does the memory.
const mostChannels = 4096
// Numbers of Gram matrices that are gathered in one sweep.
const mostGathered = 16777216

export const gptq = {
  id: 'gptq',
  label: 'GPTQ: round weights one input channel after another, and let the rest make up for it',
  when: 'after-plan',
  needsData: true,
  async run({ float, model, plan, choice }, samples, ctx) {
    const notes: string[] = []
    const wanted = productsOf(model.graph, choice).filter(product => {
      const params = plan.weights.get(product.weight)
      if (!params || !isInt(params.spec.format) || params.spec.format.bits < 2) return false
      if (product.inputs > mostChannels)
        notes.push(
          `${product.node.id} has ${product.inputs} input channels, more than GPTQ takes here (${mostChannels}): it is rounded to nearest.`,
        )
      return product.inputs <= mostChannels
    })
    const rounded = new Map<ValueName, Float32Array>()
    for (const group of sweeps(wanted)) {
      const asked = [...new Map(group.map(p => [p.input, { value: p.input, channels: p.inputs }])).values()]
      const grams = await inputMoments(float, asked, ['gram'], samples!, ctx)
      const { threads } = ctx.runner
      const factors = new Map<ValueName, Factor>()
      const factoring = (of: (typeof asked)[number]): Promise<Factor> =>
        ctx.perform(factorTask, { gram: grams.get(of.value)!.gram, n: of.channels })
      for await (const { item, result } of inOrder(each(asked), threads, factoring)) {
        ctx.signal.throwIfAborted()
        factors.set(item.value, result)
      }
      const rounding = async ({ input, inputs, outputs, byRow, weight }: Product): Promise<Float32Array> => {
        const weights = await floatsOf(float, weight, ctx.bytes)
        const layer = { inputs, outputs, byRow }
        return ctx.perform(roundTask, {
          weights,
          layer,
          params: plan.weights.get(weight)!,
          factor: factors.get(input)!,
        })
      }
      const once = group.filter((p, i) => !rounded.has(p.weight) && group.findIndex(q => q.weight === p.weight) === i)
      for await (const { item, result } of inOrder(each(once), threads, rounding)) {
        ctx.signal.throwIfAborted()
        rounded.set(item.weight, result)
        ctx.progress({ stage: 'quantize', done: rounded.size, total: wanted.length, note: 'GPTQ' })
      }
    }
    return { model: withConstants(model, rounded), plan, notes }
  },
} as const satisfies WeightRepair

/** Layers whose Gram matrices fit into memory together. */
function* sweeps(products: readonly Product[]): Iterable<Product[]> {
  let group: Product[] = []
  let size = 0
  for (const product of products) {
    const shared = group.some(p => p.input === product.input)
    const more = shared ? 0 : product.inputs * product.inputs
    if (size + more > mostGathered && group.length > 0) {
      yield group
      group = []
      size = 0
    }
    group.push(product)
    size += more
  }
  if (group.length > 0) yield group
}

export interface Factor {
  /** Input channels from the least to the most, which is rounded first. */
  order: Uint32Array
  /** L over channels in that order. */
  lower: Float64Array
}

/** Damped by a hundredth of the mean diagonal, more where that does not suffice; channels that no sample reached do not matter. */
export function factorOf(gram: Float64Array, n: number, add?: AddProducts): Factor {
  const order = Uint32Array.from({ length: n }, (_, i) => i)
  order.sort((a, b) => gram[a * n + a] - gram[b * n + b] || a - b)
  const h = new Float64Array(n * n)
  let trace = 0
  for (let i = 0; i < n; i++) {
    const from = order[i] * n
    for (let j = 0; j < n; j++) h[i * n + j] = gram[from + order[j]]
    trace += h[i * n + i]
  }
  return { order, lower: dampedCholesky(h, n, trace > 0 ? (0.01 * trace) / n : 1, add).l }
}

export const factorTask: Task<{ gram: Float64Array; n: number }, Factor> = {
  id: 'gptq-factor',
  run: ({ gram, n }, kernels) => factorOf(gram, n, kernels.addProducts),
}

interface RoundRequest {
  weights: Float32Array
  layer: Pick<Product, 'inputs' | 'outputs' | 'byRow'>
  params: QuantParams
  factor: Factor
}

export const roundTask: Task<RoundRequest, Float32Array> = {
  id: 'gptq-round',
  run: ({ weights, layer, params, factor }) => roundInOrder(weights, layer, params, factor),
}

/** Weights on the planned grid. */
export function roundInOrder(
  weights: Float32Array,
  { inputs, outputs, byRow }: Pick<Product, 'inputs' | 'outputs' | 'byRow'>,
  params: QuantParams,
  { order, lower }: Factor,
): Float32Array {
  const { scale } = params
  const scaleAt = new Uint32Array(weights.length)
  eachScale(byRow ? [outputs, inputs] : [inputs, outputs], params, (from, to, k) => scaleAt.fill(k, from, to))
  const nearest = nearestOn(params)
  const result = new Float32Array(weights.length)
  const carried = new Float64Array(inputs)
  for (let n = 0; n < outputs; n++) {
    carried.fill(0)
    for (let i = inputs - 1; i >= 0; i--) {
      const at = byRow ? n * inputs + order[i] : order[i] * outputs + n
      const k = scaleAt[at]
      const row = i * inputs
      const wish = weights[at] + carried[i] / lower[row + i]
      result[at] = Math.fround(nearest(wish, k) * scale[k])
      const error = weights[at] - result[at]
      for (let j = 0; j < i; j++) carried[j] += error * lower[row + j]
    }
  }
  return result
}

/** The nearest real of a grid, in units of its scale. */
function nearestOn({ spec, scale, zeroPoint }: QuantParams): (x: number, k: number) => number {
  const { qmin, qmax } = codeRange(spec as QuantSpec)
  return (x, k) => quantizeValue(x, scale[k], zeroPoint[k], qmin, qmax) - zeroPoint[k]
}
