// Single weights, or small blocks of them, set to zero. With second moments of what the layer reads, those go that it misses least, and the
// weights behind them make up for each as far as they can, column after column (Frantar and Alistarh, SparseGPT: Massive Language Models Can
// Be Accurately Pruned in One-Shot, 2023, after Hassibi and Stork, Optimal Brain Surgeon, 1993); without, the smallest go.
import { cholesky, dampedCholesky, solveCholesky } from '../../base/cholesky.ts'
import type { KernelSet } from '../../ir/context.ts'
import { meanDiagonal } from '../../ir/least-squares.ts'
import { lotTask } from '../../ir/lots.ts'

/** Weights that go together; and among how many neighbours along a row a share goes, 0: among all. */
export interface Pattern {
  rows: number
  columns: number
  of: number
}

export interface SparseRequest {
  weights: Float64Array // [p, k]
  p: number
  k: number
  covariance: Float64Array | null // of the columns, [k, k]
  pattern: Pattern
  share: number // that goes
}

// As in the papers on rounding with feedback: of the mean variance.
const damping = 0.01
// Columns that are chosen from at once, so that what earlier ones moved is seen.
const chunk = 128

/** The weights with zeros. */
export const sparseTask = lotTask('sparse', ({ weights, p, k, covariance, pattern, share }: SparseRequest, kernels) => {
  const w = weights.slice()
  const u = covariance && upperOfInverse(covariance, k, kernels)
  const wide = pattern.of > 0 ? pattern.of : u ? chunk : k
  let owed = 0
  for (let from = 0; from < k; from += wide) {
    const to = Math.min(k, from + wide)
    const blocks = blocksOf(w, u, { p, k, from, to }, pattern)
    // What is rounded off in one chunk is made up for in the next.
    owed += share * blocks.length
    const count = Math.min(blocks.length, Math.round(owed))
    owed -= count
    const gone = pattern.of > 0 ? ofEach(blocks, pattern.of, share) : least(blocks, count)
    takeOut(w, u, gone, { p, k, from, to }, pattern)
  }
  return w
})

interface Block {
  at: number // first weight, in [p, k]
  score: number
}
interface Span {
  p: number
  k: number
  from: number
  to: number
}

function blocksOf(
  w: Float64Array,
  u: Float64Array | null,
  { p, k, from, to }: Span,
  { rows, columns }: Pattern,
): Block[] {
  const blocks: Block[] = []
  for (let r = 0; r < p; r += rows)
    for (let c = from; c < to; c += columns) {
      let score = 0
      for (let i = r; i < Math.min(p, r + rows); i++)
        for (let j = c; j < Math.min(to, c + columns); j++) {
          const own = w[i * k + j] / (u ? u[j * k + j] : 1)
          score += own * own
        }
      blocks.push({ at: r * k + c, score })
    }
  return blocks
}

/** The same share of every so many blocks; of equal ones the first stay. */
function ofEach(blocks: readonly Block[], size: number, share: number): Block[] {
  const gone: Block[] = []
  for (let i = 0; i < blocks.length; i += size) {
    const group = blocks.slice(i, i + size).sort((a, b) => a.score - b.score || b.at - a.at)
    gone.push(...group.slice(0, Math.round(share * size)))
  }
  return gone
}

/** So many of all; of equal ones the first stay. */
const least = (blocks: readonly Block[], count: number): Block[] =>
  [...blocks].sort((a, b) => a.score - b.score || b.at - a.at).slice(0, count)

function takeOut(
  w: Float64Array,
  u: Float64Array | null,
  gone: readonly Block[],
  { p, k, from, to }: Span,
  { rows, columns }: Pattern,
): void {
  const mask = new Uint8Array(p * (to - from))
  for (const { at } of gone) {
    const [r, c] = [Math.floor(at / k), at % k]
    for (let i = r; i < Math.min(p, r + rows); i++)
      for (let j = c; j < Math.min(to, c + columns); j++) mask[i * (to - from) + j - from] = 1
  }
  for (let i = 0; i < p; i++)
    for (let j = from; j < to; j++) {
      if (mask[i * (to - from) + j - from] === 0) continue
      const at = i * k + j
      if (u) {
        const error = w[at] / u[j * k + j]
        for (let l = j + 1; l < k; l++) w[i * k + l] -= error * u[j * k + l]
      }
      w[at] = 0
    }
}

/** U of the inverse H = U' U, upper; of columns that never move nothing is known, and they pull at nothing. */
function upperOfInverse(covariance: Float64Array, k: number, kernels: KernelSet): Float64Array {
  const { l } = dampedCholesky(
    covariance,
    k,
    Math.max(damping * meanDiagonal(covariance, k), 1e-30),
    kernels.addProducts,
  )
  const inverse = new Float64Array(k * k)
  for (let i = 0; i < k; i++) inverse[i * k + i] = 1
  solveCholesky(l, k, inverse, k, kernels.addProducts)
  cholesky(inverse, k, kernels.addProducts)
  const u = new Float64Array(k * k)
  for (let i = 0; i < k; i++) for (let j = i; j < k; j++) u[i * k + j] = inverse[j * k + i]
  return u
}
