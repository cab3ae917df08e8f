// AssemblyScript twins of reference.ts. No element decides a branch: half of what a Relu is given are on either side, in no order.

export function clip(x: usize, n: i32, y: usize, low: f32, high: f32): void {
  const a = f32x4.splat(low)
  const b = f32x4.splat(high)
  let i = 0
  for (; i + 4 <= n; i += 4, x += 16, y += 16) v128.store(y, f32x4.pmin(b, f32x4.pmax(a, v128.load(x))))
  for (; i < n; i++, x += 4, y += 4)
    store<f32>(y, f32x4.extract_lane(f32x4.pmin(b, f32x4.pmax(a, v128.load32_splat(x))), 0))
}

export function clipGradient(x: usize, n: i32, dy: usize, dx: usize, low: f32, high: f32): void {
  const a = f32x4.splat(low)
  const b = f32x4.splat(high)
  let i = 0
  for (; i + 4 <= n; i += 4, x += 16, dy += 16, dx += 16) {
    const value = v128.load(x)
    v128.store(dx, v128.and(v128.load(dy), v128.and(f32x4.gt(value, a), f32x4.lt(value, b))))
  }
  for (; i < n; i++, x += 4, dy += 4, dx += 4) {
    const value = load<f32>(x)
    store<f32>(dx, value > low && value < high ? load<f32>(dy) : 0)
  }
}
