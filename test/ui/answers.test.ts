// What is shown of two models' answers and feature maps.
import { describe, expect, test } from 'vitest'
import type { Answered } from '../../src/jobs/answers.ts'
import { changed, confusedPairs, confusion, kindOf } from '../../src/ui/state/answers.ts'
import { classNames } from '../../src/ui/state/class-names.ts'
import { difference, pictures, plane } from '../../src/ui/state/map-pixels.ts'
import type { ProjectView } from '../../workers/api.ts'

const sample = (index: number, label: number | null, before: number, after: number): Answered => ({
  index,
  name: `s${index}`,
  label,
  before,
  after,
  alike: before === after ? 1 : 0,
  right: label === null ? null : { before: before === label, after: after === label },
  misfit: null,
})
const samples = [sample(0, 1, 1, 1), sample(1, 1, 3, 4), sample(2, 1, 3, 1), sample(3, 3, 3, 1), sample(4, null, 1, 3)]

describe('answers', () => {
  test('a row per label, a column per answer, of samples with a label', () => {
    expect(confusion(samples)).toEqual({
      classes: [1, 3, 4],
      before: [
        [1, 2, 0],
        [0, 1, 0],
        [0, 0, 0],
      ],
      after: [
        [2, 0, 1],
        [1, 0, 0],
        [0, 0, 0],
      ],
    })
  })
  test('text and missing labels have no such table', () => {
    expect(confusion([sample(0, null, 1, 1), { ...sample(1, 1, 1, 1), label: 'abc' as const }])).toBeNull()
  })
  test('what was lost comes first, then what was won, then the rest', () => {
    expect(changed(samples).map(one => [one.index, kindOf(one)])).toEqual([
      [3, 'lost'],
      [2, 'won'],
      [1, 'other'],
      [4, 'other'],
    ])
  })
  test('mixed-up pairs, the most frequent now first', () => {
    expect(confusedPairs(confusion(samples)!)).toEqual([
      { label: 1, answer: 4, before: 0, after: 1 },
      { label: 3, answer: 1, before: 0, after: 1 },
      { label: 1, answer: 3, before: 2, after: 0 },
    ])
  })
})

describe('feature maps', () => {
  const maps = (...data: number[]) => ({ channels: 2, height: 1, width: 2, data: Float32Array.from(data) })
  test('one channel, or the mean of all', () => {
    expect([...plane(maps(1, 2, 3, 4), 1)]).toEqual([3, 4])
    expect([...plane(maps(1, 2, 3, 4), null)]).toEqual([2, 3])
  })
  test('both are on one scale: the same value has the same colour', () => {
    const { left, right, low, high } = pictures([maps(0, 1, 0, 0), maps(1, 2, 0, 0)], 0)
    expect([low, high]).toEqual([0, 2])
    expect(left.rgba.slice(4, 8)).toEqual(right.rgba.slice(0, 4))
    expect(left.rgba.slice(0, 4)).not.toEqual(right.rgba.slice(4, 8))
  })
  test('no change is the middle of the scale, the largest change its end', () => {
    const { pixels, most } = difference([maps(5, 1, 0, 0), maps(5, -2, 0, 0)], 0)
    expect(most).toBe(3)
    expect([...pixels.rgba]).toEqual([247, 247, 247, 255, 33, 102, 172, 255])
  })
})

describe('names of classes', () => {
  const project = (classes: string[] | null, labelOffset: number, names?: string) =>
    ({
      evaluation: { classes },
      calibration: null,
      input: { inputs: {}, labelOffset },
      model: { metadata: names ? { names } : {} },
    }) as unknown as ProjectView

  test('are those of the labels, from which the answers may be some away', () => {
    const { ofAnswer, ofLabel } = classNames(project(['ant', 'bee'], 1))
    expect([0, 1, 2, 3].map(ofAnswer)).toEqual(['0', 'ant', 'bee', '3'])
    expect([0, 1, 2].map(ofLabel)).toEqual(['ant', 'bee', '2'])
  })
  test('else those that the model brings along, as its trainer wrote them', () => {
    const { ofAnswer } = classNames(project(null, 0, `{0: 'person', 1: "driver's seat", 12: 'traffic light'}`))
    expect([0, 1, 2, 12].map(ofAnswer)).toEqual(['person', "driver's seat", '2', 'traffic light'])
  })
})
