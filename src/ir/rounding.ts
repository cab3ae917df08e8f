// A value put through a number format and back, as nodes of the graph: a QuantizeLinear/DequantizeLinear pair, two Casts, or a call of
// one of our functions (level-functions.ts).
import { bitsOf, onnxCode } from '../base/dtype.ts'
import { powerOfTwo } from '../base/math.ts'
import type { Editor } from './edit.ts'
import { ownDomain } from './level-functions.ts'
import { levelsOf } from './levels.ts'
import { type Attr, int, type ValueName } from './model.ts'
import { bitsOfNumber, codesOf, containerOf, isInt } from './number-format.ts'
import type { QuantParams } from './quant.ts'
import { floats, packed, type Tensor, tensorOf } from './tensor.ts'

/** Adds the nodes that put `source` through a format, behind which it is `output`; constants are named after `name`. */
export function addRounding(
  editor: Editor,
  name: ValueName,
  source: ValueName,
  output: ValueName,
  params: QuantParams,
  origin: readonly string[],
): void {
  const { format } = params.spec
  const constant = (part: string, tensor: Tensor): ValueName => editor.addInitializer(`${name}_${part}`, tensor)
  const add = (
    op: string,
    inputs: ValueName[],
    outputs: ValueName[],
    attrs: [string, Attr][] = [],
    domain = '',
  ): void => {
    editor.addNode({ op, domain, name: '', inputs, outputs, attrs, origin })
  }
  if (format.kind === 'half') {
    const code = editor.freshName(`${name}_q`)
    add('Cast', [source], [code], [['to', int(onnxCode(format.name))]])
    add('Cast', [code], [output], [['to', int(onnxCode('float32'))]])
    return
  }
  const scale = constant('scale', tensorOf(floats([], params.scale)))
  if (format.kind === 'float8') {
    // Not QuantizeLinear: before one with a zero point of 0 the runtime leaves a Relu out, whatever the type.
    const [units, code, back] = ['units', 'q', 'back'].map(part => editor.freshName(`${name}_${part}`))
    add('Div', [source, scale], [units])
    add('Cast', [units], [code], [['to', int(onnxCode(format.name))]])
    add('Cast', [code], [back], [['to', int(onnxCode('float32'))]])
    add('Mul', [back, scale], [output])
    return
  }
  if (format.kind === 'levels') {
    const { table, bits, scalesPerOctave } = levelsOf(format.name)
    const positive = table.subarray(0, table.length / 2)
    const offset = powerOfTwo(bits - 1) - 1
    const parts = [
      constant('levels', tensorOf(floats([positive.length], positive))),
      constant('cuts', tensorOf(floats([2], [positive[0] / 2, positive[1] / 2]))),
      constant('offset', tensorOf(floats([], [offset]))),
      constant('per_ln', tensorOf(floats([], [scalesPerOctave! * Math.LOG2E]))),
    ]
    add('RoundToLog', [source, scale, ...parts], [output], [], ownDomain)
    return
  }
  // Integer kernels know activations of 8 and 16 bits; with others the runtime would build one that it does not have.
  const container = isInt(format) && format.bits < 8 ? containerOf({ ...format, bits: 8 }) : containerOf(format)
  const zero = constant('zero', packed(container, [], params.zeroPoint))
  const code = editor.freshName(`${name}_q`)
  let from = source
  if (isInt(format) && bitsOfNumber(format) !== bitsOf(container)) {
    // No type has so few bits: what lies beyond the codes is cut off before.
    const { qmin, qmax } = codesOf(format, params.spec.restricted)
    const bound = (q: number): Tensor =>
      tensorOf(floats([], [Math.fround((q - params.zeroPoint[0]) * params.scale[0])]))
    from = editor.freshName(`${name}_clipped`)
    add('Clip', [source, constant('low', bound(qmin)), constant('high', bound(qmax))], [from])
  } else if (isInt(format) && format.signed && params.spec.restricted && editor.producer(source)?.op !== 'Relu') {
    // QuantizeLinear has one code more below than the target.
    from = editor.freshName(`${name}_clipped`)
    const low = Math.fround((codesOf(format, true).qmin - params.zeroPoint[0]) * params.scale[0])
    add('Clip', [source, constant('low', tensorOf(floats([], [low])))], [from])
  }
  add('QuantizeLinear', [from, scale, zero], [code])
  add('DequantizeLinear', [code, scale, zero], [output])
}
