// AdaRound (Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", 2020): layer after layer each weight is learned
// to be rounded up or down, so that the layer, fed by what the quantised layers before it give, comes closest to what the float layer
// gives (the asymmetric reconstruction of section 3.3).
//
// Without the activation behind it the loss is a quadratic of the weights, (w - w*)^T H (w - w*), so that second moments that are gathered
// once stand for all samples: a step is one product of matrices. Scales stay; the bias takes what is left of the mean.
import type { Context } from '../../../ir/context.ts'
import { layersOf, throughLayers } from './refit.ts'
import type { Layer, Work } from './refit-moments.ts'
import { biasFor, centred, meanDiagonal, meanShare, type Part, type Rounded } from './rounding-solve.ts'
import { hardWeights, pullAt, roundingGradient, soften, softWeights } from './soft-rounding.ts'
import type { Learning, WeightRepair } from './types.ts'

export const adaround = {
  id: 'adaround',
  label: 'AdaRound: learn for each weight whether it is rounded up or down',
  when: 'after-plan',
  needsData: true,
  async run({ float, model, plan }, samples, ctx, learning) {
    const { layers, left } = layersOf(float.graph, plan)
    const notes = left.map(({ node, why }) => `The rounding of the layer ${node} is not learned: ${why}.`)
    const work: Work = { float, model, plan, notes }
    const solve = (parts: readonly Part[], layer: Layer): Rounded[] => {
      const rounded = parts.map(part => learnRounding(part, learning, ctx))
      const kept = rounded.reduce((sum, r) => sum + r.kept, 0)
      const channels = parts.reduce((sum, part) => sum + part.moments.c, 0)
      if (kept > 0)
        notes.push(
          `Of the layer ${layer.node.id} ${kept} of ${channels} channels stay rounded to nearest: what was learned is no better.`,
        )
      return rounded
    }
    await throughLayers(
      layers.filter(layer => {
        const { format } = plan.weights.get(layer.weight)!.spec
        const chosen = format.kind === 'int' || format.kind === 'levels'
        if (!chosen)
          notes.push(`The rounding of the layer ${layer.node.id} is not learned: its weights are floating point.`)
        return chosen
      }),
      work,
      samples!,
      solve,
      ctx,
    )
    return { model: work.model, plan: work.plan, notes }
  },
} as const satisfies WeightRepair

// Measured on images kept apart, see test/quantize/learned-rounding.test.ts for what they must hold.
const rate = 0.02
const strength = 0.05

/** The quadratic that the rounding of one group of channels is judged by, in float32: rows of H, and of what it is compared with. */
interface Quadratic {
  h: Float32Array // [k, k]
  r: Float32Array // [c, k]: H w*
  /** Error of one channel's weights, up to what does not depend on them. */
  error(weights: Float32Array, channel: number): number
}

function quadraticOf({ moments, layer, damping }: Part): Quadratic {
  const { n, k, c } = moments
  const h = centred(moments, layer.bias !== null)
  const share = layer.bias ? (1 - meanShare) / n : 0
  const ridge = damping.ridge * meanDiagonal(moments.h, k, k + 1)
  for (let j = 0; j < k; j++) h[j * k + j] += ridge
  const r = new Float64Array(c * k)
  for (let channel = 0; channel < c; channel++)
    for (let j = 0; j < k; j++)
      r[channel * k + j] =
        moments.r[j * c + channel] -
        share * moments.h[j * (k + 1) + k] * moments.r[k * c + channel] +
        ridge * layer.weights[channel * k + j]
  const error = (weights: Float32Array, channel: number): number => {
    let sum = 0
    for (let i = 0; i < k; i++) {
      const w = weights[channel * k + i]
      if (w === 0) continue
      let row = 0
      for (let j = 0; j < k; j++) row += h[i * k + j] * weights[channel * k + j]
      sum += w * (row - 2 * r[channel * k + i])
    }
    return sum
  }
  return { h: Float32Array.from(h), r: Float32Array.from(r), error }
}

function learnRounding(part: Part, { training, iterations }: Learning, ctx: Context): Rounded & { kept: number } {
  const { moments, layer, grid } = part
  const { k, c } = moments
  const { h, r, error } = quadraticOf(part)
  const scaleAt = Uint32Array.from({ length: c * k }, (_, i) => Math.floor(i / k))
  const soft = soften(layer.weights, layer.weights, scaleAt, grid.scales, grid.around!)
  const nearest = hardWeights(soft)
  // In units of what rounding to nearest costs a weight, so that the regulariser means the same for every layer.
  const mean = Math.max(meanDiagonal(Float64Array.from(h), k), 1e-30)
  const unit = grid.scales.map(scale => 24 / (scale * scale * mean))
  const optimizer = training.adam(c * k)
  const shape = { m: c, n: k, k, transA: false, transB: false }
  for (let step = 0; step < iterations; step++) {
    if (step % 32 === 0) ctx.signal.throwIfAborted()
    const dw = r.map(x => -x)
    ctx.kernels.gemm(softWeights(soft), h, shape, dw)
    for (let i = 0; i < dw.length; i++) dw[i] *= unit[scaleAt[i]]
    optimizer.step(soft.v, roundingGradient(soft, dw, pullAt(step, iterations, strength)), rate)
  }
  const weights = hardWeights(soft)
  let kept = 0
  for (let channel = 0; channel < c; channel++) {
    if (error(weights, channel) <= error(nearest, channel)) continue
    weights.set(nearest.subarray(channel * k, (channel + 1) * k), channel * k)
    kept++
  }
  return { scales: grid.scales, weights, bias: layer.bias && biasFor(moments, weights), kept }
}
