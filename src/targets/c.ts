// Plain C99 for any processor with a compiler: the operators, roundings and fixed scales of TensorFlow Lite for Microcontrollers in eight
// bits, and no floats inside. What each kernel computes was held against the integer executor, code by code (test/exporters/c.test.ts).
import type { FormatName } from '../ir/format-names.ts'
import type { Target } from '../ir/target.ts'
import { tflm } from './tflite.ts'

const activations: readonly FormatName[] = ['int8', 'uint8']
const weights: readonly FormatName[] = [...tflm.quant.weights.integer, 'int2', 'uint2']

export const c: Target = {
  ...tflm,
  id: 'c',
  vendor: 'ISO',
  label: 'C99 source',
  exporter: 'c',
  forms: [{ id: 'int8', holds: 'quantised', activations: 'int8' }],
  version: 'C99',
  preview: 'tflm',
  integersOnly: true,
  quant: {
    ...tflm.quant,
    activations: { formats: activations, integer: activations, signed: true, symmetric: false },
    weights: { ...tflm.quant.weights, formats: weights, integer: weights },
  },
  // Files hold no operators of the graph's, so that any version will do that has a type for the codes.
  limits: { ...tflm.limits, opset: { min: 13, max: 26 } },
  sources: ['ISO/IEC 9899:1999', ...tflm.sources],
}
