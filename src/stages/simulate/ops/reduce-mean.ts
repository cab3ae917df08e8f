// ReduceMean over constant axes. https://onnx.ai/onnx/operators/onnx__ReduceMean.html
import { elementCount, viewAs } from '../../../base/dtype.ts'
import { attrInt, attrInts, type Model, type Node } from '../../../ir/model.ts'
import type { NdArray } from '../../../ir/tensor.ts'
import { codeArray } from '../constants.ts'
import { affineOf, type CodeArray, type IntegerOp } from '../types.ts'

export const reduceMean: IntegerOp = {
  types: ['ReduceMean'],
  data: [0],
  prepare: (unit, arithmetic, _, model) => inputs => {
    const { shape, data } = inputs[0]!
    const given = axesOf(unit.node, model)!
    const axes = new Set(given.length > 0 ? given.map(a => (a + shape.length) % shape.length) : shape.keys())
    const kept = shape.map((d, i) => (axes.has(i) ? 1 : d))
    const sums = new Float64Array(elementCount(kept))
    const x = data as CodeArray
    for (let i = 0; i < x.length; i++) {
      let [rest, to, stride] = [i, 0, 1]
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        if (!axes.has(axis)) to += (rest % shape[axis]) * stride
        rest = Math.floor(rest / shape[axis])
        stride *= kept[axis]
      }
      sums[to] += x[i] as number
    }
    const size = x.length / Math.max(1, sums.length)
    const mean = arithmetic.globalAverager!(affineOf(unit.inputs[0]!), unit.output.affine!, size)
    const y = codeArray(unit.output.dtype, sums.length)
    for (let i = 0; i < y.length; i++) y[i] = mean(sums[i])
    const out = attrInt(unit.node, 'keepdims', 1) === 1 ? kept : kept.filter((_, i) => !axes.has(i))
    return { dtype: unit.output.dtype, shape: out, data: y } as NdArray
  },
  refuses: ({ node }, model) => (axesOf(node, model) ? null : 'its axes are computed at run time'),
}

/** An attribute, or from opset 18 on an input; empty means all. */
function axesOf(node: Node, model: Model): number[] | null {
  const name = node.inputs[1]
  if (name == null) return attrInts(node, 'axes') ?? []
  const tensor = model.graph.inputs.includes(name) ? null : model.graph.values.get(name)?.data
  return tensor?.data instanceof Uint8Array
    ? Array.from(viewAs(tensor.dtype, tensor.data) as BigInt64Array, Number)
    : null
}
