// What follows from two models' answers: who is taken for whom, and whose answer has changed.
import type { Answered } from '../../jobs/answers.ts'

/** Counts of samples by label (row) and answer (column), with the classes that occur, in order. */
export interface Confusion {
  classes: readonly number[]
  before: readonly (readonly number[])[]
  after: readonly (readonly number[])[]
}

/** null where labels or answers are no classes. */
export function confusion(samples: readonly Answered[]): Confusion | null {
  const judged = samples.filter(({ label, before, after }) =>
    [label, before, after].every(value => typeof value === 'number'),
  ) as (Answered & { label: number; before: number; after: number })[]
  if (judged.length === 0) return null
  const classes = [...new Set(judged.flatMap(({ label, before, after }) => [label, before, after]))].sort(
    (x, y) => x - y,
  )
  const at = new Map(classes.map((name, k) => [name, k]))
  const counts = (answer: (sample: (typeof judged)[number]) => number): number[][] => {
    const table = classes.map(() => classes.map(() => 0))
    for (const sample of judged) table[at.get(sample.label)!][at.get(answer(sample))!]++
    return table
  }
  return { classes, before: counts(({ before }) => before), after: counts(({ after }) => after) }
}

const differs = ({ alike, before, after }: Answered): boolean => (alike === null ? before !== after : alike < 1)

/** Samples by how far the second answer is from the first, the furthest first. */
export const leastAlike = (samples: readonly Answered[]): (Answered & { alike: number })[] =>
  samples
    .filter((sample): sample is Answered & { alike: number } => sample.alike !== null)
    .sort((x, y) => x.alike - y.alike || x.index - y.index)

/** Samples that the two answer differently: first those that were right and no longer are, then the reverse, then the rest. */
export function changed(samples: readonly Answered[]): Answered[] {
  const rank = (sample: Answered): number => kinds.indexOf(kindOf(sample))
  return samples.filter(differs).sort((x, y) => rank(x) - rank(y) || x.index - y.index)
}

const kinds = ['lost', 'won', 'other'] as const

/** Of a sample whose answer changed: right before, right after, or as right or as wrong as before. */
export function kindOf({ right }: Answered): (typeof kinds)[number] {
  if (!right || right.before === right.after) return 'other'
  return right.before ? 'lost' : 'won'
}

/** Pairs of label and another answer, the most frequent of the second model first. */
export function confusedPairs({ classes, before, after }: Confusion) {
  return classes
    .flatMap((label, row) =>
      classes.map((answer, column) => ({ label, answer, before: before[row][column], after: after[row][column] })),
    )
    .filter(pair => pair.label !== pair.answer && (pair.before > 0 || pair.after > 0))
    .sort((a, b) => b.after - a.after || b.before - a.before)
}
