// AssemblyScript twin of reference.ts. Four tables lie interleaved, one a lane, so that equal neighbours (the zeros after a ReLU)
// do not wait for each other's store; `histogramFold` adds them up. The upper half of a float is one 16-bit load.
import { census, settle } from '../range/simd'

/** Counts n elements into `lanes` (65,536 keys x 4) and `stats`. */
export function histogramBlock(x: usize, n: i32, lanes: usize, stats: usize): void {
  const vectors = x + ((<usize>(n & ~3)) << 2)
  const end = x + ((<usize>n) << 2)
  if (n >= 4) {
    const zero = f32x4.splat(0)
    let low = f32x4.splat(Infinity)
    let high = f32x4.splat(-Infinity)
    let zeros = i32x4.splat(0)
    let odd = i32x4.splat(0)
    for (let p = x; p < vectors; p += 16) {
      const a = v128.load(p)
      low = f32x4.pmin(low, a)
      high = f32x4.pmax(high, a)
      zeros = i32x4.sub(zeros, f32x4.eq(a, zero))
      odd = v128.or(odd, f32x4.ne(a, a))
      let q = lanes + ((<usize>load<u16>(p, 2)) << 4)
      store<u32>(q, load<u32>(q) + 1)
      q = lanes + ((<usize>load<u16>(p, 6)) << 4)
      store<u32>(q, load<u32>(q, 4) + 1, 4)
      q = lanes + ((<usize>load<u16>(p, 10)) << 4)
      store<u32>(q, load<u32>(q, 8) + 1, 8)
      q = lanes + ((<usize>load<u16>(p, 14)) << 4)
      store<u32>(q, load<u32>(q, 12) + 1, 12)
    }
    settle(x, vectors, stats, low, high, zeros, odd)
  }
  census(vectors, end, stats)
  for (let p = vectors; p < end; p += 4) {
    const q = lanes + ((<usize>load<u16>(p, 2)) << 4)
    store<u32>(q, load<u32>(q) + 1)
  }
}

/** Adds the keys [from, to), multiples of 4, of `lanes` to `table`, and clears them. */
export function histogramFold(lanes: usize, table: usize, from: i32, to: i32): void {
  const zero = i32x4.splat(0)
  const end = lanes + ((<usize>to) << 4)
  let out = table + ((<usize>from) << 2)
  for (let p = lanes + ((<usize>from) << 4); p < end; p += 64, out += 16) {
    const a = v128.load(p)
    const b = v128.load(p, 16)
    const c = v128.load(p, 32)
    const d = v128.load(p, 48)
    if (!v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) continue
    const ab = i32x4.add(v128.shuffle<i32>(a, b, 0, 4, 2, 6), v128.shuffle<i32>(a, b, 1, 5, 3, 7))
    const cd = i32x4.add(v128.shuffle<i32>(c, d, 0, 4, 2, 6), v128.shuffle<i32>(c, d, 1, 5, 3, 7))
    const sum = i32x4.add(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7))
    v128.store(out, i32x4.add(v128.load(out), sum))
    v128.store(p, zero)
    v128.store(p, zero, 16)
    v128.store(p, zero, 32)
    v128.store(p, zero, 48)
  }
}

export function histogram(x: usize, n: i32, stats: usize, table: usize, lanes: usize): void {
  histogramBlock(x, n, lanes, stats)
  histogramFold(lanes, table, 0, 65536)
}
