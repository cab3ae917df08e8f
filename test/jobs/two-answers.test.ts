// What two models answer is judged by their task, not by the letters of the label.
import { expect, test } from 'vitest'
import { parseModel } from '../../src/ir/parse.ts'
import { floats } from '../../src/ir/tensor.ts'
import { twoAnswers } from '../../src/jobs/two-answers.ts'
import { taskFor } from '../../src/tasks/index.ts'

const model = parseModel('graph (x: f32[N,3]) -> (y: f32[N,3]) { y = Relu(x) }')
const task = taskFor({ task: { kind: 'classify' } }, model)!
const scores = (...values: number[]) => ({ y: floats([1, 3], Float32Array.from(values)) })

test('the label offset is added before it is compared', () => {
  expect(twoAnswers(task, [scores(0, 9, 1), scores(8, 2, 1)], 0, 1)).toEqual({
    label: 1,
    before: 1,
    after: 0,
    alike: 0,
    right: { before: true, after: false },
    misfit: null,
  })
})

test('without a label nothing is right or wrong', () => {
  expect(twoAnswers(task, [scores(0, 9, 1), scores(0, 9, 1)], null, 1)).toMatchObject({ right: null, misfit: null })
})

test('a label of another model leaves the answers, and says why it judges nothing', () => {
  const said = twoAnswers(task, [scores(0, 9, 1), scores(8, 2, 1)], 7, 0)
  expect(said).toMatchObject({ before: 1, after: 0, right: null })
  expect(said.misfit).toMatch(/7/)
})
