// AssemblyScript twin of reference.ts. `low` and `high` are the code bounds less the zero point. min and max let NaN through, and
// the saturating conversion makes it 0, so that NaN becomes the zero point.

export function quantizeLinear(
  x: usize,
  n: i32,
  y: usize,
  scale: f32,
  zeroPoint: i32,
  low: f32,
  high: f32,
  signed: i32,
): void {
  const s = f32x4.splat(scale)
  const a = f32x4.splat(low)
  const b = f32x4.splat(high)
  const z = i32x4.splat(zeroPoint)
  const whole = n & ~15
  let i = 0
  for (; i < whole; i += 16) {
    const p = x + ((<usize>i) << 2)
    const q0 = codes(v128.load(p), s, a, b, z)
    const q1 = codes(v128.load(p, 16), s, a, b, z)
    const q2 = codes(v128.load(p, 32), s, a, b, z)
    const q3 = codes(v128.load(p, 48), s, a, b, z)
    const h0 = i16x8.narrow_i32x4_s(q0, q1)
    const h1 = i16x8.narrow_i32x4_s(q2, q3)
    v128.store(y + i, signed ? i8x16.narrow_i16x8_s(h0, h1) : i8x16.narrow_i16x8_u(h0, h1))
  }
  for (; i < n; i++) {
    store<u8>(y + i, <u8>i32x4.extract_lane(codes(f32x4.splat(load<f32>(x + ((<usize>i) << 2))), s, a, b, z), 0))
  }
}

function codes(x: v128, scale: v128, low: v128, high: v128, zeroPoint: v128): v128 {
  const q = f32x4.min(f32x4.max(f32x4.nearest(f32x4.div(x, scale)), low), high)
  return i32x4.add(i32x4.trunc_sat_f32x4_s(q), zeroPoint)
}
