// AssemblyScript twin of reference.ts. Adding zero turns -0 into 0, and the mask turns NaN into 0.

export function fakeQuantize(x: usize, n: i32, y: usize, scale: f32, low: f32, high: f32): void {
  const s = f32x4.splat(scale)
  const a = f32x4.splat(low)
  const b = f32x4.splat(high)
  const whole = n & ~3
  let i = 0
  for (; i < whole; i += 4) {
    v128.store(y + ((<usize>i) << 2), real(v128.load(x + ((<usize>i) << 2)), s, a, b))
  }
  for (; i < n; i++) {
    store<f32>(
      y + ((<usize>i) << 2),
      f32x4.extract_lane(real(f32x4.splat(load<f32>(x + ((<usize>i) << 2))), s, a, b), 0),
    )
  }
}

function real(x: v128, scale: v128, low: v128, high: v128): v128 {
  const q = f32x4.min(f32x4.max(f32x4.nearest(f32x4.div(x, scale)), low), high)
  const known = v128.and(q, f32x4.eq(x, x))
  return f32x4.add(f32x4.mul(known, scale), f32x4.splat(0))
}
