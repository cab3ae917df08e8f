// SmoothQuant (SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models, 2022): channels of an activation
// that are much larger than the others are divided down before a product, and its weights multiplied up:
//
//   t_i = max|x_i|^a / max|W_i|^(1 - a)
//
// The paper sets a once for a model. Here it is looked for in each group of layers that read one value: that of least expected error, as
// rounding makes it of activations under one scale, step dx, and of weights under a scale an output, steps dw_j:
//
//   E = rows dx^2 / 12 * sum over i, j of (t_i W_ij)^2  +  sum over j of dw_j^2 / 12 * sum over i of x_i^2 / t_i^2
//
// Only for layers whose activations get one scale: blocks of weights come with blocks of activations, which need none of this.
import { exp, log } from '../../../base/math.ts'
import type { Bytes } from '../../../ir/context.ts'
import type { Model } from '../../../ir/model.ts'
import { blockOf } from '../choose.ts'
import type { Moments } from './input-moments.ts'
import { type Readers, readersOf, rescaleGroups } from './input-scales.ts'
import { floatsOf } from './products.ts'
import type { GraphRepair } from './types.ts'

const strengths = Array.from({ length: 20 }, (_, i) => i / 20)
const smallest = 1e-5

export const smooth: GraphRepair = {
  id: 'smooth',
  label: 'SmoothQuant: move large activation channels into weights',
  when: 'before-ranges',
  needsData: true,
  async run(model, choice, samples, ctx) {
    const groups = readersOf(model.graph, choice).filter(g =>
      g.products.every(p => blockOf(choice, p.node.id) === null),
    )
    return rescaleGroups(
      model,
      groups,
      {
        name: 'SmoothQuant',
        moments: ['largest', 'squares', 'rows'],
        best: (readers, seen) => bestFactors(model, readers, seen, ctx.bytes),
      },
      samples!,
      ctx,
    )
  },
}

type Seen = Moments<'largest' | 'squares' | 'rows'>

/** Null where no factors are better than none. */
async function bestFactors(model: Model, readers: Readers, seen: Seen, bytes: Bytes): Promise<Float64Array | null> {
  const { channels, products } = readers
  const rowMax = new Float64Array(channels)
  const rowEnergy = new Float64Array(channels)
  const columns: Float32Array[] = []
  for (const { weight, byRow, outputs } of products) {
    const w = await floatsOf(model, weight, bytes)
    for (let j = 0; j < outputs; j++) {
      const column = Float32Array.from({ length: channels }, (_, i) =>
        Math.abs(w[byRow ? j * channels + i : i * outputs + j]),
      )
      columns.push(column)
      for (let i = 0; i < channels; i++) {
        rowMax[i] = Math.max(rowMax[i], column[i])
        rowEnergy[i] += column[i] * column[i]
      }
    }
  }
  const expected = (t: Float64Array): number => {
    let step = 0
    let weight = 0
    let input = 0
    for (let i = 0; i < channels; i++) {
      step = Math.max(step, seen.largest[i] / t[i])
      weight += rowEnergy[i] * t[i] * t[i]
      input += seen.squares[i] / (t[i] * t[i])
    }
    let steps = 0
    for (const column of columns) {
      let top = 0
      for (let i = 0; i < channels; i++) top = Math.max(top, column[i] * t[i])
      steps += top * top
    }
    const dx = (2 * step) / 255
    return seen.rows[0] * dx * dx * weight + (steps / (127 * 127)) * input
  }
  let best: Float64Array | null = null
  let least = expected(new Float64Array(channels).fill(1))
  for (const a of strengths) {
    const t = factors(seen.largest, rowMax, a)
    const error = expected(t)
    if (error < least) {
      least = error
      best = t
    }
  }
  return best
}

/** With a geometric mean of one, so that sizes stay where they are. */
function factors(inputs: Float64Array, weights: Float64Array, a: number): Float64Array {
  const logs = inputs.map((x, i) => a * log(Math.max(x, smallest)) - (1 - a) * log(Math.max(weights[i], smallest)))
  const mean = logs.reduce((sum, x) => sum + x, 0) / logs.length
  return logs.map(x => Math.fround(exp(x - mean)))
}
