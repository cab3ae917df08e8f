// AdaRound (Nagel et al., "Up or Down? Adaptive Rounding for Post-Training Quantization", 2020): layer after layer each weight is learned
// to be rounded up or down, so that the layer, fed by what the quantised layers before it give, comes closest to what the float layer
// gives (the asymmetric reconstruction of section 3.3).
//
// Without the activation behind it the loss is a quadratic of the weights, so that second moments that are gathered once stand for all
// samples: a step is one product of matrices. Scales stay; the bias takes what is left of the mean.
import type { Context } from '../../../ir/context.ts'
import { meanDiagonal } from '../../../ir/least-squares.ts'
import { biasFor } from '../../../ir/moments.ts'
import { centred, meanShare } from './feedback.ts'
import { layersOf, throughLayers } from './refit.ts'
import type { Work } from './refit-moments.ts'
import { type Part, type Rounded, squaredError } from './rounding-solve.ts'
import { aroundIn, hardWeights, pullAt, roundingGradient, roundingRate, soften, softWeights } from './soft-rounding.ts'
import type { Learning, WeightRepair } from './types.ts'

export const adaround = {
  id: 'adaround',
  label: 'AdaRound: learn for each weight whether it is rounded up or down',
  when: 'after-plan',
  needsData: true,
  async run({ float, model, plan }, samples, ctx, learning, memo) {
    const { layers, left } = layersOf(float.graph, plan)
    const notes = left.map(({ node, why }) => `The rounding of the layer ${node} is not learned: ${why}.`)
    const work: Work = { float, model, plan, notes }
    const solve = async (parts: readonly Part[]): Promise<Rounded[]> =>
      parts.map(part => learnRounding(part, learning, ctx))
    const roundable = layers.filter(({ weight }) =>
      ['int', 'levels'].includes(plan.weights.get(weight)!.spec.format.kind),
    )
    for (const { node } of layers.filter(layer => !roundable.includes(layer)))
      notes.push(`The rounding of the layer ${node.id} is not learned: its weights are floating point.`)
    const fitted = await throughLayers(roundable, work, samples!, solve, ctx, memo)
    const errors = [...fitted].map(([node, f]) => ({
      node,
      share: f.errors.solved / Math.max(f.errors.nearest, 1e-30),
    }))
    if (errors.length > 0) notes.push(summary(errors))
    return { model: work.model, plan: work.plan, notes }
  },
} as const satisfies WeightRepair

function summary(errors: readonly { node: string; share: number }[]): string {
  const worst = errors.reduce((a, b) => (b.share > a.share ? b : a))
  const mean = errors.reduce((sum, e) => sum + e.share, 0) / errors.length
  const percent = (share: number): string => (100 * share).toFixed(1)
  return `AdaRound left ${percent(mean)} % of the squared error in outputs of layers that rounding to nearest leaves, at most ${percent(worst.share)} % (${worst.node}).`
}

/** One group of channels; errors are of its output, over all rows, when rounded so and when rounded to nearest. */
export function learnRounding(
  part: Part,
  { training, iterations }: Learning,
  ctx: Pick<Context, 'kernels' | 'signal'>,
): Rounded & Required<Pick<Rounded, 'errors'>> {
  const { moments, layer, grid } = part
  const { k, c } = moments
  const { h, r } = quadraticOf(part)
  const scaleAt = Uint32Array.from({ length: c * k }, (_, i) => Math.floor(i / k))
  const soft = soften(layer.weights, layer.weights, scaleAt, grid.scales, aroundIn(grid.format, grid.restricted, 0)!)
  const nearest = hardWeights(soft)
  // In units of what rounding to nearest costs a weight, so that the regulariser means the same for every layer.
  const mean = Math.max(meanDiagonal(h, k), 1e-30)
  const unit = grid.scales.map(scale => 24 / (scale * scale * mean))
  const optimizer = training.adam(c * k)
  const rate = roundingRate(iterations)
  const shape = { m: c, n: k, k, transA: false, transB: false }
  for (let step = 0; step < iterations; step++) {
    if (step % 32 === 0) ctx.signal.throwIfAborted()
    const dw = r.map(x => -x)
    ctx.kernels.gemm(softWeights(soft), h, shape, dw)
    for (let i = 0; i < dw.length; i++) dw[i] *= unit[scaleAt[i]]
    optimizer.step(soft.v, roundingGradient(soft, dw, pullAt(step, iterations)), rate)
  }
  const weights = hardWeights(soft)
  const biases = [weights, nearest].map(w => layer.bias && biasFor(moments, w))
  const errors = { solved: 0, nearest: 0 }
  for (let channel = 0; channel < c; channel++) {
    const [learned, plain] = [weights, nearest].map((w, i) => squaredError(moments, w, biases[i], channel))
    errors.solved += Math.min(learned, plain)
    errors.nearest += squaredError(moments, nearest, layer.bias, channel)
    if (learned > plain) weights.set(nearest.subarray(channel * k, (channel + 1) * k), channel * k)
  }
  return { scales: grid.scales, weights, bias: layer.bias && biasFor(moments, weights), errors }
}

/**
 * The loss as w H w - 2 w r: [k, k] and [c, k], with a pull towards the float weights where rows are few; centred, since the bias takes
 * the mean.
 */
function quadraticOf({ moments, layer, damping }: Part): { h: Float32Array; r: Float32Array } {
  const { n, k, c } = moments
  const h = centred(moments.h, n, k, layer.bias !== null)
  const share = layer.bias ? (1 - meanShare) / n : 0
  const ridge = damping.ridge * meanDiagonal(moments.h, k, k + 1)
  for (let j = 0; j < k; j++) h[j * k + j] += ridge
  const r = new Float32Array(c * k)
  for (let channel = 0; channel < c; channel++)
    for (let j = 0; j < k; j++)
      r[channel * k + j] =
        moments.r[j * c + channel] -
        share * moments.h[j * (k + 1) + k] * moments.r[k * c + channel] +
        ridge * layer.weights[channel * k + j]
  return { h: Float32Array.from(h), r }
}
