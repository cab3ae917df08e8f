// AssemblyScript twin of reference.ts: tiles of 4 x 4 sums are kept in registers while all rows are gone through.

export function addProducts(a: usize, na: i32, b: usize, _nb: i32, c: usize, p: i32, q: i32): void {
  if (p < 1) return
  const rows = na / p
  const wholeP = p & ~3
  const wholeQ = q & ~3
  for (let j = 0; j < wholeQ; j += 4) {
    for (let i = 0; i < wholeP; i += 4) tile(a + ((<usize>i) << 3), b + ((<usize>j) << 3), c, i, j, rows, p, q)
    for (let i = wholeP; i < p; i++) for (let k = 0; k < 4; k++) one(a, b, c, i, j + k, rows, p, q)
  }
  for (let j = wholeQ; j < q; j++) for (let i = 0; i < p; i++) one(a, b, c, i, j, rows, p, q)
}

function tile(a: usize, b: usize, c: usize, i: i32, j: i32, rows: i32, p: i32, q: i32): void {
  const strideA = (<usize>p) << 3
  const strideB = (<usize>q) << 3
  const c0 = c + ((<usize>(i * q + j)) << 3)
  const c1 = c0 + strideB
  const c2 = c1 + strideB
  const c3 = c2 + strideB
  let s00 = v128.load(c0)
  let s01 = v128.load(c0, 16)
  let s10 = v128.load(c1)
  let s11 = v128.load(c1, 16)
  let s20 = v128.load(c2)
  let s21 = v128.load(c2, 16)
  let s30 = v128.load(c3)
  let s31 = v128.load(c3, 16)
  for (let r = 0; r < rows; r++) {
    const b0 = v128.load(b)
    const b1 = v128.load(b, 16)
    const a0 = v128.load64_splat(a)
    const a1 = v128.load64_splat(a, 8)
    const a2 = v128.load64_splat(a, 16)
    const a3 = v128.load64_splat(a, 24)
    s00 = f64x2.add(s00, f64x2.mul(a0, b0))
    s01 = f64x2.add(s01, f64x2.mul(a0, b1))
    s10 = f64x2.add(s10, f64x2.mul(a1, b0))
    s11 = f64x2.add(s11, f64x2.mul(a1, b1))
    s20 = f64x2.add(s20, f64x2.mul(a2, b0))
    s21 = f64x2.add(s21, f64x2.mul(a2, b1))
    s30 = f64x2.add(s30, f64x2.mul(a3, b0))
    s31 = f64x2.add(s31, f64x2.mul(a3, b1))
    a += strideA
    b += strideB
  }
  v128.store(c0, s00)
  v128.store(c0, s01, 16)
  v128.store(c1, s10)
  v128.store(c1, s11, 16)
  v128.store(c2, s20)
  v128.store(c2, s21, 16)
  v128.store(c3, s30)
  v128.store(c3, s31, 16)
}

function one(a: usize, b: usize, c: usize, i: i32, j: i32, rows: i32, p: i32, q: i32): void {
  const at = c + ((<usize>(i * q + j)) << 3)
  let sum = load<f64>(at)
  for (let r = 0; r < rows; r++)
    sum += load<f64>(a + ((<usize>(r * p + i)) << 3)) * load<f64>(b + ((<usize>(r * q + j)) << 3))
  store<f64>(at, sum)
}
