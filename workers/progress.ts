// Progress as the page shows it: which step, how fast, how long still; at most ten times a second.
import type { Progress } from '../src/ir/context.ts'
import type { RunProgress } from './api.ts'

export interface Meter {
  /** A step begins; it is shown at once, before it has anything to count. */
  step(index: number, id: string): void
  report(progress: Progress): void
}

const interval = 100

export function createMeter(steps: number, clock: () => number, show: (progress: RunProgress) => void): Meter {
  let step = 0
  let last: Progress | null = null
  let began = { at: 0, done: 0, share: 0 }
  let shown = 0

  /** A stage may count twice, as evaluation does for accuracy and then for layers; each count has a speed of its own. */
  const goesOn = (next: Progress): boolean =>
    last !== null && next.stage === last.stage && next.total === last.total && next.done >= last.done

  const meter: Meter = {
    step(index, id) {
      step = index
      last = null
      meter.report({ stage: id, done: 0, total: null })
    },
    report(progress) {
      const now = clock()
      const same = goesOn(progress)
      last = progress
      if (!same) began = { at: now, done: progress.done, share: shareOf(progress) }
      else if (now - shown < interval && progress.done !== progress.total && !progress.learning) return
      shown = now
      // The first of a count took the opening of sessions with it, so the speed is that of all after it.
      const seconds = (now - began.at) / 1000
      const counted = progress.done - began.done
      const perSecond = counted > 0 && seconds > 0.2 ? counted / seconds : null
      const advanced = shareOf(progress) - began.share
      const left = perSecond !== null && advanced > 0 ? (seconds * (1 - shareOf(progress))) / advanced : null
      show({ ...progress, step, steps, perSecond, secondsLeft: left })
    },
  }
  return meter
}

const shareOf = ({ done, total, share }: Progress): number => share ?? (total ? done / total : 0)
