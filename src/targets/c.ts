// Plain C99 for any processor with a compiler: the operators, roundings and fixed scales of TensorFlow Lite for Microcontrollers in eight
// bits, and no floats inside. What each kernel computes was held against the integer executor, code by code (test/exporters/c.test.ts).
import type { FormatName } from '../ir/format-names.ts'
import type { OpRule, Target } from '../ir/target.ts'
import { tflm } from './tflite.ts'

const activations: readonly FormatName[] = ['int8', 'uint8']

// Functions of one number, which are tables from code to code here.
const table = (op: string): OpRule => ({ op, kind: 'compute', inputs: [0], source: 'src/exporters/c/chains.ts' })
const tables = [
  ...['Clip', 'HardSigmoid', 'Elu', 'Exp', 'Sqrt', 'Abs', 'Neg', 'Floor', 'Ceil'].map(table),
  { ...table('Div'), constantNumber: true },
]

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
  lower: tflm.lower!.filter(pass => pass !== 'decompose-hard-sigmoid'), // a table here
  quant: {
    ...tflm.quant,
    ops: [...tflm.quant.ops, ...tables],
    activations: { formats: activations, integer: activations, signed: true, symmetric: false },
    weights: { ...tflm.quant.weights, formats: tflm.quant.weights.integer },
  },
  sources: ['ISO/IEC 9899:1999', ...tflm.sources],
}
