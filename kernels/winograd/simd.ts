// AssemblyScript twins of reference.ts, four tiles or four filters at a time. Maps are first laid into a plane with zeros around, so that
// no tile has to ask where the edges are.

import { turn } from '../gemm/simd'
import { copy } from '../patches/simd'

/** A tile between its two transforms: 36 vectors. */
const half = memory.data(576, 16)
/** Four filters as they are given or left. */
const whole = memory.data(576, 16)
/** Where each of four tiles begins in its plane. */
const starts = memory.data(16, 16)

/** As stepOf has it. */
const spare = 16

const sixth: f32 = 1.0 / 6.0
const twelfth: f32 = 1.0 / 12.0
const part24: f32 = 1.0 / 24.0

function times(by: f32, v: v128): v128 {
  return f32x4.mul(f32x4.splat(by), v)
}

/** B' of six vectors that lie `from` bytes apart, to six that lie `to` apart; of `count` lines, each `line` bytes behind the one before. */
// biome-ignore format: one line a signature
function ofInput(source: usize, from: usize, line: usize, target: usize, to: usize, lineTo: usize, count: i32): void {
  for (let n = 0; n < count; n++) {
    const d0 = v128.load(source)
    const d1 = v128.load(source + from)
    const d2 = v128.load(source + 2 * from)
    const d3 = v128.load(source + 3 * from)
    const d4 = v128.load(source + 4 * from)
    const d5 = v128.load(source + 5 * from)
    const a = f32x4.sub(d4, times(4, d2))
    const b = f32x4.sub(d3, times(4, d1))
    const c = f32x4.sub(d4, d2)
    const e = times(2, f32x4.sub(d3, d1))
    v128.store(target, f32x4.add(f32x4.sub(times(4, d0), times(5, d2)), d4))
    v128.store(target + to, f32x4.add(a, b))
    v128.store(target + 2 * to, f32x4.sub(a, b))
    v128.store(target + 3 * to, f32x4.add(c, e))
    v128.store(target + 4 * to, f32x4.sub(c, e))
    v128.store(target + 5 * to, f32x4.add(f32x4.sub(times(4, d1), times(5, d3)), d5))
    source += line
    target += lineTo
  }
}

/** A' of six vectors, to four. */
// biome-ignore format: one line a signature
function ofOutput(source: usize, from: usize, line: usize, target: usize, to: usize, lineTo: usize, count: i32): void {
  for (let n = 0; n < count; n++) {
    const m0 = v128.load(source)
    const m1 = v128.load(source + from)
    const m2 = v128.load(source + 2 * from)
    const m3 = v128.load(source + 3 * from)
    const m4 = v128.load(source + 4 * from)
    const m5 = v128.load(source + 5 * from)
    const s = f32x4.add(m1, m2)
    const d = f32x4.sub(m1, m2)
    const t = f32x4.add(m3, m4)
    const e = f32x4.sub(m3, m4)
    v128.store(target, f32x4.add(f32x4.add(m0, s), t))
    v128.store(target + to, f32x4.add(d, times(2, e)))
    v128.store(target + 2 * to, f32x4.add(s, times(4, t)))
    v128.store(target + 3 * to, f32x4.add(f32x4.add(d, times(8, e)), m5))
    source += line
    target += lineTo
  }
}

/** A of four vectors, to six. */
// biome-ignore format: one line a signature
function ofOutputGradient(source: usize, from: usize, line: usize, target: usize, to: usize, lineTo: usize, count: i32): void {
  for (let n = 0; n < count; n++) {
    const y0 = v128.load(source)
    const y1 = v128.load(source + from)
    const y2 = v128.load(source + 2 * from)
    const y3 = v128.load(source + 3 * from)
    const e = f32x4.add(y0, y2)
    const o = f32x4.add(y1, y3)
    const e2 = f32x4.add(y0, times(4, y2))
    const o2 = f32x4.add(times(2, y1), times(8, y3))
    v128.store(target, y0)
    v128.store(target + to, f32x4.add(e, o))
    v128.store(target + 2 * to, f32x4.sub(e, o))
    v128.store(target + 3 * to, f32x4.add(e2, o2))
    v128.store(target + 4 * to, f32x4.sub(e2, o2))
    v128.store(target + 5 * to, y3)
    source += line
    target += lineTo
  }
}

/** G of three vectors, to six. */
// biome-ignore format: one line a signature
function ofFilter(source: usize, from: usize, line: usize, target: usize, to: usize, lineTo: usize, count: i32): void {
  for (let n = 0; n < count; n++) {
    const g0 = v128.load(source)
    const g1 = v128.load(source + from)
    const g2 = v128.load(source + 2 * from)
    const s = f32x4.add(g0, g2)
    const q = f32x4.add(times(part24, g0), times(sixth, g2))
    const r = times(twelfth, g1)
    v128.store(target, times(0.25, g0))
    v128.store(target + to, times(-sixth, f32x4.add(s, g1)))
    v128.store(target + 2 * to, times(-sixth, f32x4.sub(s, g1)))
    v128.store(target + 3 * to, f32x4.add(q, r))
    v128.store(target + 4 * to, f32x4.sub(q, r))
    v128.store(target + 5 * to, g2)
    source += line
    target += lineTo
  }
}

/** G' of six vectors, to three. */
// biome-ignore format: one line a signature
function ofFilterGradient(source: usize, from: usize, line: usize, target: usize, to: usize, lineTo: usize, count: i32): void {
  for (let n = 0; n < count; n++) {
    const v0 = v128.load(source)
    const v1 = v128.load(source + from)
    const v2 = v128.load(source + 2 * from)
    const v3 = v128.load(source + 3 * from)
    const v4 = v128.load(source + 4 * from)
    const v5 = v128.load(source + 5 * from)
    const s = f32x4.add(v1, v2)
    const u = f32x4.add(v3, v4)
    v128.store(target, f32x4.add(f32x4.sub(times(0.25, v0), times(sixth, s)), times(part24, u)))
    v128.store(target + to, f32x4.add(times(sixth, f32x4.sub(v2, v1)), times(twelfth, f32x4.sub(v3, v4))))
    v128.store(target + 2 * to, f32x4.add(times(sixth, f32x4.sub(u, s)), v5))
    source += line
    target += lineTo
  }
}

/** What of a map lies in the plane, into its place there. */
function lay(map: usize, h: i32, w: i32, plane: usize, rows: i32, stride: i32, top: i32, left: i32): void {
  const width = min(w, stride - left)
  for (let y = 0; y < min(h, rows - top); y++) {
    copy(plane + ((<usize>((y + top) * stride + left)) << 2), map + ((<usize>(y * w)) << 2), width)
  }
}

/** Finds where four tiles begin; those beyond the last lie in the zeros behind the plane. */
function find(t: i32, count: i32, across: i32, plane: usize, rows: i32, stride: i32): void {
  for (let l = 0; l < 4; l++) {
    const y = t + l < count ? 4 * ((t + l) / across) : rows
    const x = t + l < count ? 4 * ((t + l) % across) : 0
    store<u32>(starts + ((<usize>l) << 2), <u32>(plane + ((<usize>(y * stride + x)) << 2)))
  }
}

/** So many rows of the four tiles, each as four columns, or as six where they are `wide`, into `half`. */
function gather(lines: i32, stride: i32, wide: bool): void {
  let a = <usize>load<u32>(starts)
  let b = <usize>load<u32>(starts, 4)
  let c = <usize>load<u32>(starts, 8)
  let d = <usize>load<u32>(starts, 12)
  const next = (<usize>stride) << 2
  for (let i = 0; i < lines; i++, a += next, b += next, c += next, d += next) {
    const row = half + <usize>i * 96
    turn(a, b, c, d, row, 16)
    if (!wide) continue
    const ab = v128.shuffle<i32>(v128.load64_zero(a, 16), v128.load64_zero(b, 16), 0, 4, 1, 5)
    const cd = v128.shuffle<i32>(v128.load64_zero(c, 16), v128.load64_zero(d, 16), 0, 4, 1, 5)
    v128.store(row, v128.shuffle<i64>(ab, cd, 0, 2), 64)
    v128.store(row, v128.shuffle<i64>(ab, cd, 1, 3), 80)
  }
}

// biome-ignore format: one argument a number
export function winogradInput(x: usize, _n: i32, u: usize, plane: usize, channels: i32, h: i32, w: i32, down: i32, across: i32, top: i32, left: i32, total: i32, at: i32): void {
  const rows = 4 * down + 2
  const stride = 4 * across + 2
  const step = (<usize>(channels * total + spare)) << 2
  const count = down * across
  for (let c = 0; c < channels; c++) {
    lay(x + ((<usize>(c * h * w)) << 2), h, w, plane, rows, stride, top, left)
    for (let t = 0; t < count; t += 4) {
      find(t, count, across, plane, rows, stride)
      gather(6, stride, true)
      const target = u + ((<usize>(c * total + at + t)) << 2)
      ofInput(half, 16, 96, half, 16, 96, 6)
      ofInput(half, 96, 16, target, 6 * step, step, 6)
    }
  }
}

// biome-ignore format: one argument a number
export function winogradOutputGradient(y: usize, _n: i32, d: usize, plane: usize, channels: i32, h: i32, w: i32, down: i32, across: i32, top: i32, left: i32, total: i32, at: i32): void {
  const rows = 4 * down
  const stride = 4 * across
  const step = (<usize>(channels * total + spare)) << 2
  const count = down * across
  for (let c = 0; c < channels; c++) {
    lay(y + ((<usize>(c * h * w)) << 2), h, w, plane, rows, stride, top, left)
    for (let t = 0; t < count; t += 4) {
      find(t, count, across, plane, rows, stride)
      gather(4, stride, false)
      const target = d + ((<usize>(c * total + at + t)) << 2)
      ofOutputGradient(half, 16, 96, half, 16, 96, 4)
      ofOutputGradient(half, 96, 16, target, 6 * step, step, 6)
    }
  }
}

// biome-ignore format: one argument a number
export function winogradOutput(m: usize, _n: i32, y: usize, _plane: usize, channels: i32, h: i32, w: i32, down: i32, across: i32, _top: i32, _left: i32, total: i32, at: i32): void {
  const step = (<usize>(channels * total + spare)) << 2
  const count = down * across
  for (let c = 0; c < channels; c++)
    for (let t = 0; t < count; t += 4) {
      const source = m + ((<usize>(c * total + at + t)) << 2)
      ofOutput(source, step, 6 * step, half, 16, 64, 6)
      ofOutput(half, 64, 16, half, 64, 16, 4)
      for (let i = 0; i < 4; i++) {
        const row = half + ((<usize>i) << 6)
        turn(row, row + 16, row + 32, row + 48, row, 16)
        for (let l = 0; l < 4 && t + l < count; l++) {
          const line = 4 * ((t + l) / across) + i
          const column = 4 * ((t + l) % across)
          if (line >= h) continue
          const target = y + ((<usize>((c * h + line) * w + column)) << 2)
          const from = row + ((<usize>l) << 4)
          if (column + 4 <= w) v128.store(target, v128.load(from))
          else
            for (let k = 0; k < w - column; k++)
              store<f32>(target + ((<usize>k) << 2), load<f32>(from + ((<usize>k) << 2)))
        }
      }
    }
}

/** Where in w the element k of a filter lies that is the `index`-th of v. */
function element(w: usize, index: i32, k: i32, outputs: i32, channels: i32, turned: i32): usize {
  const filter = turned ? (index % outputs) * channels + index / outputs : index
  return w + ((<usize>(filter * 9 + (turned ? 8 - k : k))) << 2)
}

export function winogradFilter(w: usize, _n: i32, v: usize, outputs: i32, channels: i32, turned: i32): void {
  const pairs = outputs * channels
  const step = (<usize>(pairs + spare)) << 2
  for (let first = 0; first < pairs; first += 4) {
    const lanes = min(4, pairs - first)
    for (let l = 0; l < 4; l++)
      for (let k = 0; k < 9; k++) {
        const value = l < lanes ? load<f32>(element(w, first + l, k, outputs, channels, turned)) : 0
        store<f32>(whole + ((<usize>(k * 4 + l)) << 2), value)
      }
    ofFilter(whole, 16, 48, half, 16, 96, 3)
    const target = v + ((<usize>first) << 2)
    if (lanes === 4) {
      ofFilter(half, 96, 16, target, 6 * step, step, 6)
      continue
    }
    ofFilter(half, 96, 16, whole, 96, 16, 6)
    for (let p = 0; p < 36; p++)
      for (let l = 0; l < lanes; l++)
        store<f32>(target + <usize>p * step + ((<usize>l) << 2), load<f32>(whole + ((<usize>(p * 4 + l)) << 2)))
  }
}

export function winogradFilterGradient(v: usize, _n: i32, w: usize, outputs: i32, channels: i32, _turned: i32): void {
  const pairs = outputs * channels
  const step = (<usize>(pairs + spare)) << 2
  for (let first = 0; first < pairs; first += 4) {
    // What lies behind the last are spare elements, which are not looked at.
    ofFilterGradient(v + ((<usize>first) << 2), step, 6 * step, half, 16, 48, 6)
    ofFilterGradient(half, 48, 16, whole, 48, 16, 3)
    for (let k = 0; k < 9; k++)
      for (let l = 0; l < min(4, pairs - first); l++)
        store<f32>(w + ((<usize>((first + l) * 9 + k)) << 2), load<f32>(whole + ((<usize>(k * 4 + l)) << 2)))
  }
}
