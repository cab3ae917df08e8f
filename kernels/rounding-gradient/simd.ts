// AssemblyScript twin of reference.ts.

// biome-ignore format: one argument an array and a number
export function roundingGradient(x: usize, n: i32, rounded: usize, dy: usize, dx: usize, sums: usize, low: f32, high: f32): void {
  const a = f32x4.splat(low)
  const b = f32x4.splat(high)
  let first = v128.load(sums)
  let last = v128.load(sums, 16)
  let i = 0
  for (; i + 4 <= n; i += 4, x += 16, rounded += 16, dy += 16, dx += 16) {
    const value = v128.load(x)
    const to = v128.load(rounded)
    const gradient = v128.load(dy)
    const inside = v128.and(f32x4.ge(value, a), f32x4.le(value, b))
    const from = v128.and(value, inside)
    v128.store(dx, v128.and(gradient, inside))
    first = f64x2.add(first, products(gradient, to, from))
    last = f64x2.add(last, products(upper(gradient), upper(to), upper(from)))
  }
  v128.store(sums, first)
  v128.store(sums, last, 16)
  for (; i < n; i++, x += 4, rounded += 4, dy += 4, dx += 4) {
    const value = load<f32>(x)
    const gradient = load<f32>(dy)
    const inside = value >= low && value <= high
    store<f32>(dx, inside ? gradient : 0)
    const sum = sums + ((<usize>(i & 3)) << 3)
    store<f64>(sum, load<f64>(sum) + <f64>gradient * (<f64>load<f32>(rounded) - (inside ? <f64>value : 0)))
  }
}

function upper(v: v128): v128 {
  return v128.shuffle<i64>(v, v, 1, 0)
}

function products(gradient: v128, to: v128, from: v128): v128 {
  const moved = f64x2.sub(f64x2.promote_low_f32x4(to), f64x2.promote_low_f32x4(from))
  return f64x2.mul(f64x2.promote_low_f32x4(gradient), moved)
}
