// Resampling as OpenCV's cv::resize does it for 8-bit pictures (modules/imgproc/src/resize.cpp), without antialias but for area.
//
// Linear: weights of 11 bits, v = ((b0 * (r0 >> 4)) >> 16) + ((b1 * (r1 >> 4)) >> 16) + 2 >> 2 over rows r of weighted columns.
// Cubic (A = -0.75): the same weights, one rounding at the end; OpenCV's vector code (5.0 on AVX2) differs from its own plain code,
// which this follows, by 1 in about one value of twenty.
// Area: the mean of the covered pixels in float32, in OpenCV's order; where the picture grows, linear with area's positions.
import { roundHalfEven } from '../base/round.ts'
import { pick, type Raster, type Resample } from './raster.ts'

const unit = 2048 // weights of one
const f32 = Math.fround
const clip8 = (v: number): number => Math.min(Math.max(v, 0), 255)

/** Resizes as cv::resize with INTER_LINEAR, INTER_CUBIC, INTER_AREA or INTER_NEAREST. */
export const resampleOpenCv: Resample = (from, width, height, filter) => {
  if (width === from.width && height === from.height) return from
  const scaleX = 1 / (width / from.width)
  const scaleY = 1 / (height / from.height)
  if (filter === 'nearest')
    return pick(from, nearestPositions(from.width, width, scaleX), nearestPositions(from.height, height, scaleY))
  const shrinks = scaleX >= 1 && scaleY >= 1
  const half = Math.abs(scaleX - 2) < epsilon && Math.abs(scaleY - 2) < epsilon
  if ((filter === 'area' && shrinks) || (filter === 'bilinear' && half)) {
    const whole = [scaleX, scaleY].every(s => Math.abs(s - roundHalfEven(s)) < epsilon)
    return whole
      ? blockMean(from, width, height, roundHalfEven(scaleX), roundHalfEven(scaleY))
      : areaMean(from, width, height, scaleX, scaleY)
  }
  const columns = positions(from.width, width, scaleX, filter, 'x')
  const rows = positions(from.height, height, scaleY, filter, 'y')
  const sums = weighColumns(from, columns)
  return filter === 'bicubic' ? cubicRows(from, sums, columns, rows) : linearRows(from, sums, columns, rows)
}

const epsilon = 2.220446049250313e-16

const nearestPositions = (size: number, out: number, scale: number): Int32Array =>
  Int32Array.from({ length: out }, (_, x) => Math.min(Math.floor(x * scale), size - 1))

/** Per output position the first tap's input position (it may lie outside) and the taps' weights times 2048. */
interface Positions {
  size: number
  out: number
  taps: number
  first: Int32Array
  weights: Int16Array
}

/** Beyond the border a column has one tap; a row has two equal ones, each cut off on its own. */
function positions(
  size: number,
  out: number,
  scale: number,
  filter: 'bilinear' | 'bicubic' | 'area',
  axis: 'x' | 'y',
): Positions {
  const taps = filter === 'bicubic' ? 4 : 2
  const first = new Int32Array(out)
  const weights = new Int16Array(out * taps)
  for (let x = 0; x < out; x++) {
    let at: number
    let part: number
    if (filter === 'area') {
      at = Math.floor(x * scale)
      part = f32(x + 1 - (at + 1) * (1 / scale))
      part = part <= 0 ? 0 : f32(part - Math.floor(part))
    } else {
      const position = f32((x + 0.5) * scale - 0.5)
      at = Math.floor(position)
      part = f32(position - at)
    }
    if (axis === 'x' && taps === 2) {
      if (at < 0) [at, part] = [0, 0]
      if (at >= size - 1) [at, part] = [size - 1, 0]
    }
    first[x] = taps === 4 ? at - 1 : at
    const values = taps === 4 ? cubicWeights(part) : [f32(1 - part), part]
    for (let k = 0; k < taps; k++) weights[x * taps + k] = roundHalfEven(f32(values[k] * unit))
  }
  return { size, out, taps, first, weights }
}

function cubicWeights(x: number): number[] {
  const a = -0.75
  const outer = (t: number): number => f32(f32(f32(f32(f32(a * t) - 5 * a) * t) + 8 * a) * t) - 4 * a
  const inner = (t: number): number => f32(f32(f32(f32(f32((a + 2) * t) - (a + 3)) * t) * t) + 1)
  const w0 = f32(outer(f32(x + 1)))
  const w1 = inner(x)
  const w2 = inner(f32(1 - x))
  return [w0, w1, w2, f32(f32(f32(1 - w0) - w1) - w2)]
}

/** Every input row with its columns weighed: integers up to 255 * 2048 and a little beyond. */
function weighColumns(from: Raster, columns: Positions): Int32Array {
  const { channels, data, width, height } = from
  const { out, taps, first, weights } = columns
  const sums = new Int32Array(out * height * channels)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < out; x++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0
        for (let k = 0; k < taps; k++) {
          const column = Math.min(Math.max(first[x] + k, 0), width - 1)
          sum += data[(y * width + column) * channels + c] * weights[x * taps + k]
        }
        sums[(y * out + x) * channels + c] = sum
      }
    }
  }
  return sums
}

function linearRows(from: Raster, sums: Int32Array, columns: Positions, rows: Positions): Raster {
  const row = columns.out * from.channels
  const data = new Uint8Array(rows.out * row)
  for (let y = 0; y < rows.out; y++) {
    const upper = Math.max(rows.first[y], 0) * row
    const lower = Math.min(rows.first[y] + 1, from.height - 1) * row
    const b0 = rows.weights[y * 2]
    const b1 = rows.weights[y * 2 + 1]
    for (let x = 0; x < row; x++) {
      const v = ((b0 * (sums[upper + x] >> 4)) >> 16) + ((b1 * (sums[lower + x] >> 4)) >> 16)
      data[y * row + x] = clip8((v + 2) >> 2)
    }
  }
  return { width: columns.out, height: rows.out, channels: from.channels, data }
}

const lanes = 8 // values at a time; the rest of a row is rounded half up instead of half to even

function cubicRows(from: Raster, sums: Int32Array, columns: Positions, rows: Positions): Raster {
  const row = columns.out * from.channels
  const vector = row - (row % lanes)
  const data = new Uint8Array(rows.out * row)
  for (let y = 0; y < rows.out; y++) {
    const at = [0, 1, 2, 3].map(k => Math.min(Math.max(rows.first[y] + k, 0), from.height - 1) * row)
    const b = [0, 1, 2, 3].map(k => rows.weights[y * 4 + k])
    for (let x = 0; x < row; x++) {
      const v = sums[at[0] + x] * b[0] + sums[at[1] + x] * b[1] + sums[at[2] + x] * b[2] + sums[at[3] + x] * b[3]
      const scaled = v / (unit * unit)
      data[y * row + x] = clip8(x < vector ? roundHalfEven(scaled) : Math.floor(scaled + 0.5))
    }
  }
  return { width: columns.out, height: rows.out, channels: from.channels, data }
}

/** Whole factors: the mean of each block; of 2 x 2 in integers. */
function blockMean(from: Raster, width: number, height: number, fx: number, fy: number): Raster {
  const { channels } = from
  const data = new Uint8Array(width * height * channels)
  const scale = f32(1 / (fx * fy))
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0
        for (let j = 0; j < fy; j++) {
          const start = ((y * fy + j) * from.width + x * fx) * channels + c
          for (let i = 0; i < fx; i++) sum += from.data[start + i * channels]
        }
        data[(y * width + x) * channels + c] = fx === 2 && fy === 2 ? (sum + 2) >> 2 : roundHalfEven(f32(sum * scale))
      }
    }
  }
  return { width, height, channels, data }
}

/** For each output cell the input cells it covers, and by what share. */
function shares(size: number, out: number, scale: number): { cell: number; weight: number }[][] {
  return Array.from({ length: out }, (_, x) => {
    const from = x * scale
    const to = from + scale
    const covered = Math.min(scale, size - from)
    const end = Math.min(Math.floor(to), size - 1)
    const start = Math.min(Math.ceil(from), end)
    const cells: { cell: number; weight: number }[] = []
    if (start - from > 1e-3) cells.push({ cell: start - 1, weight: f32((start - from) / covered) })
    for (let cell = start; cell < end; cell++) cells.push({ cell, weight: f32(1 / covered) })
    if (to - end > 1e-3) cells.push({ cell: end, weight: f32(Math.min(to - end, 1, covered) / covered) })
    return cells
  })
}

function areaMean(from: Raster, width: number, height: number, scaleX: number, scaleY: number): Raster {
  const { channels } = from
  const columns = shares(from.width, width, scaleX)
  const data = new Uint8Array(width * height * channels)
  const row = new Float32Array(width * channels)
  const sum = new Float32Array(width * channels)
  shares(from.height, height, scaleY).forEach((rows, y) => {
    sum.fill(0)
    for (const { cell: line, weight: beta } of rows) {
      row.fill(0)
      for (let x = 0; x < width; x++) {
        for (const { cell, weight } of columns[x]) {
          const at = (line * from.width + cell) * channels
          for (let c = 0; c < channels; c++) row[x * channels + c] += f32(from.data[at + c] * weight)
        }
      }
      for (let i = 0; i < row.length; i++) sum[i] += f32(beta * row[i])
    }
    for (let i = 0; i < sum.length; i++) data[y * sum.length + i] = clip8(roundHalfEven(sum[i]))
  })
  return { width, height, channels, data }
}
