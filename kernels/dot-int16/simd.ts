// AssemblyScript twin of reference.ts: i32x4.dot_i16x8_s multiplies eight pairs exactly. `a` has lengthA / depth rows, `b` has
// lengthB / depth; four rows of `b` at a time share each load of `a`.

export function dotInt16(a: usize, lengthA: i32, b: usize, lengthB: i32, y: usize, depth: i32): void {
  if (depth <= 0) return
  const rows = lengthA / depth
  const columns = lengthB / depth
  const row = (<usize>depth) << 1
  const whole = (<usize>(depth & ~7)) << 1
  let out = y
  for (let r = 0; r < rows; r++) {
    const from = a + <usize>r * row
    let c = 0
    for (; c + 4 <= columns; c += 4) {
      const b0 = b + <usize>c * row
      const b1 = b0 + row
      const b2 = b1 + row
      const b3 = b2 + row
      let s0 = i32x4.splat(0)
      let s1 = i32x4.splat(0)
      let s2 = i32x4.splat(0)
      let s3 = i32x4.splat(0)
      for (let k: usize = 0; k < whole; k += 16) {
        const v = v128.load(from + k)
        s0 = i32x4.add(s0, i32x4.dot_i16x8_s(v, v128.load(b0 + k)))
        s1 = i32x4.add(s1, i32x4.dot_i16x8_s(v, v128.load(b1 + k)))
        s2 = i32x4.add(s2, i32x4.dot_i16x8_s(v, v128.load(b2 + k)))
        s3 = i32x4.add(s3, i32x4.dot_i16x8_s(v, v128.load(b3 + k)))
      }
      store<i32>(out, sum(s0) + rest(from, b0, whole, row))
      store<i32>(out, sum(s1) + rest(from, b1, whole, row), 4)
      store<i32>(out, sum(s2) + rest(from, b2, whole, row), 8)
      store<i32>(out, sum(s3) + rest(from, b3, whole, row), 12)
      out += 16
    }
    for (; c < columns; c++) {
      const b0 = b + <usize>c * row
      let s0 = i32x4.splat(0)
      for (let k: usize = 0; k < whole; k += 16)
        s0 = i32x4.add(s0, i32x4.dot_i16x8_s(v128.load(from + k), v128.load(b0 + k)))
      store<i32>(out, sum(s0) + rest(from, b0, whole, row))
      out += 4
    }
  }
}

function sum(s: v128): i32 {
  return i32x4.extract_lane(s, 0) + i32x4.extract_lane(s, 1) + i32x4.extract_lane(s, 2) + i32x4.extract_lane(s, 3)
}

function rest(a: usize, b: usize, whole: usize, row: usize): i32 {
  let sum: i32 = 0
  for (let k = whole; k < row; k += 2) sum += <i32>load<i16>(a + k) * <i32>load<i16>(b + k)
  return sum
}
