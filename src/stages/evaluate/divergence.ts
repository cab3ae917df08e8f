// How far apart two models' answers are as distributions: KL divergence of the reference's classes from the other's, a mean over
// every place where one is chosen (a sample, a time step of a line).
import { exp, log } from '../../base/math.ts'

// A probability below this is nothing: float32 softmax gives zeros.
const smallest = 1e-12

export class Divergence {
  private sum = 0
  private places = 0

  /** Rows of `classes` scores or probabilities; gives the sum over them. */
  add(reference: ArrayLike<number>, other: ArrayLike<number>, classes: number): number {
    const before = this.sum
    for (let from = 0; from + classes <= reference.length; from += classes) {
      const [p, q] = [distribution(reference, from, classes), distribution(other, from, classes)]
      for (let i = 0; i < classes; i++)
        if (p[i] > smallest) this.sum += p[i] * log(p[i] / (q[i] > smallest ? q[i] : smallest))
      this.places++
    }
    return this.sum - before
  }

  /** In nats. */
  get kl(): number {
    return this.places > 0 ? Math.max(0, this.sum / this.places) : 0
  }
}

/** Softmax of a row, unless it is a distribution already. */
function distribution(scores: ArrayLike<number>, from: number, classes: number): Float64Array {
  const row = new Float64Array(classes)
  let sum = 0
  let lowest = 0
  let highest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < classes; i++) {
    const x = scores[from + i]
    row[i] = x
    sum += x
    if (x < lowest) lowest = x
    if (x > highest) highest = x
  }
  if (lowest === 0 && Math.abs(sum - 1) < 1e-3) return row
  let total = 0
  for (let i = 0; i < classes; i++) total += row[i] = exp(row[i] - highest)
  for (let i = 0; i < classes; i++) row[i] /= total
  return row
}
