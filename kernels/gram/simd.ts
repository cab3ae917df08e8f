// AssemblyScript twin of reference.ts. Blocks of 64 columns are packed, four and eight beside each other, so that the inner loop reads
// one row after the other from the first cache and keeps a tile of 4 x 8 sums in registers.

const packedA = memory.data(65536, 16) // 16 panels of 256 rows of 4
const packedB = memory.data(65536, 16) // 8 panels of 256 rows of 8
/** What `multiplyPanels` leaves: 4 rows of 8 sums. */
export const tile = memory.data(128, 16)

export function gram(a: usize, na: i32, b: usize, _nb: i32, c: usize, p: i32, q: i32, upper: i32): void {
  if (p < 1) return
  const rows = na / p
  for (let start = 0; start < rows; start += 256) {
    const m = min(256, rows - start)
    const fromA = a + ((<usize>(start * p)) << 2)
    const fromB = b + ((<usize>(start * q)) << 2)
    for (let j0 = 0; j0 < q; j0 += 64) {
      pack(fromB, q, j0, min(64, q - j0), m, packedB, 8)
      for (let i0 = 0; i0 < p; i0 += 64) {
        if (upper && i0 > j0 + 63) break
        pack(fromA, p, i0, min(64, p - i0), m, packedA, 4)
        for (let j = j0; j < min(q, j0 + 64); j += 8) {
          const panelB = packedB + ((<usize>(j - j0)) << 10)
          for (let i = i0; i < min(p, i0 + 64); i += 4) {
            if (upper && i > j + 7) break
            multiplyPanels(packedA + ((<usize>(i - i0)) << 10), panelB, m)
            add(c, i, j, min(4, p - i), min(8, q - j), q)
          }
        }
      }
    }
  }
}

/** Columns `from` to `from + width` of `m` rows as panels of `lanes` columns; missing columns are zero. */
function pack(matrix: usize, stride: i32, from: i32, width: i32, m: i32, into: usize, lanes: i32): void {
  for (let first = 0; first < width; first += lanes) {
    const panel = into + ((<usize>first) << 10)
    const count = min(lanes, width - first)
    for (let r = 0; r < m; r++) {
      const source = matrix + ((<usize>(r * stride + from + first)) << 2)
      const target = panel + ((<usize>(r * lanes)) << 2)
      copyLanes(source, target, count, lanes)
    }
  }
}

/** One step of a panel of 4 or 8 lanes; beyond `count` they are zero. */
export function copyLanes(source: usize, target: usize, count: i32, lanes: i32): void {
  if (count < lanes) {
    for (let k = 0; k < lanes; k++)
      store<f32>(target + ((<usize>k) << 2), k < count ? load<f32>(source + ((<usize>k) << 2)) : 0)
  } else {
    v128.store(target, v128.load(source))
    if (lanes > 4) v128.store(target, v128.load(source, 16), 16)
  }
}

/** The products of a panel of 4 and one of 8 over `m` steps, into `tile`. */
export function multiplyPanels(panelA: usize, panelB: usize, m: i32): void {
  let s00 = f32x4.splat(0)
  let s01 = f32x4.splat(0)
  let s10 = f32x4.splat(0)
  let s11 = f32x4.splat(0)
  let s20 = f32x4.splat(0)
  let s21 = f32x4.splat(0)
  let s30 = f32x4.splat(0)
  let s31 = f32x4.splat(0)
  for (let r = 0; r < m; r++) {
    const b0 = v128.load(panelB)
    const b1 = v128.load(panelB, 16)
    const a0 = v128.load32_splat(panelA)
    const a1 = v128.load32_splat(panelA, 4)
    const a2 = v128.load32_splat(panelA, 8)
    const a3 = v128.load32_splat(panelA, 12)
    s00 = f32x4.add(s00, f32x4.mul(a0, b0))
    s01 = f32x4.add(s01, f32x4.mul(a0, b1))
    s10 = f32x4.add(s10, f32x4.mul(a1, b0))
    s11 = f32x4.add(s11, f32x4.mul(a1, b1))
    s20 = f32x4.add(s20, f32x4.mul(a2, b0))
    s21 = f32x4.add(s21, f32x4.mul(a2, b1))
    s30 = f32x4.add(s30, f32x4.mul(a3, b0))
    s31 = f32x4.add(s31, f32x4.mul(a3, b1))
    panelA += 16
    panelB += 32
  }
  v128.store(tile, s00)
  v128.store(tile, s01, 16)
  v128.store(tile, s10, 32)
  v128.store(tile, s11, 48)
  v128.store(tile, s20, 64)
  v128.store(tile, s21, 80)
  v128.store(tile, s30, 96)
  v128.store(tile, s31, 112)
}

function add(c: usize, i: i32, j: i32, height: i32, width: i32, q: i32): void {
  for (let di = 0; di < height; di++) {
    const row = c + ((<usize>((i + di) * q + j)) << 3)
    for (let dj = 0; dj < width; dj++) {
      const at = row + ((<usize>dj) << 3)
      store<f64>(at, load<f64>(at) + <f64>load<f32>(tile + ((<usize>(di * 8 + dj)) << 2)))
    }
  }
}
