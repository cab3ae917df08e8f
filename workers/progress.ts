// Progress as the page shows it: which step, how fast, how long still; at most ten times a second.
import type { Progress } from '../src/ir/context.ts'
import type { RunProgress } from './api.ts'

export interface Meter {
  step(index: number): void
  report(progress: Progress): void
}

const interval = 100

export function createMeter(steps: number, clock: () => number, show: (progress: RunProgress) => void): Meter {
  let step = 0
  let stage = ''
  let began = 0
  let shown = 0
  return {
    step(index) {
      step = index
      stage = ''
    },
    report(progress) {
      const now = clock()
      if (progress.stage !== stage) {
        stage = progress.stage
        began = now
      } else if (now - shown < interval && progress.done !== progress.total) return
      shown = now
      const seconds = (now - began) / 1000
      const perSecond = progress.done > 0 && seconds > 0.2 ? progress.done / seconds : null
      const left = perSecond !== null && progress.total !== null ? (progress.total - progress.done) / perSecond : null
      show({ ...progress, step, steps, perSecond, secondsLeft: left })
    },
  }
}
