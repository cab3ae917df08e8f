// Cross-layer equalisation by weights alone, in full strength (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and
// Bias Correction", section 4.1): t = sqrt(r1 / r2), r1 the largest weight that makes a channel, r2 the largest that reads it, so that
// both become sqrt(r1 r2). Over all pairs until nothing moves; along conv, depthwise, conv that comes to the cube root of all three.
// Where several layers make or read a set of channels, r is their geometric mean.

import { viewAs } from '../../../base/dtype.ts'
import { exp, log } from '../../../base/math.ts'
import type { Bytes } from '../../../ir/context.ts'
import { eachWeight, type Scalable, type Ties, tiesOf } from '../channel-ties.ts'
import { scaleChannels, scaledNormals } from '../scale-channels.ts'
import type { GraphRepair } from './types.ts'

export const equalizeFull = {
  id: 'equalize-full',
  label: 'Equalise weights across layers',
  when: 'before-ranges',
  needsData: false,
  async run(model, _choice, _samples, ctx, normals = null) {
    const ties = tiesOf(model)
    const t = await crossLayerScales(ties, ctx.bytes)
    const after = normals ? { normals: scaledNormals(normals, ties, t) } : {}
    return { model: await scaleChannels(model, ties, t, ctx.bytes), notes: clipNotes(ties), ...after }
  },
} as const satisfies GraphRepair

const sweeps = 20
const settled = 1e-3
const furthest = 1e3 // beyond it a channel is noise, and its weights would leave float32's comfort

/** What equalisation left, and why. */
export function clipNotes({ clips }: Pick<Ties, 'clips'>): string[] {
  if (clips.length === 0) return []
  return [`Channels were not equalised across ${clips.length} Clip, whose bounds are the same for all channels.`]
}

/** t of each set of channels. Those that no layer makes or none reads keep 1. */
export async function crossLayerScales(ties: Pick<Ties, 'count' | 'layers'>, bytes: Bytes): Promise<Float64Array> {
  const t = new Float64Array(ties.count).fill(1)
  const magnitudes: Magnitudes[] = []
  for (const layer of ties.layers) {
    const data = await bytes.read(layer.weight.tensor)
    magnitudes.push(magnitudesOf(layer, viewAs('float32', data) as Float32Array))
  }
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const [made, read] = [new GeometricMean(ties.count), new GeometricMean(ties.count)]
    for (const m of magnitudes) tell(m, t, made, read)
    let moved = 0
    for (let set = 1; set < ties.count; set++) {
      const step = (made.of(set) - read.of(set)) / 2
      if (!Number.isFinite(step)) continue
      const next = Math.min(furthest, Math.max(1 / furthest, t[set] * exp(step)))
      moved = Math.max(moved, Math.abs(next / t[set] - 1))
      t[set] = next
    }
    if (moved < settled) break
  }
  return t
}

/** The largest weight between each pair of channels that a layer connects. */
interface Magnitudes {
  from: Int32Array // set of the input channel
  to: Int32Array
  row: Int32Array // output channel
  column: Int32Array // input channel
  largest: Float64Array
  rows: number
  columns: number
}

function magnitudesOf({ node, weight, input, output }: Scalable, w: Float32Array): Magnitudes {
  const area = weight.tensor.shape.slice(2).reduce((n, d) => n * d, 1)
  const pairs = w.length / Math.max(1, area)
  const [row, column] = [new Int32Array(pairs), new Int32Array(pairs)]
  const largest = new Float64Array(pairs)
  eachWeight(node, weight.tensor, (i, from, to) => {
    const pair = Math.floor(i / area)
    row[pair] = to
    column[pair] = from
    largest[pair] = Math.max(largest[pair], Math.abs(w[i]))
  })
  const sets = { from: column.map(c => input[c]), to: row.map(r => output[r]) }
  return { ...sets, row, column, largest, rows: output.length, columns: input.length }
}

/** Adds what a layer says of the sets that it makes and reads, its weights as they are once scaled by `t`. */
function tell(m: Magnitudes, t: Float64Array, made: GeometricMean, read: GeometricMean): void {
  const [rows, columns] = [new Float64Array(m.rows), new Float64Array(m.columns)]
  const [rowSets, columnSets] = [new Int32Array(m.rows), new Int32Array(m.columns)]
  for (const [pair, w] of m.largest.entries()) {
    const scaled = (w * t[m.from[pair]]) / t[m.to[pair]]
    const [r, c] = [m.row[pair], m.column[pair]]
    if (scaled > rows[r]) rows[r] = scaled
    if (scaled > columns[c]) columns[c] = scaled
    rowSets[r] = m.to[pair]
    columnSets[c] = m.from[pair]
  }
  for (const [r, largest] of rows.entries()) made.add(rowSets[r], largest)
  for (const [c, largest] of columns.entries()) read.add(columnSets[c], largest)
}

/** The mean logarithm of each set; NaN where there is none, or one of zero. */
class GeometricMean {
  private readonly sum: Float64Array
  private readonly count: Float64Array
  constructor(sets: number) {
    this.sum = new Float64Array(sets)
    this.count = new Float64Array(sets)
  }
  add(set: number, value: number): void {
    this.sum[set] += value > 0 ? log(value) : Number.NaN
    this.count[set]++
  }
  of(set: number): number {
    return this.sum[set] / this.count[set]
  }
}
