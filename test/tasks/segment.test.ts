import { describe, expect, test } from 'vitest'
import { floats } from '../../src/ir/tensor.ts'
import { pairedAccuracy, proposedTask, taskFor } from '../../src/tasks/index.ts'
import type { Mask } from '../../src/tasks/types.ts'
import { build } from '../build.ts'

/** Scores [1, classes, 8, 8] by which each pixel is of the class that `of` says. */
const scores = (classes: number, of: (x: number, y: number) => number) => {
  const data = new Float32Array(classes * 64)
  for (let i = 0; i < 64; i++) data[of(i % 8, i >> 3) * 64 + i] = 1
  return { y: floats([1, classes, 8, 8], [...data]) }
}
const mask = (size: number, of: (x: number, y: number) => number): Mask => ({
  kind: 'mask',
  width: size,
  height: size,
  classes: Uint8Array.from({ length: size * size }, (_, i) => of(i % size, Math.floor(i / size))),
})

const model = build('graph (x: f32[1,3,16,16]) -> (y: f32[1,4,8,8]) { y = Identity(x) }')
const task = taskFor({}, model)!

describe('segmentation', () => {
  test('is proposed of maps of classes that fit the picture; of one map where it is decided by a sigmoid; never of colours', () => {
    expect(proposedTask(model)).toEqual({ kind: 'segment', output: 'y', layout: 'first' })
    const last = build('graph (x: f32[1,16,16,3]) -> (y: f32[1,16,16,21]) { y = Identity(x) }')
    expect(proposedTask(last)).toMatchObject({ kind: 'segment', layout: 'last' })
    const one = (op: string) => build(`graph (x: f32[1,3,16,16]) -> (y: f32[1,1,16,16]) { y = ${op}(x) }`)
    expect(proposedTask(one('Sigmoid'))).toMatchObject({ kind: 'segment' })
    expect(proposedTask(one('Relu'))).toBeNull()
    expect(proposedTask(build('graph (x: f32[1,3,8,8]) -> (y: f32[1,3,16,16]) { y = Relu(x) }'))).toBeNull()
  })
  test('mean IoU is over the set and the classes that occur, by hand', () => {
    const accuracy = pairedAccuracy(task, 1, 0)
    const label = mask(16, x => (x < 8 ? 0 : 2))
    const exact = scores(4, x => (x < 4 ? 0 : 2))
    const late = scores(4, x => (x < 6 ? 0 : 2)) // of 8 columns 2 are wrong: 4 of 6 for class 0, 2 of 4 for class 2
    accuracy.add(exact, [late], label)
    accuracy.add(exact, [exact], label)
    const { reference, others } = accuracy.result()
    expect(reference).toMatchObject({ metric: 'mean IoU of classes', value: 100, detail: { value: 100 } })
    expect(others[0]!.value).toBeCloseTo((100 * (8 / 10 + 6 / 8)) / 2, 9)
    expect(others[0]!.detail!.value).toBeCloseTo((100 * 14) / 16, 9)
  })
  test('pixels without a label count for nothing', () => {
    const label = mask(16, x => (x < 8 ? 0 : x < 12 ? 255 : 2))
    expect(
      task.score(
        scores(4, x => (x < 6 ? 0 : 2)),
        label,
        {},
      ).value,
    ).toBe(1)
  })
  test('one map is set from its threshold on; masks of black and white fit it', () => {
    const one = build('graph (x: f32[1,3,8,8]) -> (y: f32[1,1,8,8]) { y = Sigmoid(x) }')
    const binary = taskFor({}, one)!
    const y = floats(
      [1, 1, 8, 8],
      Array.from({ length: 64 }, (_, i) => (i % 8 < 4 ? 0.6 : 0.4)),
    )
    expect(
      binary.score(
        { y },
        mask(8, x => (x < 4 ? 255 : 0)),
        {},
      ).value,
    ).toBe(1)
    const strict = taskFor({ task: { kind: 'segment', threshold: 0.7 } }, one)!
    expect((strict.answer({ y }) as Mask).classes.every(c => c === 0)).toBe(true)
  })
  test('a class that the model does not know is an error', () => {
    expect(() =>
      task.score(
        scores(4, () => 0),
        mask(16, () => 9),
        {},
      ),
    ).toThrow(/class 9, which is none of the model's 4/)
    expect(() =>
      task.score(
        scores(4, () => 0),
        3,
        {},
      ),
    ).toThrow(/gives each pixel a class/)
  })
  test('beside the original it counts the pixels of the same class', () => {
    const agreeing = task.agreeing()
    agreeing.add(
      scores(4, x => (x < 4 ? 0 : 2)),
      scores(4, x => (x < 6 ? 0 : 2)),
    )
    expect(agreeing.result()!.value).toBe(75)
    expect(agreeing.result()!.details[0].value).toBeCloseTo((100 * (4 / 6 + 2 / 4)) / 2, 9)
  })
})
