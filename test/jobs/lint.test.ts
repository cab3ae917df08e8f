// What is said of a model before work: also of the forms of a target that it would not have by itself.
import { expect, test } from 'vitest'
import { createBytes } from '../../src/ir/bytes.ts'
import { lint } from '../../src/jobs/lint.ts'
import { build } from '../build.ts'
import { createTestContext } from '../runner.ts'

async function linted(text: string, target: string) {
  const imported = { model: build(text), name: 'm', format: 'onnx', bytes: 0, sources: new Map(), notes: [] }
  const ctx = { ...(await createTestContext(imported.sources)), bytes: createBytes(imported.sources) }
  return lint(imported, target, ctx)
}

test('forms for matrix products are refused where there is none, and no others', async () => {
  const convolution = 'graph (x: f32[1,3,8,8]) -> (y) { c = Conv(x, w: f32[4,3,3,3], b: f32[4]) y = Relu(c) }'
  const { findings } = await linted(convolution, 'onnxruntime')
  expect(findings.map(({ form, level, why }) => [form, level, why])).toEqual([
    ['nbits', 'refused', 'No layer can be written in the form nbits'],
    ['dynamic', 'refused', 'No layer can be written in the form dynamic'],
  ])
  const product = await linted('graph (x: f32[2,8]) -> (y) { y = MatMul(x, w: f32[8,4]) }', 'onnxruntime')
  expect(product.findings).toEqual([])
})
test('what is refused in every form is said once, of no form', async () => {
  const { findings } = await linted('graph (x: f32[4]) -> (y) { r = Reshape(x, i64[2]{2,2}) y = Det(r) }', 'tflite')
  expect(findings.filter(f => f.level === 'refused').map(({ op, form }) => [op, form])).toEqual([['Det', null]])
})
