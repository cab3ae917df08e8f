// What candidates are to be taken for that were foretold, and then measured on few samples: measured errors shrunk towards the foretold
// ones, the more the less the samples can tell (Efron and Morris, Stein's Estimation Rule and Its Competitors, 1973, section 7).
import { exp, log } from '../../base/math.ts'
import { sum } from '../../base/sum.ts'

export interface Judged {
  predicted: number
  /** One a sample, the same samples in the same order for all candidates. */
  errors: readonly number[]
}

/** Errors to go by, above zero. As measured where there are no more than three candidates, or one that has no error at all. */
export function shrunk(candidates: readonly Judged[]): number[] {
  const sums = candidates.map(c => sum(c.errors))
  const k = candidates.length
  const n = candidates[0]?.errors.length ?? 0
  if (k < 4 || n < 2 || sums.some(s => !(s > 0)) || candidates.some(c => !(c.predicted > 0))) return sums
  const measured = sums.map(s => log(s))
  const predicted = candidates.map(c => log(c.predicted))
  // What all have in common decides nothing.
  const surprise = measured.map((m, c) => m - predicted[c])
  const usual = sum(surprise) / k
  const spread = surprise.reduce((total, s) => total + (s - usual) * (s - usual), 0)
  const keep = spread > 0 ? Math.max(0, 1 - ((k - 3) * uncertainty(candidates, sums)) / spread) : 1
  return predicted.map((p, c) => exp(p + usual + keep * (surprise[c] - usual)))
}

/** Variance of a logarithm of the errors' sum that comes of the samples' choice, beside the others'; a mean over candidates. */
function uncertainty(candidates: readonly Judged[], sums: readonly number[]): number {
  const n = candidates[0].errors.length
  const k = candidates.length
  const shares = candidates.map(({ errors }, c) => errors.map(e => e / sums[c]))
  let total = 0
  for (let i = 0; i < n; i++) {
    const common = shares.reduce((s, share) => s + share[i], 0) / k
    for (const share of shares) total += (share[i] - common) * (share[i] - common)
  }
  // Of n shares that add up to 1, each candidate measured against the mean of k.
  return ((n / (n - 1)) * total) / (k - 1)
}
