// Convolutions of 3 x 3 by tiles of 4 x 4 outputs, with a quarter of the multiplications (Lavin and Gray, "Fast Algorithms for
// Convolutional Neural Networks", 2016, section 4.3): Y = A'[(G w G') * (B' x B)]A for each tile, where the products over channels are
// matrix products, one for each of the 36 elements of a transformed tile. That is bilinear, so that its gradients are by the same
// matrices: of w, G'[sum over tiles of (A dy A') * (B' x B)]G, and of x the convolution of dy with the filters turned round.
//
// A transformed array has its 36 elements one after the other, each over [channels, tiles] or [outputs, channels], `stepOf` apart. Tiles count along rows, then down; of one sample they are filled up to a multiple of four with zeros. Transforms go along rows first.
import type { Arrays } from '../lib/kernel.ts'

export const tileSide = 4
export const transformed = 36

/** Of one sample and one group. `pads`: how far the first tile reaches beyond the map's first row and column, where it is read. */
export interface TileShape {
  channels: number
  size: readonly [number, number] // of the map that is read or written
  tiles: readonly [number, number]
  pads: readonly [number, number]
  /** Tiles of all samples in the transformed array, and where this sample's begin. */
  of: number
  at: number
}

export interface FilterShape {
  outputs: number
  channels: number
  /** As the gradient of x needs them: turned by half a turn, channels and outputs in each other's place. */
  turned: boolean
}

export const tilesPerSample = ([down, across]: readonly [number, number]): number => Math.ceil((down * across) / 4) * 4

/** Elements of the plane that a map is laid into, with the zeros behind it that tiles that only fill up are read from. */
export const planeOf = ({ tiles: [down, across] }: Pick<TileShape, 'tiles'>): number =>
  (4 * down + 8) * (4 * across + 2) + 8

/** From one element of all transformed tiles or filters to the next: some more than there are, as powers of two would share a cache line. */
export const stepOf = (count: number): number => count + 16
/** Elements of an array of `count` transformed tiles or filters. */
export const transformedLength = (count: number): number => transformed * stepOf(count)

const f = Math.fround
const [sixth, twelfth, part24] = [f(1 / 6), f(1 / 12), f(1 / 24)]

type Transform = (v: readonly number[]) => number[]

/** B' */
const ofInput: Transform = ([d0, d1, d2, d3, d4, d5]) => {
  const a = f(d4 - f(4 * d2))
  const b = f(d3 - f(4 * d1))
  const c = f(d4 - d2)
  const e = f(2 * f(d3 - d1))
  return [f(f(f(4 * d0) - f(5 * d2)) + d4), f(a + b), f(a - b), f(c + e), f(c - e), f(f(f(4 * d1) - f(5 * d3)) + d5)]
}

/** A' */
const ofOutput: Transform = ([m0, m1, m2, m3, m4, m5]) => {
  const [s, d] = [f(m1 + m2), f(m1 - m2)]
  const [t, e] = [f(m3 + m4), f(m3 - m4)]
  return [f(f(m0 + s) + t), f(d + f(2 * e)), f(s + f(4 * t)), f(f(d + f(8 * e)) + m5)]
}

/** A */
const ofOutputGradient: Transform = ([y0, y1, y2, y3]) => {
  const [e, o] = [f(y0 + y2), f(y1 + y3)]
  const [e2, o2] = [f(y0 + f(4 * y2)), f(f(2 * y1) + f(8 * y3))]
  return [y0, f(e + o), f(e - o), f(e2 + o2), f(e2 - o2), y3]
}

/** G */
const ofFilter: Transform = ([g0, g1, g2]) => {
  const s = f(g0 + g2)
  const q = f(f(part24 * g0) + f(sixth * g2))
  const r = f(twelfth * g1)
  return [f(0.25 * g0), f(-sixth * f(s + g1)), f(-sixth * f(s - g1)), f(q + r), f(q - r), g2]
}

/** G' */
const ofFilterGradient: Transform = ([v0, v1, v2, v3, v4, v5]) => {
  const s = f(v1 + v2)
  const u = f(v3 + v4)
  return [
    f(f(f(0.25 * v0) - f(sixth * s)) + f(part24 * u)),
    f(f(sixth * f(v2 - v1)) + f(twelfth * f(v3 - v4))),
    f(f(sixth * f(u - s)) + v5),
  ]
}

/** A square of values, row by row, transformed along its rows and then along its columns. */
function bothWays(square: readonly number[], side: number, transform: Transform): number[] {
  const rows = Array.from({ length: side }, (_, i) => transform(square.slice(i * side, (i + 1) * side)))
  const columns = rows[0].map((_, j) => transform(rows.map(row => row[j])))
  return columns[0].flatMap((_, i) => columns.map(column => column[i]))
}

/** Calls `visit` for each channel and tile of one sample, those that only fill it up with no place. */
function eachTile(
  { channels, tiles: [down, across] }: TileShape,
  visit: (c: number, t: number, place: readonly [number, number] | null) => void,
): void {
  for (let c = 0; c < channels; c++)
    for (let t = 0; t < tilesPerSample([down, across]); t++)
      visit(c, t, t < down * across ? [tileSide * Math.floor(t / across), tileSide * (t % across)] : null)
}

/** The square at such a place of a map of one channel, zero beyond its edges. */
const squareAt = (
  map: Float32Array,
  { size: [h, w], pads }: TileShape,
  c: number,
  [y, x]: readonly number[],
  side: number,
) =>
  Array.from({ length: side * side }, (_, k) => {
    const row = y - pads[0] + Math.floor(k / side)
    const column = x - pads[1] + (k % side)
    return row >= 0 && row < h && column >= 0 && column < w ? map[(c * h + row) * w + column] : 0
  })

const spread = (
  into: Float32Array,
  { channels, of, at }: TileShape,
  c: number,
  t: number,
  values: readonly number[],
) => {
  for (let p = 0; p < transformed; p++) into[p * stepOf(channels * of) + c * of + at + t] = values[p]
}

const zeros = Array<number>(transformed).fill(0)

/** x [channels, ...size] to u over [channels, of]. */
export function inputReference({ x, u }: Arrays, shape: TileShape): void {
  eachTile(shape, (c, t, place) =>
    spread(u, shape, c, t, place ? bothWays(squareAt(x, shape, c, place, 6), 6, ofInput) : zeros),
  )
}

/** dy [channels, ...size] to d over [channels, of]. */
export function outputGradientReference({ y, d }: Arrays, shape: TileShape): void {
  eachTile(shape, (c, t, place) =>
    spread(d, shape, c, t, place ? bothWays(squareAt(y, shape, c, place, 4), 4, ofOutputGradient) : zeros),
  )
}

/** m over [channels, of] to y [channels, ...size]; what of a tile lies beyond the edges is left out. */
export function outputReference({ m, y }: Arrays, shape: TileShape): void {
  const { channels, size, of, at } = shape
  eachTile(shape, (c, t, place) => {
    if (!place) return
    const square = Array.from({ length: transformed }, (_, p) => m[p * stepOf(channels * of) + c * of + at + t])
    bothWays(square, 6, ofOutput).forEach((value, k) => {
      const row = place[0] + Math.floor(k / 4)
      const column = place[1] + (k % 4)
      if (row < size[0] && column < size[1]) y[(c * size[0] + row) * size[1] + column] = value
    })
  })
}

/** w [outputs, channels, 3, 3] to v over [outputs, channels], or turned over [channels, outputs]. */
export function filterReference({ w, v }: Arrays, { outputs, channels, turned }: FilterShape): void {
  for (let o = 0; o < outputs; o++)
    for (let c = 0; c < channels; c++) {
      const own = Array.from(w.subarray((o * channels + c) * 9, (o * channels + c + 1) * 9) as Float32Array)
      const values = bothWays(turned ? own.reverse() : own, 3, ofFilter)
      const at = turned ? c * outputs + o : o * channels + c
      for (let p = 0; p < transformed; p++) v[p * stepOf(outputs * channels) + at] = values[p]
    }
}

/** v over [outputs, channels] to dw [outputs, channels, 3, 3]. */
export function filterGradientReference({ v, w }: Arrays, { outputs, channels }: FilterShape): void {
  const pairs = outputs * channels
  for (let at = 0; at < pairs; at++) {
    const square = Array.from({ length: transformed }, (_, p) => v[p * stepOf(pairs) + at])
    w.set(bothWays(square, 6, ofFilterGradient), at * 9)
  }
}
