// QuantizeLinear and DequantizeLinear of values that are computed: operations of their own, from iOS 17 on.

import type { MilDType } from '../../formats/coreml.ts'
import { attrInt } from '../../ir/model.ts'
import type { Lowering, NodeWriter } from './node.ts'
import { type Argument, int, word } from './program.ts'
import { unpackedConstant } from './weights.ts'

function parameters(n: NodeWriter, codes: MilDType, real: MilDType): Record<string, Argument> {
  const scale = n.must(1, 'scale')
  const zeros = n.has(2) ? n.must(2, 'zero point') : [0]
  if (attrInt(n.node, 'block_size', 0) !== 0) n.refuse('it has a scale for each block')
  if (zeros.length !== scale.length && zeros.length !== 1) n.refuse('it has not a zero point for each scale')
  const single = scale.length === 1
  const shape = single ? [] : [scale.length]
  return {
    zero_point: { dtype: codes, shape, values: scale.map((_, i) => zeros[i % zeros.length]) },
    scale: { dtype: real, shape, values: scale },
    axis: single ? null : int(n.axis(n.int('axis', 1))),
  }
}

const quantize: Lowering = n => {
  const given = n.tensor(2)?.dtype ?? 'uint8'
  const codes = given === 'int8' || given === 'uint8' ? given : n.refuse(`it quantises to ${given}`)
  n.writing.program.needs(8)
  const input = n.val(0)
  n.give('quantize', { input, ...parameters(n, codes, input.dtype), output_dtype: word(codes) })
}

const dequantize: Lowering = n => {
  const constant = unpackedConstant(n.node, n.writing)
  if (constant) return n.set(constant)
  const input = n.val(0)
  if (input.dtype === 'float16' || input.dtype === 'float32') return ofPixels(n)
  if (input.dtype !== 'int8' && input.dtype !== 'uint8') n.refuse(`its codes are of ${input.dtype}`)
  n.writing.program.needs(8)
  n.give('dequantize', { input, ...parameters(n, input.dtype, n.outType()) })
}

/** Pixels of an image are codes that are floats already. */
function ofPixels(n: NodeWriter): void {
  const scale = n.must(1, 'scale')
  const zeros = n.has(2) ? n.must(2, 'zero point') : [0]
  if (scale.length !== 1) n.refuse('it has a scale for each channel')
  const x = zeros[0] === 0 ? n.val(0) : n.step('sub', { x: n.val(0), y: n.real(zeros[0]) }, n.shape(0))
  n.give('mul', { x, y: n.real(scale[0]) })
}

export const pairs: Readonly<Record<string, Lowering>> = { DequantizeLinear: dequantize, QuantizeLinear: quantize }
