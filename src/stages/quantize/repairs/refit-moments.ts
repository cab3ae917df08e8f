// What the refit of a layer sees: second moments of its input, as the quantised layers before give it, against the output of the float
// layer, over places that are drawn from the samples.
import type { Rng } from '../../../base/rng.ts'
import type { Batch } from '../../../ir/batches.ts'
import type { Context } from '../../../ir/context.ts'
import type { Model, Node, ValueName } from '../../../ir/model.ts'
import { isInt } from '../../../ir/number-format.ts'
import { codeRange, type QuantPlan, type QuantSpec, roundTripTensor } from '../../../ir/quant.ts'
import type { Stream } from '../../../ir/stream.ts'
import type { NdArray } from '../../../ir/tensor.ts'
import { inputRows, type LayerShape, outputRows, type Places, placesOf } from '../patches.ts'
import type { Moments } from './rounding-solve.ts'

/** What changes as layers are done. */
export interface Work {
  readonly float: Model
  model: Model
  plan: QuantPlan
  notes: string[]
}

export interface Layer {
  node: Node
  shape: LayerShape
  weight: ValueName
  input: ValueName
  output: ValueName
  /** What is added to the output right behind, where that was made before; and whether the sum reads it rounded. */
  shortcut: { name: ValueName; rounded: boolean } | null
}

// Rows beyond these tell a layer of a thousand inputs nothing new; one of nine needs fewer.
const enoughRows = 40_000
const rowsPerColumn = 400

/** Second moments of a layer's input against its target, group by group, over places that are drawn for it. */
export async function observeLayer(
  layer: Layer,
  work: Work,
  { exact, rounded }: { exact: Stream; rounded: Stream },
  given: readonly Batch[],
  ctx: Context,
): Promise<Moments[]> {
  const { node, shape, input, output, shortcut } = layer
  const kept = shortcut ? [input, shortcut.name] : [input]
  const images = given.reduce((n, batch) => n + batch.count, 0)
  const wanted = Math.min(enoughRows, Math.max(4000, rowsPerColumn * shape.columns))
  const rng = ctx.rng.fork('refit').fork(node.id)
  const moments = Array.from({ length: shape.groups }, () => emptyMoments(shape))
  const drawn: { places: Places; shape: readonly number[]; targets: Float32Array }[] = []
  await exact.run(work.float, [...kept, output], kept, (arrays, index) => {
    const y = arrays[output]
    const share = shape.conv ? wanted / images : (wanted * given[index].count) / images
    const places = drawPlaces(placesOf(shape, y.shape), Math.ceil(share), rng)
    const targets = outputRows(y, shape, places)
    if (shortcut && sameShape(arrays[shortcut.name], y))
      add(targets, outputRows(arrays[shortcut.name], shape, places), 1)
    drawn[index] = { places, shape: y.shape, targets }
  })
  await rounded.run(work.model, kept, kept, (arrays, index) => {
    const { places, shape: outShape, targets } = drawn[index]
    if (shortcut && arrays[shortcut.name].shape.join() === outShape.join()) {
      const read = arrays[shortcut.name]
      const seen = shortcut.rounded ? asRead(read, shortcut.name, work.plan, ctx) : read
      add(targets, outputRows(seen, shape, places), -1)
    }
    const x = work.plan.quantized.has(node.id) ? asRead(arrays[input], input, work.plan, ctx) : arrays[input]
    for (const [group, m] of moments.entries()) {
      const inputs = inputRows(x, outShape, shape, group, places)
      addRows(m, inputs, columnsOf(targets, shape, group), ctx)
    }
  })
  for (const m of moments) mirror(m)
  return moments
}

const sameShape = (a: NdArray, b: NdArray): boolean => a.shape.join() === b.shape.join()

function add(to: Float32Array, rows: Float32Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i] += factor * rows[i]
}

/** The channels of one group. */
function columnsOf(rows: Float32Array, { groups, channels }: LayerShape, group: number): Float32Array {
  if (groups === 1) return rows
  const all = groups * channels
  const out = new Float32Array(rows.length / groups)
  for (let row = 0; row * all < rows.length; row++)
    for (let c = 0; c < channels; c++) out[row * channels + c] = rows[row * all + group * channels + c]
  return out
}

/** The value as its integer readers see it: on the grid, also where a float node or nobody made it. */
function asRead(array: NdArray, name: ValueName, plan: QuantPlan, ctx: Context): NdArray {
  const params = plan.activations.get(name)
  if (!params) return array
  const x = array.data as Float32Array
  if (!isInt(params.spec.format)) return { ...array, data: roundTripTensor(x, array.shape, params) }
  const { qmin, qmax } = codeRange(params.spec as QuantSpec)
  return { ...array, data: ctx.kernels.fakeQuantize(x, params.scale[0], params.zeroPoint[0], qmin, qmax) }
}

/** `count` of `all` places, or all where there are no more, in ascending order. */
function drawPlaces(all: number, count: number, rng: Rng): Places {
  const places = Uint32Array.from({ length: all }, (_, i) => i)
  if (count >= all) return places
  for (let i = 0; i < count; i++) {
    const j = i + rng.below(all - i)
    const kept = places[i]
    places[i] = places[j]
    places[j] = kept
  }
  return places.subarray(0, count).sort()
}

const emptyMoments = ({ columns: k, channels: c }: LayerShape): Moments => ({
  n: 0,
  k,
  c,
  h: new Float64Array((k + 1) * (k + 1)),
  r: new Float64Array((k + 1) * c),
  t: new Float64Array(c),
})

function addRows(m: Moments, inputs: Float32Array, targets: Float32Array, ctx: Context): void {
  const p = m.k + 1
  m.n += inputs.length / p
  ctx.kernels.gram(inputs, inputs, { p, q: p, upper: true }, m.h)
  ctx.kernels.gram(inputs, targets, { p, q: m.c, upper: false }, m.r)
  for (let i = 0; i < targets.length; i++) m.t[i % m.c] += targets[i] * targets[i]
}

/** The lower half from the upper. */
function mirror({ h, k }: Moments): void {
  for (let i = 0; i <= k; i++) for (let j = 0; j < i; j++) h[i * (k + 1) + j] = h[j * (k + 1) + i]
}
