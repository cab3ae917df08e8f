// AssemblyScript twin of reference.ts, and the census of non-finite elements that the histogram shares.
// pmin(a, b) is b < a ? b : a, so a NaN never enters the running bounds; infinities show in them, and then the block is counted anew.

function ordered(bits: u32): u32 {
  return bits === 0x80000000 ? bits : bits ^ (<u32>(<i32>bits >> 31) | 0x80000000)
}

export function mergeBounds(stats: usize, low: f32, high: f32): void {
  // Adding zero turns -0 into 0.
  const a = ordered(reinterpret<u32>(low + <f32>0))
  const b = ordered(reinterpret<u32>(high + <f32>0))
  if (a < load<u32>(stats)) store<u32>(stats, a)
  if (b > load<u32>(stats, 4)) store<u32>(stats, b, 4)
}

/** Element by element: bounds of the finite ones, counts of NaN, infinity and zero. */
export function census(x: usize, end: usize, stats: usize): void {
  for (; x < end; x += 4) {
    const bits = load<u32>(x)
    const size = bits & 0x7fffffff
    if (size > 0x7f800000) store<u32>(stats, load<u32>(stats, 8) + 1, 8)
    else if (size === 0x7f800000) store<u32>(stats, load<u32>(stats, 12) + 1, 12)
    else {
      if (size === 0) store<u32>(stats, load<u32>(stats, 16) + 1, 16)
      const key = ordered(bits)
      if (key < load<u32>(stats)) store<u32>(stats, key)
      if (key > load<u32>(stats, 4)) store<u32>(stats, key, 4)
    }
  }
}

/** Takes what the vector loop found over whole vectors, or counts them anew where something was not finite. */
export function settle(x: usize, end: usize, stats: usize, low: v128, high: v128, zeros: v128, odd: v128): void {
  const a = f32x4.pmin(low, v128.shuffle<i32>(low, low, 2, 3, 0, 1))
  const b = f32x4.pmax(high, v128.shuffle<i32>(high, high, 2, 3, 0, 1))
  const least = min<f32>(f32x4.extract_lane(a, 0), f32x4.extract_lane(a, 1))
  const most = max<f32>(f32x4.extract_lane(b, 0), f32x4.extract_lane(b, 1))
  if (v128.any_true(odd) || least === -Infinity || most === Infinity) {
    census(x, end, stats)
    return
  }
  mergeBounds(stats, least, most)
  const count =
    i32x4.extract_lane(zeros, 0) +
    i32x4.extract_lane(zeros, 1) +
    i32x4.extract_lane(zeros, 2) +
    i32x4.extract_lane(zeros, 3)
  store<u32>(stats, load<u32>(stats, 16) + <u32>count, 16)
}

export function range(x: usize, n: i32, stats: usize): void {
  const vectors = x + ((<usize>(n & ~7)) << 2)
  if (n >= 8) {
    const zero = f32x4.splat(0)
    let low = f32x4.splat(Infinity)
    let high = f32x4.splat(-Infinity)
    let low2 = low
    let high2 = high
    let zeros = i32x4.splat(0)
    let odd = i32x4.splat(0)
    for (let p = x; p < vectors; p += 32) {
      const a = v128.load(p)
      const b = v128.load(p, 16)
      low = f32x4.pmin(low, a)
      high = f32x4.pmax(high, a)
      low2 = f32x4.pmin(low2, b)
      high2 = f32x4.pmax(high2, b)
      zeros = i32x4.sub(i32x4.sub(zeros, f32x4.eq(a, zero)), f32x4.eq(b, zero))
      odd = v128.or(odd, v128.or(f32x4.ne(a, a), f32x4.ne(b, b)))
    }
    settle(x, vectors, stats, f32x4.pmin(low, low2), f32x4.pmax(high, high2), zeros, odd)
  }
  census(vectors, x + ((<usize>n) << 2), stats)
}
