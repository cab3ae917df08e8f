// AWQ (AWQ: Activation-aware Weight Quantization for LLM Compression and Acceleration, 2023): channels that carry large activations get
// finer steps, by weights multiplied up before they are rounded and the input divided down:
//
//   t_i = (mean |x_i|)^r, normalised by sqrt(max t min t);   r = 0, 1/20 ... 19/20, that of least
//   sum over i of (X'X)_ii |w_i - Q(t w)_i / t_i|^2
//
// The paper measures the output on samples; errors of rounding in different input channels are all but independent, so that the diagonal
// of X'X is left of that. Its search for a clip is left to HQQ and GPTQ, which come after. For layers whose weights alone get few bits.
import { exp, log } from '../../../base/math.ts'
import type { Context, KernelSet, Task } from '../../../ir/context.ts'
import type { FormatName } from '../../../ir/format-names.ts'
import type { Model } from '../../../ir/model.ts'
import { type Granularity, roundTripTensor } from '../../../ir/quant.ts'
import { blockOf, type Choice } from '../choose.ts'
import { weightParams, weightSpec } from '../weight-scales.ts'
import type { Moments } from './input-moments.ts'
import { type Readers, readersOf, rescaleGroups, scaledRows } from './input-scales.ts'
import { floatsOf, type Product } from './products.ts'
import type { GraphRepair } from './types.ts'

const strengths = Array.from({ length: 20 }, (_, i) => i / 20)
const smallest = 1e-4

export const awq: GraphRepair = {
  id: 'awq',
  label: 'AWQ: finer steps for weights that meet large activations',
  when: 'before-ranges',
  needsData: true,
  async run(model, choice, samples, ctx) {
    const groups = readersOf(model.graph, choice).filter(g => g.products.every(p => choice.weightOnly.has(p.node.id)))
    return rescaleGroups(
      model,
      groups,
      {
        name: 'AWQ',
        moments: ['sizes', 'squares', 'rows'],
        best: (readers, seen) => bestFactors(model, readers, choice, seen, ctx),
      },
      samples!,
      ctx,
    )
  },
}

type Seen = Moments<'sizes' | 'squares' | 'rows'>

/** The weights of a layer, and how they are to be written. */
interface Layer extends Pick<Product, 'inputs' | 'outputs' | 'byRow'> {
  weights: Float32Array
  format: FormatName
  block: number | null
}

/** Null where no factors are better than none. */
async function bestFactors(
  model: Model,
  { products, channels }: Readers,
  choice: Choice,
  seen: Seen,
  ctx: Pick<Context, 'bytes' | 'perform'>,
): Promise<Float64Array | null> {
  const layers: Layer[] = []
  for (const { node, weight, inputs, outputs, byRow } of products)
    layers.push({
      inputs,
      outputs,
      byRow,
      weights: await floatsOf(model, weight, ctx.bytes),
      format: choice.weightOnly.get(node.id)!.formats.weights,
      block: blockOf(choice, node.id),
    })
  return ctx.perform(factorsTask, { layers, channels, seen })
}

export const factorsTask: Task<{ layers: Layer[]; channels: number; seen: Seen }, Float64Array | null> = {
  id: 'awq',
  run({ layers, channels, seen }, kernels) {
    let best: Float64Array | null = null
    let least = Number.POSITIVE_INFINITY
    for (const r of strengths) {
      const t = factors(seen, channels, r)
      let error = 0
      for (const layer of layers) error += errorOf(layer, t, seen.squares, kernels)
      if (error < least) {
        least = error
        best = r === 0 ? null : t
      }
    }
    return best
  },
}

function factors({ sizes, rows }: Moments<'sizes' | 'rows'>, channels: number, r: number): Float64Array {
  const logs = Float64Array.from({ length: channels }, (_, i) =>
    Math.max(r * log(Math.max(sizes[i] / Math.max(1, rows[i]), 1e-30)), log(smallest)),
  )
  const middle = (logs.reduce((m, x) => Math.max(m, x)) + logs.reduce((m, x) => Math.min(m, x))) / 2
  return logs.map(x => Math.fround(exp(x - middle)))
}

function errorOf(layer: Layer, t: Float64Array, squares: Float64Array, kernels: KernelSet): number {
  const { weights, inputs, outputs, byRow, format, block } = layer
  const shape = byRow ? [outputs, inputs] : [inputs, outputs]
  const granularity: Granularity =
    block === null ? { kind: 'channel', axis: byRow ? 0 : 1 } : { kind: 'block', axis: byRow ? 1 : 0, size: block }
  const spec = weightSpec(format, granularity, true)
  if (spec === null) return 0
  const scaled = scaledRows(weights, layer, t)
  const rounded = roundTripTensor(scaled, shape, weightParams(scaled, shape, spec, format, kernels))
  let error = 0
  for (let at = 0; at < weights.length; at++) {
    const i = byRow ? at % inputs : Math.floor(at / outputs)
    const d = (scaled[at] - rounded[at]) / t[i]
    error += squares[i] * d * d
  }
  return error
}
