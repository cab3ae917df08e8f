// Progress as the page is told: at once when a step begins, then at most ten times a second, with the speed of the count under way.
import { expect, test } from 'vitest'
import type { RunProgress } from '../../workers/api.ts'
import { createMeter } from '../../workers/progress.ts'

function watched() {
  const clock = { ms: 0 }
  const shown: RunProgress[] = []
  return {
    meter: createMeter(
      3,
      () => clock.ms,
      progress => void shown.push(progress),
    ),
    shown,
    at(ms: number) {
      clock.ms = ms
    },
  }
}

test('a step is shown as it begins, before it counts anything', () => {
  const { meter, shown } = watched()
  meter.step(1, 'optimize')
  expect(shown).toEqual([
    { stage: 'optimize', done: 0, total: null, step: 1, steps: 3, perSecond: null, secondsLeft: null },
  ])
})

test('the speed is that of what came after the first report', () => {
  const { meter, shown, at } = watched()
  meter.step(0, 'quantize')
  at(5000)
  meter.report({ stage: 'observe', done: 16, total: 128 })
  at(6000)
  meter.report({ stage: 'observe', done: 48, total: 128 })
  // 32 samples in the second after the first 16; 80 are left.
  expect(shown.at(-1)).toMatchObject({ perSecond: 32, secondsLeft: 2.5 })
})

test('a second count of the same stage has a speed of its own', () => {
  const { meter, shown, at } = watched()
  meter.report({ stage: 'evaluate', done: 500, total: 1000 })
  at(10_000)
  meter.report({ stage: 'evaluate', done: 1000, total: 1000 })
  at(20_000)
  meter.report({ stage: 'evaluate', done: 1, total: 16, note: 'errors per layer' })
  expect(shown.at(-1)).toMatchObject({ done: 1, perSecond: null })
  at(21_000)
  meter.report({ stage: 'evaluate', done: 5, total: 16, note: 'errors per layer' })
  expect(shown.at(-1)).toMatchObject({ perSecond: 4, secondsLeft: 2.75 })
})

test('of many reports in a tenth of a second only the first and the last of a count are shown', () => {
  const { meter, shown, at } = watched()
  for (let done = 1; done <= 50; done++) {
    at(done)
    meter.report({ stage: 'observe', done, total: 50 })
  }
  expect(shown.map(({ done }) => done)).toEqual([1, 50])
})
