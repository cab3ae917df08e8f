// Second moments of what a layer reads against what it should give: all that a fit of its weights by least squares needs of the samples.
import type { Rng } from '../base/rng.ts'
import { inOrder } from './batches.ts'
import type { Context, KernelSet, Task } from './context.ts'
import { isInt } from './number-format.ts'
import { codeRange, type QuantParams, type QuantSpec, roundTripTensor } from './quant.ts'

/** What rows of inputs U ([n, k], a column of ones behind) and targets T ([n, c]) come to. */
export interface Moments {
  n: number
  k: number
  c: number
  h: Float64Array // U^T U, [k + 1, k + 1], all of it
  r: Float64Array // U^T T, [k + 1, c]
  t: Float64Array // sums of squares of T, [c]
  /** The same of every other piece alone, where it was asked for and there was more than one. */
  half?: { n: number; h: Float64Array; r: Float64Array }
}

// Rows beyond these tell a layer of a thousand inputs nothing new; one of nine needs fewer.
const enoughRows = 40_000
const rowsPerColumn = 400

/** Rows that a layer of so many inputs is fitted to. */
export const rowsWanted = (columns: number): number => Math.min(enoughRows, Math.max(4000, rowsPerColumn * columns))

/** Moments of each group of a layer over all pieces; with `params`, of inputs as their integer readers see them. */
export async function momentsOf(
  pieces: AsyncIterable<Piece>,
  {
    k,
    c,
    groups,
    params,
    halves = false,
  }: { k: number; c: number; groups: number; params: QuantParams | null; halves?: boolean },
  ctx: Pick<Context, 'perform' | 'runner'>,
): Promise<Moments[]> {
  const sides = Array.from({ length: halves ? 2 : 1 }, () => Array.from({ length: groups }, () => emptyMoments(k, c)))
  const sums = ({ lot }: Lot): Promise<Moments[]> =>
    ctx.perform(
      sumRows,
      { k, c, pieces: lot, params },
      lot.flat().flatMap(({ inputs, targets }) => [inputs.buffer, targets.buffer]),
    )
  for await (const { item, result } of inOrder(lots(pieces, k, halves), ctx.runner.threads, sums)) {
    for (const [group, m] of sides[item.half].entries()) addMoments(m, result[group])
    ctx.runner.discard(result)
  }
  return sides[0].map((first, group) => {
    mirror(first)
    const rest = sides[1]?.[group]
    if (!rest || rest.n === 0) return first
    mirror(rest)
    addMoments(rest, first)
    return { ...rest, half: { n: first.n, h: first.h, r: first.r } }
  })
}

/** The mean of the targets less what the rounded weights make of the mean input. */
export function biasFor({ h, r, n, k, c }: Moments, weights: Float32Array | Float64Array): Float64Array {
  return Float64Array.from({ length: c }, (_, channel) => {
    let sum = r[k * c + channel]
    for (let j = 0; j < k; j++) sum -= weights[channel * k + j] * h[j * (k + 1) + k]
    return sum / n
  })
}

/** What a layer reads ([n, k + 1], the last column of ones) and should give ([n, c]) at some places of a batch, group by group. */
export type Piece = { inputs: Float32Array; targets: Float32Array }[]

// So many rows are worth the way of their sums back from another thread.
const lotRows = 4096
const lotNumbers = 4194304

/** Pieces that one thread sums up, all of one half. */
interface Lot {
  lot: Piece[]
  half: 0 | 1
}

/** In a partition that does not depend on the threads; with `halves` every other piece is of the second. */
async function* lots(pieces: AsyncIterable<Piece>, k: number, halves: boolean): AsyncIterable<Lot> {
  const open = ([0, 1] as const).map(half => ({ half, lot: [] as Piece[], rows: 0, numbers: 0 }))
  let next = 0
  for await (const piece of pieces) {
    const own = open[next]
    if (halves) next = 1 - next
    own.lot.push(piece)
    own.rows += piece[0].inputs.length / (k + 1)
    own.numbers += piece.length * piece[0].inputs.length
    if (own.rows < lotRows && own.numbers < lotNumbers) continue
    yield { lot: own.lot, half: own.half }
    Object.assign(own, { lot: [], rows: 0, numbers: 0 })
  }
  for (const { lot, half } of open) if (lot.length > 0) yield { lot, half }
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

/** Values as their integer readers see them: on the grid, also where a float node or nobody made them. */
export function asRead(x: Float32Array, params: QuantParams, kernels: KernelSet): Float32Array {
  if (!isInt(params.spec.format)) return roundTripTensor(x, [x.length], params)
  const { qmin, qmax } = codeRange(params.spec as QuantSpec)
  return kernels.fakeQuantize(x, params.scale[0], params.zeroPoint[0], qmin, qmax)
}

/** `count` of `all` places, or all where there are no more, in ascending order. */
export function drawPlaces(all: number, count: number, rng: Rng): Uint32Array {
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
