// AssemblyScript twin of reference.ts. Blocks of 64 x 64 over 256 are packed as panels, four rows and eight columns beside each other,
// so that the inner loop reads one step of the depth after the other and keeps a tile of 4 x 8 sums in registers.
import { copyLanes, multiplyPanels, tile } from '../gram/simd'

const rows = memory.data(65536, 16) // 16 panels of 4 rows over 256
const columns = memory.data(65536, 16) // 8 panels of 8 columns over 256

// biome-ignore format: one argument an array and a number
export function gemm(a: usize, _na: i32, b: usize, _nb: i32, c: usize, m: i32, n: i32, k: i32, transA: i32, transB: i32): void {
  for (let d = 0; d < k; d += 256) {
    const depth = min(256, k - d)
    for (let i0 = 0; i0 < m; i0 += 64) {
      const height = min(64, m - i0)
      if (transA) packAlong(a + ((<usize>(d * m + i0)) << 2), m, height, depth, rows, 4)
      else packAcross(a + ((<usize>(i0 * k + d)) << 2), k, height, depth, rows, 4)
      for (let j0 = 0; j0 < n; j0 += 64) {
        const width = min(64, n - j0)
        if (transB) packAcross(b + ((<usize>(j0 * k + d)) << 2), k, width, depth, columns, 8)
        else packAlong(b + ((<usize>(d * n + j0)) << 2), n, width, depth, columns, 8)
        for (let j = 0; j < width; j += 8)
          for (let i = 0; i < height; i += 4) {
            multiplyPanels(rows + ((<usize>i) << 10), columns + ((<usize>j) << 10), depth)
            addTile(c + ((<usize>((i0 + i) * n + j0 + j)) << 2), min(4, height - i), min(8, width - j), n)
          }
      }
    }
  }
}

/** Panels of a matrix in which a step of the depth is a row of `stride` elements; what is missing of the last panel is zero. */
function packAlong(from: usize, stride: i32, width: i32, depth: i32, into: usize, lanes: i32): void {
  for (let first = 0; first < width; first += lanes) {
    const count = min(lanes, width - first)
    let target = into + ((<usize>first) << 10)
    let source = from + ((<usize>first) << 2)
    for (let d = 0; d < depth; d++) {
      copyLanes(source, target, count, lanes)
      target += (<usize>lanes) << 2
      source += (<usize>stride) << 2
    }
  }
}

/** Panels of a matrix in which a step of the depth is the next element, and what lies beside it a row of `stride` elements. */
function packAcross(from: usize, stride: i32, width: i32, depth: i32, into: usize, lanes: i32): void {
  const step = (<usize>lanes) << 2
  for (let first = 0; first < width; first += lanes) {
    const panel = into + ((<usize>first) << 10)
    for (let l = 0; l < lanes; ) {
      let target = panel + ((<usize>l) << 2)
      if (first + l >= width) {
        for (let d = 0; d < depth; d++, target += step) store<f32>(target, 0)
        l++
        continue
      }
      const source = from + ((<usize>((first + l) * stride)) << 2)
      if (first + l + 4 <= width && l + 4 <= lanes) {
        packFour(source, (<usize>stride) << 2, depth, target, step)
        l += 4
        continue
      }
      for (let d = 0; d < depth; d++, target += step) store<f32>(target, load<f32>(source + ((<usize>d) << 2)))
      l++
    }
  }
}

/** Four rows beside each other, four steps of the depth at a time. */
function packFour(source: usize, stride: usize, depth: i32, target: usize, step: usize): void {
  let d = 0
  for (; d + 4 <= depth; d += 4, source += 16, target += step << 2)
    turn(source, source + stride, source + (stride << 1), source + (stride << 1) + stride, target, step)
  for (; d < depth; d++, source += 4, target += step)
    for (let l = 0; l < 4; l++) store<f32>(target + ((<usize>l) << 2), load<f32>(source + <usize>l * stride))
}

/** Four rows of four as four columns, `step` bytes from one to the next; they may lie where the rows do. */
export function turn(a: usize, b: usize, c: usize, d: usize, target: usize, step: usize): void {
  const first = v128.load(a)
  const second = v128.load(b)
  const third = v128.load(c)
  const fourth = v128.load(d)
  const low = v128.shuffle<i32>(first, second, 0, 4, 1, 5)
  const lowRest = v128.shuffle<i32>(third, fourth, 0, 4, 1, 5)
  const high = v128.shuffle<i32>(first, second, 2, 6, 3, 7)
  const highRest = v128.shuffle<i32>(third, fourth, 2, 6, 3, 7)
  v128.store(target, v128.shuffle<i64>(low, lowRest, 0, 2))
  v128.store(target + step, v128.shuffle<i64>(low, lowRest, 1, 3))
  v128.store(target + (step << 1), v128.shuffle<i64>(high, highRest, 0, 2))
  v128.store(target + (step << 1) + step, v128.shuffle<i64>(high, highRest, 1, 3))
}

function addTile(c: usize, height: i32, width: i32, stride: i32): void {
  for (let i = 0; i < height; i++) {
    const row = c + ((<usize>(i * stride)) << 2)
    const sums = tile + ((<usize>i) << 5)
    if (width === 8) {
      v128.store(row, f32x4.add(v128.load(row), v128.load(sums)))
      v128.store(row, f32x4.add(v128.load(row, 16), v128.load(sums, 16)), 16)
      continue
    }
    for (let j = 0; j < width; j++) {
      const at = row + ((<usize>j) << 2)
      store<f32>(at, load<f32>(at) + load<f32>(sums + ((<usize>j) << 2)))
    }
  }
}
