// How many channels each group loses, so that a budget is met: equally, by one ranking of all channels, by one bound on what each group may
// lose (PaddleSlim's sensitivities), or by the least loss for each unit saved, one step after the other. What is saved is reckoned anew for
// every step, since groups that lie on the two sides of one layer save less together.
import type { NodeId } from '../../ir/model.ts'

/** What is lost with so many channels of a group gone, from none on; measured at some numbers, and drawn straight in between. */
export interface Curve {
  group: NodeId
  size: number
  points: readonly { gone: number; loss: number }[]
}

export interface Problem {
  curves: readonly Curve[]
  /** Channels are left in multiples of it, or all of them. */
  multiple: number
  /** What losing so many channels of each group saves, and what is to be saved. */
  saved(gone: ReadonlyMap<NodeId, number>): number
  wanted: number
  /** By how much more than wanted may be saved. */
  slack: number
}

export type Gone = ReadonlyMap<NodeId, number>

/** Losses that never fall (pool adjacent violators), starting from none. */
export function monotone(points: Curve['points']): Curve['points'] {
  const blocks: { sum: number; count: number }[] = []
  for (const { loss } of points) {
    blocks.push({ sum: Math.max(0, loss), count: 1 })
    for (let last = blocks.length - 1; last > 0; last--) {
      const [a, b] = [blocks[last - 1], blocks[last]]
      if (a.sum / a.count <= b.sum / b.count) break
      a.sum += b.sum
      a.count += b.count
      blocks.pop()
    }
  }
  const losses = blocks.flatMap(({ sum, count }) => new Array<number>(count).fill(sum / count))
  return points.map(({ gone }, i) => ({ gone, loss: losses[i] }))
}

// Beyond what was measured, each channel costs so many times what the last ones did.
const beyond = 4

export function lossAt({ points }: Curve, gone: number): number {
  let [from, to] = [
    { gone: 0, loss: 0 },
    { gone: 0, loss: 0 },
  ]
  for (const point of points) {
    ;[from, to] = [to, point]
    if (gone <= to.gone)
      return from.loss + ((to.loss - from.loss) * (gone - from.gone)) / Math.max(1, to.gone - from.gone)
  }
  const slope = to.gone > from.gone ? (to.loss - from.loss) / (to.gone - from.gone) : 0
  return to.loss + beyond * slope * (gone - to.gone)
}

/** How many channels may go: such that a multiple is left, at least one. */
export function stepsOf(size: number, multiple: number): number[] {
  const steps = [0]
  for (let left = Math.floor((size - 1) / multiple) * multiple; left >= multiple; left -= multiple)
    steps.push(size - left)
  return steps
}

/** The most that can go. */
export const utmost = ({ curves, multiple }: Pick<Problem, 'curves' | 'multiple'>): Gone =>
  new Map(curves.map(c => [c.group, stepsOf(c.size, multiple).at(-1)!]))

/** The same share of every group. */
export const equally = (problem: Problem): Gone =>
  bisected(
    problem,
    share => new Map(problem.curves.map(c => [c.group, upTo(stepsOf(c.size, problem.multiple), share * c.size)])),
  )

/** As many as lose no more than one bound. */
export function byThreshold(problem: Problem): Gone {
  const worst = problem.curves.reduce((m, c) => Math.max(m, lossAt(c, c.size)), 0)
  return bisected(problem, share => {
    // Losses lie orders of magnitude apart.
    const bound = worst * share * share * share * share
    return new Map(
      problem.curves.map(c => {
        const allowed = stepsOf(c.size, problem.multiple).filter(gone => lossAt(c, gone) <= bound)
        return [c.group, allowed.at(-1) ?? 0]
      }),
    )
  })
}

/** The channels of least importance, whatever their group. `scores` ascending. */
export function byRank(problem: Problem, scores: ReadonlyMap<NodeId, readonly number[]>): Gone {
  const all = [...scores.values()].flat().sort((a, b) => a - b)
  return bisected(problem, share => {
    const bound = all[Math.min(all.length - 1, Math.floor(share * all.length))]
    return new Map(
      problem.curves.map(c => [
        c.group,
        upTo(stepsOf(c.size, problem.multiple), scores.get(c.group)!.filter(s => s < bound).length),
      ]),
    )
  })
}

const upTo = (steps: readonly number[], most: number): number => steps.filter(s => s <= most).at(-1) ?? 0

/** The last choice that does not yet save enough, of those that save ever more. */
function bisected({ saved, wanted }: Problem, at: (share: number) => Gone): Gone {
  let [low, high] = [0, 1]
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2
    if (saved(at(middle)) < wanted) low = middle
    else high = middle
  }
  return at(low)
}

/**
 * From what is gone, ever the step that loses least for what it saves, until enough is; then back whatever is not needed. Where that still
 * saves too much, two groups are balanced against each other.
 */
export function closeIn(problem: Problem, from: Gone): Gone {
  const gone = giveBack(problem, saveEnough(problem, from))
  const excess = problem.saved(gone) - problem.wanted
  return excess > problem.slack ? (balanced(problem, gone) ?? gone) : gone
}

const allSteps = ({ curves, multiple }: Problem): Map<NodeId, number[]> =>
  new Map(curves.map(c => [c.group, stepsOf(c.size, multiple)]))

function saveEnough(problem: Problem, from: Gone): Map<NodeId, number> {
  const { curves, multiple, saved, wanted } = problem
  const gone = new Map(from)
  const steps = allSteps(problem)
  const withStep = (group: NodeId, count: number): Gone => new Map([...gone, [group, count]])
  for (let now = saved(gone); now < wanted; ) {
    let best: { group: NodeId; rate: number } | null = null
    for (const curve of curves) {
      const current = gone.get(curve.group) ?? 0
      const later = steps.get(curve.group)!.filter(s => s > current)
      // The next step, and those where the curve was measured: it may be flat beyond a rise.
      const looked = later.filter((s, i) => i === 0 || curve.points.some(p => Math.abs(p.gone - s) < multiple))
      for (const step of looked) {
        const more = saved(withStep(curve.group, step)) - now
        const rate = (lossAt(curve, step) - lossAt(curve, current)) / more
        if (more > 0 && (best === null || rate < best.rate)) best = { group: curve.group, rate }
      }
    }
    if (!best) return gone
    const current = gone.get(best.group) ?? 0
    gone.set(best.group, steps.get(best.group)!.find(s => s > current)!)
    now = saved(gone)
  }
  return gone
}

function giveBack(problem: Problem, from: Gone): Map<NodeId, number> {
  const { curves, saved, wanted } = problem
  const gone = new Map(from)
  const steps = allSteps(problem)
  for (;;) {
    let best: { group: NodeId; count: number; loss: number } | null = null
    for (const curve of curves) {
      const current = gone.get(curve.group) ?? 0
      const before = steps
        .get(curve.group)!
        .filter(s => s < current)
        .at(-1)
      if (before === undefined || saved(new Map([...gone, [curve.group, before]])) < wanted) continue
      const loss = lossAt(curve, current) - lossAt(curve, before)
      if (best === null || loss > best.loss) best = { group: curve.group, count: before, loss }
    }
    if (!best) return gone
    gone.set(best.group, best.count)
  }
}

// Steps by which one group is moved, while another makes up for it.
const reach = 12

/** The least loss that saves enough and not too much, with the numbers of two groups changed; null where there is none. */
function balanced(problem: Problem, gone: Gone): Gone | null {
  const { curves, saved, wanted, slack } = problem
  const steps = allSteps(problem)
  let best: { gone: Gone; loss: number } | null = null
  for (const first of curves) {
    const own = steps.get(first.group)!
    const at = own.indexOf(gone.get(first.group) ?? 0)
    for (const count of own.slice(Math.max(0, at - reach), at + reach + 1))
      for (const second of curves) {
        if (second === first) continue
        const found = leastOf(
          steps.get(second.group)!,
          other => saved(new Map([...gone, [first.group, count], [second.group, other]])) >= wanted,
        )
        if (found === null) continue
        const changed: Gone = new Map([...gone, [first.group, count], [second.group, found]])
        const excess = saved(changed) - wanted
        const loss = curves.reduce((sum, c) => sum + lossAt(c, changed.get(c.group) ?? 0), 0)
        if (excess <= slack && (best === null || loss < best.loss)) best = { gone: changed, loss }
      }
  }
  return best?.gone ?? null
}

/** The first that holds, of which every later one does; null where none does. */
function leastOf(list: readonly number[], holds: (n: number) => boolean): number | null {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(list[middle])) high = middle
    else low = middle + 1
  }
  return low < list.length ? list[low] : null
}
