// Accuracy of several models over the same labelled samples, one at a time: figures in percent with 95 % intervals, differences
// paired with the float model, and plain words on what the samples can tell.

import { createRng } from '../base/rng.ts'
import { withOffset } from '../ir/labels.ts'
import { type Interval, meanInterval, type Pairs, pairedDifference, samplesForOnePoint, wilson } from './intervals.ts'
import type { Label, Outputs, Pooled, Score, Task } from './types.ts'

/** Percent. `against` is paired with the float model on the same samples. */
export interface Accuracy {
  metric: string
  value: number
  top1: number | null
  top5: number | null
  samples: number
  interval95: Interval
  against: { difference: number; interval95: Interval; words: string } | null
  /** A further figure of the task, such as characters that are right. */
  detail?: { metric: string; value: number }
}

export interface PairedAccuracy {
  /** One sample's outputs of the float model and of the others, with its label as it stands in the data. */
  add(reference: Outputs, others: readonly Outputs[], label: Label): void
  result(): { reference: Accuracy | null; others: (Accuracy | null)[] }
}

interface Sums {
  value: number
  squares: number
  top5: number | null
  detail: number
}

const percent = ({ low, high }: Interval): Interval => ({ low: 100 * low, high: 100 * high })

/** Gathers accuracy of the float model and `count` others. `labelOffset` is added to the classes of labels. */
export function pairedAccuracy(task: Task, count: number, labelOffset: number): PairedAccuracy {
  return task.pooled ? pooledAccuracy(task, task.pooled, count, labelOffset) : meanAccuracy(task, count, labelOffset)
}

function meanAccuracy(task: Task, count: number, labelOffset: number): PairedAccuracy {
  const zero = (): Sums => ({ value: 0, squares: 0, top5: 0, detail: 0 })
  const sums = Array.from({ length: count + 1 }, zero) // the float model first
  const pairs = Array.from({ length: count }, (): Pairs => ({ both: 0, first: 0, second: 0, neither: 0 }))
  const differences = Array.from({ length: count }, () => ({ sum: 0, squares: 0 }))
  let samples = 0

  const gather = (into: Sums, { value, top5, detail }: Score): void => {
    into.value += value
    into.squares += value * value
    into.top5 = top5 === null || into.top5 === null ? null : into.top5 + top5
    into.detail += detail ?? 0
  }

  function accuracy(of: Sums, against: Accuracy['against']): Accuracy {
    const value = (100 * of.value) / samples
    return {
      metric: task.metric,
      value,
      top1: task.metric === 'top-1' ? value : null,
      top5: of.top5 === null ? null : (100 * of.top5) / samples,
      samples,
      interval95: percent(task.binary ? wilson(of.value, samples) : meanInterval(samples, of.value, of.squares)),
      against,
      ...(task.detail === null ? {} : { detail: { metric: task.detail, value: (100 * of.detail) / samples } }),
    }
  }

  return {
    add(reference, others, label) {
      const wanted = withOffset(label, labelOffset)
      const exact = task.score(reference, wanted, reference)
      const scores = others.map(outputs => task.score(outputs, wanted, reference))
      samples++
      gather(sums[0], exact)
      for (const [k, score] of scores.entries()) {
        gather(sums[k + 1], score)
        const difference = score.value - exact.value
        differences[k].sum += difference
        differences[k].squares += difference * difference
        if (!task.binary) continue
        const [other, float] = [score.value === 1, exact.value === 1]
        pairs[k][other ? (float ? 'both' : 'first') : float ? 'second' : 'neither']++
      }
    },
    result() {
      if (samples === 0) return { reference: null, others: pairs.map(() => null) }
      return {
        reference: accuracy(sums[0], null),
        others: pairs.map((p, k) => {
          const { sum, squares } = differences[k]
          const interval95 = percent(task.binary ? pairedDifference(p) : meanInterval(samples, sum, squares))
          const difference = (100 * sum) / samples
          const needed = task.binary ? samplesForOnePoint(p) : null
          return accuracy(sums[k + 1], {
            difference,
            interval95,
            words: words(difference, interval95, samples, needed),
          })
        }),
      }
    },
  }
}

/**
 * Of figures that are no means, the intervals are those of the percentile bootstrap over samples (Efron, "Bootstrap methods: another
 * look at the jackknife", 1979): the same seeded resamples for all models, so that differences are paired.
 */
function pooledAccuracy(task: Task, pooled: Pooled<unknown>, count: number, labelOffset: number): PairedAccuracy {
  const records: unknown[][] = Array.from({ length: count + 1 }, () => []) // the float model first

  function accuracy(of: readonly unknown[], drawn: readonly (number | null)[], against: Accuracy['against']): Accuracy {
    const detail = task.detail === null ? null : pooled.detail(of)
    return {
      metric: task.metric,
      value: 100 * (pooled.value(of, null) ?? 0),
      top1: null,
      top5: null,
      samples: of.length,
      interval95: percent(middle(drawn)),
      against,
      ...(detail === null ? {} : { detail: { metric: task.detail!, value: 100 * detail } }),
    }
  }

  return {
    add(reference, others, label) {
      const wanted = withOffset(label, labelOffset)
      const judged = [reference, ...others].map(outputs => pooled.record(outputs, wanted))
      for (const [k, record] of judged.entries()) records[k].push(record)
    },
    result() {
      const [float, ...others] = records
      const own = pooled.value(float, null)
      // Labels may say nothing, as where no picture has a box.
      if (own === null) return { reference: null, others: others.map(() => null) }
      const times = resamples(float.length)
      const drawn = records.map(of => times.map(drawn => pooled.value(of, drawn)))
      return {
        reference: accuracy(float, drawn[0], null),
        others: others.map((of, k) => {
          const differences = drawn[k + 1].map((value, i) => {
            const before = drawn[0][i]
            return value === null || before === null ? null : value - before
          })
          const interval95 = percent(middle(differences))
          const difference = 100 * ((pooled.value(of, null) ?? 0) - own)
          return accuracy(of, drawn[k + 1], {
            difference,
            interval95,
            words: words(difference, interval95, of.length, null),
          })
        }),
      }
    },
  }
}

const draws = 400

/** How often each of `samples` is drawn, for each resample. */
function resamples(samples: number): Uint16Array[] {
  const rng = createRng(0, 'bootstrap')
  return Array.from({ length: draws }, () => {
    const times = new Uint16Array(samples)
    for (let i = 0; i < samples; i++) times[rng.below(samples)]++
    return times
  })
}

/** The middle 95 % of what resamples gave. */
function middle(values: readonly (number | null)[]): Interval {
  const known = values.filter(value => value !== null).sort((a, b) => a - b)
  if (known.length === 0) return { low: -1, high: 1 }
  const at = (share: number): number => known[Math.min(known.length - 1, Math.floor(share * known.length))]
  return { low: at(0.025), high: at(0.975) }
}

const points = (x: number): string => `${x > 0 ? '+' : x < 0 ? '\u2212' : ''}${Math.abs(x).toFixed(2)}`

/** What may honestly be said of a difference. */
export function words(difference: number, { low, high }: Interval, samples: number, needed: number | null): string {
  const range = `${points(low)} to ${points(high)} points at 95 %`
  if (high < 0) return `A loss of ${Math.abs(difference).toFixed(2)} points (${range}).`
  if (low > 0) return `A gain of ${difference.toFixed(2)} points (${range}).`
  if (low > -1 && high < 1) return `No difference of a point or more (${range}).`
  if (low > -1) return `No loss of a point or more (${range}).`
  const more = needed !== null && needed > samples ? `; about ${needed} samples would tell one point` : ''
  return `${samples} samples are too few to tell a loss of one point from none (${range}${more}).`
}
