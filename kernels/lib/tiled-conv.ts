// Convolutions of 3 x 3 and their gradients by tiles (../winograd), a few samples at a time, so that what is transformed fits into the cache.
import type { ConvShape } from '../../src/ir/context.ts'
import { product } from '../gemm/reference.ts'
import {
  planeOf,
  stepOf,
  type TileShape,
  tileSide,
  tilesPerSample,
  transformed,
  transformedLength,
} from '../winograd/reference.ts'
import type { Memory } from './arithmetic.ts'

// Below that transforms take longer than the products that they save; tiles that reach far beyond the map save none.
const fewestChannels = 8
const mostSpilled = 1.6
/** Tiles that are transformed at a time. */
const together = 128

const tilesOver = (out: readonly [number, number]): [number, number] => [
  Math.ceil(out[0] / tileSide),
  Math.ceil(out[1] / tileSide),
]

/** Whether a convolution of this shape, and its gradients, are computed by tiles. */
export function goesByTiles({ kernel, strides, dilations, pads, channels, outputs, size, out }: ConvShape): boolean {
  const covers = (map: readonly [number, number]): boolean => {
    const [down, across] = tilesOver(map)
    return down * across * tileSide * tileSide <= mostSpilled * map[0] * map[1]
  }
  return (
    [0, 1].every(i => kernel[i] === 3 && strides[i] === 1 && dilations[i] === 1 && pads[i] >= 0 && pads[i] <= 2) &&
    Math.min(channels, outputs) >= fewestChannels &&
    covers(out) &&
    covers(size)
  )
}

/** How many samples of so many tiles are taken at a time. */
const atOnce = (samples: number, tiles: number): number => Math.min(samples, Math.max(1, Math.floor(together / tiles)))

function inPieces(samples: number, tiles: number, visit: (first: number, count: number) => void): void {
  const most = atOnce(samples, tiles)
  for (let first = 0; first < samples; first += most) visit(first, Math.min(most, samples - first))
}

/** x and w where they lie in memory to y; `turned`: w is that of the convolution whose gradient this is. */
function convolve({ lend }: Memory, x: number, w: number, y: number, shape: ConvShape, turned: boolean): void {
  const { samples, groups, channels, outputs, size, out, pads } = shape
  const tiles = tilesOver(out)
  const each = tilesPerSample(tiles)
  const most = each * atOnce(samples, each)
  const lengths = [
    transformedLength(outputs * channels),
    transformedLength(channels * most),
    transformedLength(outputs * most),
    planeOf({ tiles }),
  ]
  lend(lengths, (run, v, u, m, plane) => {
    run.clear(plane, planeOf({ tiles }))
    for (let group = 0; group < groups; group++) {
      const filters = turned ? { outputs: channels, channels: outputs, turned } : { outputs, channels, turned }
      run.winogradFilter(w + group * 9 * outputs * channels, v, filters)
      inPieces(samples, each, (first, count) => {
        const of = count * each
        const part = (k: number): number => (first + k) * groups + group
        const place = (k: number): Pick<TileShape, 'tiles' | 'of' | 'at'> => ({ tiles, of, at: k * each })
        for (let k = 0; k < count; k++)
          run.winogradInput(x + part(k) * channels * size[0] * size[1], u, plane, { channels, size, pads, ...place(k) })
        run.clear(m, transformedLength(outputs * of))
        for (let p = 0; p < transformed; p++)
          run.gemm(
            v + p * stepOf(outputs * channels),
            u + p * stepOf(channels * of),
            m + p * stepOf(outputs * of),
            product(outputs, of, channels),
          )
        for (let k = 0; k < count; k++)
          run.winogradOutput(m, y + part(k) * outputs * out[0] * out[1], plane, {
            channels: outputs,
            size: out,
            pads: [0, 0],
            ...place(k),
          })
      })
    }
  })
}

/** y of x and w, all where they lie in memory. */
export const convolveByTiles = (memory: Memory, x: number, w: number, y: number, shape: ConvShape): void =>
  convolve(memory, x, w, y, shape, false)

/** dx of w and dy. */
export const inputGradientByTiles = (memory: Memory, w: number, dy: number, dx: number, shape: ConvShape): void =>
  convolve(
    memory,
    dy,
    w,
    dx,
    {
      ...shape,
      channels: shape.outputs,
      outputs: shape.channels,
      size: shape.out,
      out: shape.size,
      pads: [2 - shape.pads[0], 2 - shape.pads[1]],
    },
    true,
  )

/** dw of x and dy. */
export function filterGradientByTiles({ lend }: Memory, x: number, dy: number, dw: number, shape: ConvShape): void {
  const { samples, groups, channels, outputs, size, out, pads } = shape
  const tiles = tilesOver(out)
  const each = tilesPerSample(tiles)
  const most = each * atOnce(samples, each)
  const lengths = [
    transformedLength(channels * most),
    transformedLength(outputs * most),
    transformedLength(outputs * channels),
    planeOf({ tiles }),
    planeOf({ tiles }),
  ]
  lend(lengths, (run, u, d, dv, plane, other) => {
    run.clear(plane, planeOf({ tiles }))
    run.clear(other, planeOf({ tiles }))
    for (let group = 0; group < groups; group++) {
      run.clear(dv, transformedLength(outputs * channels))
      inPieces(samples, each, (first, count) => {
        const of = count * each
        for (let k = 0; k < count; k++) {
          const part = (first + k) * groups + group
          const place = { tiles, of, at: k * each }
          run.winogradInput(x + part * channels * size[0] * size[1], u, plane, { channels, size, pads, ...place })
          const given = { channels: outputs, size: out, pads: [0, 0] as const, ...place }
          run.winogradOutputGradient(dy + part * outputs * out[0] * out[1], d, other, given)
        }
        for (let p = 0; p < transformed; p++)
          run.gemm(
            d + p * stepOf(outputs * of),
            u + p * stepOf(channels * of),
            dv + p * stepOf(outputs * channels),
            product(outputs, channels, of, { transB: true }),
          )
      })
      run.winogradFilterGradient(dv, dw + group * 9 * outputs * channels, { outputs, channels, turned: false })
    }
  })
}
