// Nodes that give their input back, to the bit: Identity, Dropout in inference, casts to the same type, reshapes to the same shape,
// transposes that move nothing, empty Pads, whole Slices, Concat and Sum of one, x * 1, x / 1, x - 0, x + (-0).
// Not x + 0, which turns -0 into 0, nor x * 0 or x - x, which hide NaN.
import { type DType, dtypeOfOnnx, isFloat } from '../../base/dtype.ts'
import type { Editor } from '../../ir/edit.ts'
import { attrInt, attrInts, type Node, type ValueName } from '../../ir/model.ts'
import { intsOf, numbersOf, splitConstant } from './constant.ts'
import { isFixed, rankOf, sameShape, shapeOf } from './known-shape.ts'
import { bypass, canBypass, type Kept, kept, rule } from './rule.ts'
import { sliceOf, toTheEnd } from './slice.ts'

export const eliminateIdentity = rule({
  id: 'eliminate-identity',
  label: 'Remove nodes that change nothing',
  level: 'exact',
  find(node, e, opset) {
    if (node.domain !== '' && node.domain !== 'ai.onnx') return null
    const why = Object.hasOwn(sameAs, node.op) ? sameAs[node.op](node, e, opset) : null
    if (why === null) return null
    if (typeof why !== 'string') return why
    const output = node.outputs[0]
    const source = arithmetic.has(node.op) ? splitConstant(e, node)!.x : node.inputs[0]
    if (output === null || source === null) return null
    if (node.outputs.slice(1).some(name => name !== null && (e.isOutput(name) || e.consumers(name).length > 0)))
      return kept('its second output is used')
    if (!canBypass(e, output, source)) return kept(`it gives ${source} the name of the graph output ${output}`)
    return {
      apply() {
        bypass(e, node, output, source)
        return why
      },
    }
  },
})

const arithmetic = new Set(['Add', 'Sub', 'Mul', 'Div', 'Pow'])

/** In which words a node changes nothing; null: it does. */
type Test = (node: Node, e: Editor, opset: number) => string | Kept | null

const dtypeOf = (e: Editor, name: ValueName | null): DType | null =>
  name === null ? null : (e.value(name)?.dtype ?? null)

const keepsShape: Test = (node, e) =>
  sameShape(shapeOf(e, node.inputs[0]), shapeOf(e, node.outputs[0])) ? `${node.op} to the same shape` : null

const ofOne: Test = node => (node.inputs.length === 1 ? `${node.op} of one value` : null)

/** With a constant operand that changes no number, broadcast to no larger shape. */
const neutral =
  (side: 'both' | 'second', isNeutral: (value: number, float: boolean) => boolean): Test =>
  (node, e, opset) => {
    const operands = splitConstant(e, node)
    if (!operands || opset < 7 || (side === 'second' && operands.first)) return null
    const values = numbersOf(e, operands.constant)
    if (!values || values.length === 0) return null
    const float = isFloat(e.constant(operands.constant)!.dtype)
    if (!values.every(v => isNeutral(v, float)))
      return node.op === 'Add' && values.every(v => v === 0) ? kept('x + 0 is not x where x is -0') : null
    const rank = rankOf(e, operands.x)
    const ones = e.constant(operands.constant)!.shape.every(dim => dim === 1)
    const fits = rank !== null && ones && e.constant(operands.constant)!.shape.length <= rank
    if (!fits && !sameShape(shapeOf(e, operands.x), shapeOf(e, node.outputs[0]))) return null
    return `${node.op} with ${values[0]}`
  }

const sameAs: Record<string, Test> = {
  Identity: () => 'Identity',
  Dropout(node, e, opset) {
    if (opset < 7) return attrInt(node, 'is_test', 0) ? 'Dropout in inference' : null
    const training = node.inputs[2] ?? null
    if (opset >= 12 && training !== null && numbersOf(e, training)?.[0] !== 0) return kept('it may be in training mode')
    return 'Dropout in inference'
  },
  Cast(node, e) {
    const to = dtypeOfOnnx(attrInt(node, 'to', 0))
    return to !== null && dtypeOf(e, node.inputs[0]) === to ? `Cast of ${to} to ${to}` : null
  },
  CastLike(node, e) {
    const from = dtypeOf(e, node.inputs[0])
    return from !== null && from === dtypeOf(e, node.inputs[1]) ? `Cast of ${from} to ${from}` : null
  },
  Reshape(node, e, opset) {
    const target = opset < 5 ? attrInts(node, 'shape') : intsOf(e, node.inputs[1])
    const rank = rankOf(e, node.inputs[0])
    const copies = target !== null && target.length === rank && target.every(dim => dim === 0)
    if (copies && attrInt(node, 'allowzero', 0) === 0) return 'Reshape to the same shape'
    return keepsShape(node, e, opset)
  },
  Flatten: keepsShape,
  Squeeze: keepsShape,
  Unsqueeze: keepsShape,
  Expand: keepsShape,
  Tile: (node, e) => (intsOf(e, node.inputs[1])?.every(n => n === 1) ? 'Tile once' : null),
  Transpose(node) {
    return attrInts(node, 'perm')?.every((axis, i) => axis === i) ? 'Transpose that moves nothing' : null
  },
  Pad(node, e, opset) {
    const pads = opset < 11 ? (attrInts(node, 'pads') ?? attrInts(node, 'paddings')) : intsOf(e, node.inputs[1])
    return pads?.every(n => n === 0) ? 'Pad by nothing' : null
  },
  Slice(node, e, opset) {
    const slice = sliceOf(node, e, opset)
    const shape = shapeOf(e, node.inputs[0])
    if (!slice) return null
    const whole = slice.starts.every((start, i) => {
      if (start !== 0 || slice.steps[i] !== 1) return false
      const dim = shape?.at(slice.axes[i])
      return slice.ends[i] >= toTheEnd || (typeof dim === 'number' && slice.ends[i] >= dim)
    })
    return whole ? 'Slice of the whole' : null
  },
  Concat: ofOne,
  Sum: ofOne,
  Max: ofOne,
  Min: ofOne,
  Mean: ofOne,
  Split(node, e) {
    return node.outputs.length === 1 && isFixed(shapeOf(e, node.inputs[0])) ? keepsShape(node, e, 0) : null
  },
  Mul: neutral('both', v => v === 1),
  Div: neutral('second', v => v === 1),
  Pow: neutral('second', v => v === 1),
  Sub: neutral('second', v => Object.is(v, 0)),
  Add: neutral('both', (v, float) => Object.is(v, float ? -0 : 0)),
}
