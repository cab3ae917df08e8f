import { describe, expect, test } from 'vitest'
import { floats } from '../../src/ir/tensor.ts'
import { pairedAccuracy, taskFor } from '../../src/tasks/index.ts'
import { words } from '../../src/tasks/paired.ts'
import { build } from '../build.ts'

const classifier = build('graph (x: f32[N,4]) -> (y: f32[N,6]) { y = MatMul(x, w: f32[4,6]) }')
const scores = (...values: number[]) => ({ y: floats([1, values.length], values) })

describe('classification', () => {
  const task = taskFor({}, classifier)!

  test('is guessed from one output of shape [N, classes]', () => {
    expect(task.id).toBe('classify')
    expect(task.metric).toBe('top-1')
  })

  test('the first of equal best scores is the answer', () => {
    expect(task.answer(scores(0, 3, 1, 3, 0, 0))).toBe(1)
    expect(task.score(scores(0, 3, 1, 3, 0, 0), 3, {})).toEqual({ value: 0, top5: 1, detail: null })
  })

  test('top-5 counts the sixth place as wrong', () => {
    expect(task.score(scores(5, 4, 3, 2, 1, 0), 5, {}).top5).toBe(0)
    expect(task.score(scores(5, 4, 3, 2, 1, 0), 4, {}).top5).toBe(1)
  })

  test('outputs of NaN are wrong and have no answer', () => {
    const nan = scores(...new Array(6).fill(Number.NaN))
    expect(task.answer(nan)).toBeNull()
    expect(task.score(nan, 0, nan)).toEqual({ value: 0, top5: 0, detail: null })
  })

  test('a label outside the classes is an error that speaks of labelOffset', () => {
    expect(() => task.score(scores(0, 0, 0, 0, 0, 1), 6, {})).toThrow(/label 6 is none of the model's 6 classes/)
  })

  test('an unknown option of the task is an error', () => {
    expect(() => taskFor({ task: { kind: 'classify', topK: 3 } }, classifier)).toThrow(/topK/)
  })
})

describe('text lines', () => {
  const model = build('graph (x: f32[N,3,48,W]) -> (y) { y = Identity(x) }', { meta: { character: 'a\nb\nc\n' } })
  const symbols = ['', 'a', 'b', 'c', ' ']
  const line = (steps: string) => {
    const data = [...steps].flatMap(s => symbols.map((_, i) => (i === '-abc_'.indexOf(s) ? 1 : 0)))
    return { y: floats([1, steps.length, 5], data) }
  }
  const task = taskFor({}, model)!

  test('repeats are joined, blanks dropped, a blank between keeps both, the space is last', () => {
    expect(task.answer(line('-aa-ab_bbc-'))).toBe('aab bc')
  })

  test('spaces are ignored unless asked for; characters count by edit distance', () => {
    expect(task.score(line('ab_c'), 'abc', {})).toEqual({ value: 1, top5: null, detail: 1 })
    expect(task.score(line('ab-b'), 'abc', {})).toEqual({ value: 0, top5: null, detail: 1 - 1 / 3 })
    const strict = taskFor({ task: { kind: 'ctc', ignoreSpaces: false } }, model)!
    expect(strict.score(line('ab_c'), 'abc', {}).value).toBe(0)
  })

  test('a list of characters that does not fit the model is an error', () => {
    const other = taskFor({ task: { kind: 'ctc', characters: 'xy' } }, model)!
    expect(() => other.answer(line('a'))).toThrow(/5 symbols apart, but 2 characters/)
  })
})

test('embeddings are held against the float model by their cosine', () => {
  const task = taskFor({ task: { kind: 'embed' } }, classifier)!
  expect(task.score(scores(1, 0), 0, scores(1, 1)).value).toBeCloseTo(Math.SQRT1_2, 12)
})

test('labelled embeddings are judged by whether the nearest of the others has the same label', () => {
  const task = taskFor({ task: { kind: 'embed' } }, classifier)!
  const accuracy = pairedAccuracy(task, 1, 0)
  // Two of each label; the second model turns one vector towards the others. A label that stands alone counts for nothing.
  const given: [number[], number[], string][] = [
    [[1, 0], [1, 0], 'a'],
    [[1, 0.1], [0.3, 1], 'a'],
    [[0, 1], [0, 1], 'b'],
    [[0.1, 1], [0.1, 1], 'b'],
    [[-1, -1], [-1, -1], 'alone'],
  ]
  for (const [float, other, label] of given) accuracy.add(scores(...float), [scores(...other)], label)
  const { reference, others } = accuracy.result()
  expect(reference).toMatchObject({ metric: 'recall@1', value: 100, samples: 5 })
  expect(others[0]!.value).toBe(75)
  const agreeing = task.agreeing()
  for (const [float, other] of given) agreeing.add(scores(...float), scores(...other))
  expect(agreeing.result()!.details[0].value).toBeCloseTo(0.4 / Math.sqrt(1.01 * 1.09), 6)
})

test('a model with several outputs has no task that could be guessed', () => {
  const two = build('graph (x: f32[1,4]) -> (y: f32[1,4], z: f32[1,4]) { y = Relu(x)\n z = Neg(x) }')
  expect(taskFor({}, two)).toBeNull()
})

describe('paired accuracy', () => {
  const task = taskFor({}, classifier)!
  const right = scores(0, 1, 0, 0, 0, 0)
  const wrong = scores(1, 0, 0, 0, 0, 0)

  test('counts, intervals and the paired difference of four samples, by hand', () => {
    const accuracy = pairedAccuracy(task, 1, 1)
    for (const [float, other] of [
      [right, right],
      [right, right],
      [right, wrong],
      [wrong, wrong],
    ])
      accuracy.add(float, [other], 0) // labelOffset 1: class 1
    const { reference, others } = accuracy.result()
    expect(reference).toMatchObject({ metric: 'top-1', value: 75, top1: 75, top5: 100, samples: 4, against: null })
    expect(others[0]).toMatchObject({ value: 50, top1: 50 })
    expect(others[0]?.against?.difference).toBe(-25)
    expect(others[0]?.against?.interval95.low).toBeLessThan(-25)
    expect(others[0]?.against?.words).toMatch(/4 samples are too few/)
  })

  test('without samples there is no figure', () => {
    expect(pairedAccuracy(task, 2, 0).result()).toEqual({ reference: null, others: [null, null] })
  })

  test('the words claim no more than the interval does', () => {
    expect(words(-1.2, { low: -2, high: -0.4 }, 800, 500)).toMatch(/^A loss of 1\.20 points/)
    expect(words(0.9, { low: 0.1, high: 1.7 }, 800, 500)).toMatch(/^A gain of 0\.90 points/)
    expect(words(-0.1, { low: -0.5, high: 0.3 }, 8000, 500)).toMatch(/^No difference of a point or more/)
    expect(words(0.4, { low: -0.1, high: 1.3 }, 1000, 500)).toMatch(/^No loss of a point or more/)
    expect(words(-0.2, { low: -1.6, high: 1.2 }, 100, 768)).toMatch(/100 samples are too few .* about 768 samples/)
  })
})
