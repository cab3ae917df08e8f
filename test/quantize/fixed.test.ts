// Outputs of fixed scale, with TensorFlow Lite's numbers: https://ai.google.dev/edge/litert/models/quantization_spec (8 bits).
import { describe, expect, test } from 'vitest'
import { parseGraph } from '../../src/ir/parse.ts'
import type { FixedOutput, Target } from '../../src/ir/target.ts'
import { fixedOutputs } from '../../src/stages/quantize/fixed.ts'
import { onnxruntime } from '../../src/targets/onnxruntime.ts'

const source = 'https://ai.google.dev/edge/litert/models/quantization_spec'
const fixed: FixedOutput[] = [
  { op: 'Softmax', bits: 8, scale: 1 / 256, zeroPoint: -128, source },
  { op: 'Sigmoid', bits: 8, scale: 1 / 256, zeroPoint: -128, source },
  { op: 'Tanh', bits: 8, scale: 1 / 128, zeroPoint: 0, source },
  { op: 'Tanh', bits: 16, scale: 1 / 32768, zeroPoint: 0, source },
]
const lite: Target = { ...onnxruntime, quant: { ...onnxruntime.quant, fixed } }
const graph = parseGraph(`graph (x: f32[1,4]) -> (d) {
  a = Tanh(x)
  b = Sigmoid(a)
  c = Relu(b)
  d = Softmax(c)
}`)

describe('outputs of fixed scale', () => {
  test('are those that the target lists, in that number of bits', () => {
    expect([...fixedOutputs(graph, lite, 8)]).toEqual([
      ['a', { scale: 1 / 128, zeroPoint: 0 }],
      ['b', { scale: 1 / 256, zeroPoint: -128 }],
      ['d', { scale: 1 / 256, zeroPoint: -128 }],
    ])
    expect([...fixedOutputs(graph, lite, 16)]).toEqual([['a', { scale: 1 / 32768, zeroPoint: 0 }]])
  })
  test('ONNX Runtime has none', () => {
    expect(fixedOutputs(graph, onnxruntime, 8).size).toBe(0)
  })
})
