// AssemblyScript twin of reference.ts. A chunk stays in the first cache while every scale passes over it.

const rest = memory.data(32, 16)

export function scaleErrors(x: usize, n: i32, scales: usize, count: i32, errors: usize, qmax: f32): void {
  const high = f32x4.splat(qmax)
  const low = f32x4.splat(-qmax)
  for (let start = 0; start < n; start += 1024) {
    const length = min(1024, n - start)
    const from = x + ((<usize>start) << 2)
    const whole = from + ((<usize>(length & ~7)) << 2)
    memory.fill(rest, 0, 32)
    memory.copy(rest, whole, (<usize>(length & 7)) << 2)
    for (let j = 0; j < count; j++) {
      const scale = load<f32>(scales + ((<usize>j) << 2))
      const s = f32x4.splat(scale)
      let sum0 = f32x4.splat(0)
      let sum1 = f32x4.splat(0)
      for (let p = from; p < whole; p += 32) {
        sum0 = f32x4.add(sum0, squared(v128.load(p), s, low, high))
        sum1 = f32x4.add(sum1, squared(v128.load(p, 16), s, low, high))
      }
      sum0 = f32x4.add(sum0, squared(v128.load(rest), s, low, high))
      sum1 = f32x4.add(sum1, squared(v128.load(rest, 16), s, low, high))
      const sum = f32x4.add(sum0, sum1)
      const total =
        <f64>f32x4.extract_lane(sum, 0) +
        <f64>f32x4.extract_lane(sum, 1) +
        <f64>f32x4.extract_lane(sum, 2) +
        <f64>f32x4.extract_lane(sum, 3)
      const at = errors + ((<usize>j) << 3)
      store<f64>(at, load<f64>(at) + total * (<f64>scale * <f64>scale))
    }
  }
}

function squared(x: v128, scale: v128, low: v128, high: v128): v128 {
  const u = f32x4.div(x, scale)
  const e = f32x4.sub(u, f32x4.min(f32x4.max(f32x4.nearest(u), low), high))
  return f32x4.mul(e, e)
}
