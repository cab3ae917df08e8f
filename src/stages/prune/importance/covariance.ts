// Importance by redundancy: what the layers that read a channel lose without it, once the weights of all other channels make up for it
// as well as they can. Channels are taken out one by one, as weights are by Optimal Brain Surgeon (Hassibi and Stork, 1993): with P the
// inverse of the channels' covariance and M the products of the readers' weights, channel c costs M_cc / P_cc; then
// M <- A' M A with A = I - e_c P_c / P_cc, and P <- P - P_c' P_c / P_cc.
import { dampedCholesky, solveCholesky } from '../../../base/cholesky.ts'
import { covarianceOf } from '../statistics.ts'
import { normalized } from './normalize.ts'
import type { Importance } from './types.ts'
import { weightRows } from './weights.ts'

// Of the mean variance, so that channels that are always alike can be told apart at all.
const damping = 1e-4

export const covariance: Importance = {
  id: 'covariance',
  label: 'What the other channels cannot make up for',
  needsData: true,
  needsPairs: true,
  async score(group, evidence) {
    const { size } = group
    const seen = evidence.statistics.filter(s => s.products.length > 0)
    if (seen.length === 0 || group.readers.length === 0) return null
    // Values that are read alike well: each layer's loss is a share of what it reads.
    const together = new Float64Array(size * size)
    for (const one of seen) {
      const own = covarianceOf(one)
      const scale = trace(own, size)
      for (let i = 0; i < own.length; i++) together[i] += scale > 0 ? own[i] / scale : 0
    }
    const products = new Float64Array(size * size)
    for (const reader of group.readers) {
      const rows = await weightRows(reader, evidence)
      const own = new Float64Array(size * size)
      for (let i = 0; i < size; i++)
        for (let j = i; j < size; j++) {
          let sum = 0
          for (let k = 0; k < rows[i].length; k++) sum += rows[i][k] * rows[j][k]
          own[i * size + j] = sum
          own[j * size + i] = sum
        }
      const scale = trace(own, size)
      for (let i = 0; i < own.length; i++) products[i] += scale > 0 ? own[i] / scale : 0
    }
    return normalized(lossesOf(together, products, size))
  },
}

const trace = (a: Float64Array, n: number): number => {
  let sum = 0
  for (let i = 0; i < n; i++) sum += a[i * n + i]
  return sum
}

/** What each channel costs at its turn; never less than one that went before it. */
export function lossesOf(covariance: Float64Array, products: Float64Array, n: number): Float64Array {
  const { l } = dampedCholesky(covariance, n, Math.max((damping * trace(covariance, n)) / n, 1e-30))
  const p = new Float64Array(n * n)
  for (let i = 0; i < n; i++) p[i * n + i] = 1
  solveCholesky(l, n, p, n)
  const m = products.slice()
  const losses = new Float64Array(n)
  const left = new Set(losses.keys())
  let last = 0
  while (left.size > 0) {
    let next = -1
    for (const c of left)
      if (next < 0 || m[c * n + c] / p[c * n + c] < m[next * n + next] / p[next * n + next]) next = c
    last = Math.max(last, m[next * n + next] / p[next * n + next])
    losses[next] = last
    left.delete(next)
    takeOut(p, m, next, left, n)
  }
  return losses
}

function takeOut(p: Float64Array, m: Float64Array, c: number, left: ReadonlySet<number>, n: number): void {
  const pivot = p[c * n + c]
  const row = p.slice(c * n, (c + 1) * n)
  const factors = row.map(x => x / pivot)
  const own = m.slice(c * n, (c + 1) * n)
  const square = own[c]
  for (const i of left)
    for (const j of left) {
      p[i * n + j] -= factors[i] * row[j]
      m[i * n + j] += factors[i] * factors[j] * square - factors[i] * own[j] - own[i] * factors[j]
    }
}
