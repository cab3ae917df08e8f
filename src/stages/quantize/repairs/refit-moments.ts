// What the refit of a layer sees: second moments of its input, as the quantised layers before give it, against the output of the float
// layer, over places that are drawn from the samples.
import type { Rng } from '../../../base/rng.ts'
import { type Batch, inOrder } from '../../../ir/batches.ts'
import type { Context, KernelSet, Task } from '../../../ir/context.ts'
import type { Model, Node, ValueName } from '../../../ir/model.ts'
import { isInt } from '../../../ir/number-format.ts'
import { codeRange, type QuantParams, type QuantPlan, type QuantSpec, roundTripTensor } from '../../../ir/quant.ts'
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

/** Rows that a layer of so many inputs is fitted to. */
export const rowsWanted = (columns: number): number => Math.min(enoughRows, Math.max(4000, rowsPerColumn * columns))

/** Values that a layer is seen by. */
function valuesOf({ input, output, shortcut }: Layer): { kept: ValueName[]; all: ValueName[] } {
  const kept = shortcut ? [input, shortcut.name] : [input]
  return { kept, all: [...kept, output] }
}

/** Takes the streams past a layer that need not be looked at. */
export async function goThrough(
  layer: Layer,
  work: Work,
  { exact, rounded }: { exact: Stream; rounded: Stream },
): Promise<void> {
  const { kept, all } = valuesOf(layer)
  for await (const _ of exact.run(work.float, all, kept));
  for await (const _ of rounded.run(work.model, kept, kept));
}

/** Second moments of a layer's input against its target, group by group, over places that are drawn for it. */
export async function observeLayer(
  layer: Layer,
  work: Work,
  { exact, rounded }: { exact: Stream; rounded: Stream },
  given: readonly Batch[],
  ctx: Context,
): Promise<Moments[]> {
  const { node, shape, input, output, shortcut } = layer
  const { kept, all } = valuesOf(layer)
  const images = given.reduce((n, batch) => n + batch.count, 0)
  const wanted = rowsWanted(shape.columns)
  const rng = ctx.rng.fork('refit').fork(node.id)
  const drawn: { places: Places; shape: readonly number[]; targets: Float32Array }[] = []
  for await (const { arrays, batch } of exact.run(work.float, all, kept)) {
    const y = arrays[output]
    const share = shape.conv ? wanted / images : (wanted * given[batch].count) / images
    const places = drawPlaces(placesOf(shape, y.shape), Math.ceil(share), rng)
    const targets = outputRows(y, shape, places)
    if (shortcut && sameShape(arrays[shortcut.name], y))
      add(targets, outputRows(arrays[shortcut.name], shape, places), 1)
    drawn[batch] = { places, shape: y.shape, targets }
  }
  const params = work.plan.quantized.has(node.id) ? (work.plan.activations.get(input) ?? null) : null
  async function* pieces(): AsyncIterable<Piece> {
    for await (const { arrays, batch } of rounded.run(work.model, kept, kept)) {
      const { places, shape: outShape, targets } = drawn[batch]
      if (shortcut && arrays[shortcut.name].shape.join() === outShape.join()) {
        const seen = outputRows(arrays[shortcut.name], shape, places)
        const grid = shortcut.rounded ? work.plan.activations.get(shortcut.name) : undefined
        add(targets, grid ? asRead(seen, grid, ctx.kernels) : seen, -1)
      }
      yield Array.from({ length: shape.groups }, (_, group) => ({
        inputs: inputRows(arrays[input], outShape, shape, group, places),
        targets: columnsOf(targets, shape, group),
      }))
    }
  }
  const { columns: k, channels: c, groups } = shape
  const moments = Array.from({ length: groups }, () => emptyMoments(k, c))
  const sums = (lot: Piece[]): Promise<Moments[]> =>
    ctx.perform(
      sumRows,
      { k, c, pieces: lot, params },
      lot.flat().flatMap(({ inputs, targets }) => [inputs.buffer, targets.buffer]),
    )
  for await (const { result } of inOrder(lots(pieces(), k), ctx.runner.threads, sums)) {
    for (const [group, m] of moments.entries()) addMoments(m, result[group])
    ctx.runner.discard(result)
  }
  for (const m of moments) mirror(m)
  return moments
}

/** What a layer reads ([n, k + 1], the last column of ones) and should give ([n, c]) at some places of a batch, group by group. */
type Piece = { inputs: Float32Array; targets: Float32Array }[]

// So many rows are worth the way of their sums back from another thread.
const lotRows = 4096
const lotNumbers = 4194304

/** Pieces that one thread sums up, in a partition that does not depend on the threads. */
async function* lots(pieces: AsyncIterable<Piece>, k: number): AsyncIterable<Piece[]> {
  let lot: Piece[] = []
  let rows = 0
  let numbers = 0
  for await (const piece of pieces) {
    lot.push(piece)
    rows += piece[0].inputs.length / (k + 1)
    numbers += piece.length * piece[0].inputs.length
    if (rows < lotRows && numbers < lotNumbers) continue
    yield lot
    lot = []
    rows = 0
    numbers = 0
  }
  if (lot.length > 0) yield lot
}

interface RowsSeen {
  k: number
  c: number
  pieces: Piece[]
  /** How integer inputs are rounded. */
  params: QuantParams | null
}

/** Moments of each group, of which H has its upper half alone. */
export const sumRows: Task<RowsSeen, Moments[]> = {
  id: 'sum-rows',
  run({ k, c, pieces, params }, kernels) {
    const moments = pieces[0].map(() => emptyMoments(k, c))
    for (const piece of pieces)
      for (const [group, { inputs, targets }] of piece.entries())
        addRows(moments[group], inputs, targets, params, kernels)
    return moments
  },
}

function addRows(
  m: Moments,
  inputs: Float32Array,
  targets: Float32Array,
  params: QuantParams | null,
  kernels: KernelSet,
): void {
  const { k, c } = m
  const p = k + 1
  const rows = inputs.length / p
  m.n += rows
  for (let i = 0; i < targets.length; i++) m.t[i % c] += targets[i] * targets[i]
  // In parts, since a kernel's memory never shrinks.
  for (let from = 0; from < rows; from += lotRows) {
    const to = Math.min(rows, from + lotRows)
    const given = inputs.subarray(from * p, to * p)
    const read = params ? asRead(given, params, kernels) : given
    for (let row = 0; row < to - from; row++) read[row * p + k] = 1
    kernels.gram(read, read, { p, q: p, upper: true }, m.h)
    kernels.gram(read, targets.subarray(from * c, to * c), { p, q: c, upper: false }, m.r)
  }
}

function addMoments(to: Moments, more: Moments): void {
  to.n += more.n
  for (let i = 0; i < to.h.length; i++) to.h[i] += more.h[i]
  for (let i = 0; i < to.r.length; i++) to.r[i] += more.r[i]
  for (let i = 0; i < to.t.length; i++) to.t[i] += more.t[i]
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

/** Values as their integer readers see them: on the grid, also where a float node or nobody made them. */
function asRead(x: Float32Array, params: QuantParams, kernels: KernelSet): Float32Array {
  if (!isInt(params.spec.format)) return roundTripTensor(x, [x.length], params)
  const { qmin, qmax } = codeRange(params.spec as QuantSpec)
  return kernels.fakeQuantize(x, params.scale[0], params.zeroPoint[0], qmin, qmax)
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

const emptyMoments = (k: number, c: number): Moments => ({
  n: 0,
  k,
  c,
  h: new Float64Array((k + 1) * (k + 1)),
  r: new Float64Array((k + 1) * c),
  t: new Float64Array(c),
})

/** The lower half from the upper. */
function mirror({ h, k }: Moments): void {
  for (let i = 0; i <= k; i++) for (let j = 0; j < i; j++) h[i * (k + 1) + j] = h[j * (k + 1) + i]
}
