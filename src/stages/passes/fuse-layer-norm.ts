// Layer normalisation (Ba, Kiros, Hinton 2016) over the last axes, which became an operator in opset 17:
//   d = x - mean(x)      y = d / sqrt(mean(d^2) + eps) * gamma + beta
import type { Editor } from '../../ir/edit.ts'
import { attrInt, attrInts, float, int, type Node, type ValueName } from '../../ir/model.ts'
import { intsOf, scalarOf, splitConstant } from './constant.ts'
import { rankOf } from './known-shape.ts'
import { isOp, kept, onlyReader, originOf, rule, sharedBecause } from './rule.ts'

export const fuseLayerNorm = rule({
  id: 'fuse-layer-norm',
  label: 'Recognise LayerNormalization',
  level: 'close',
  find(node, e, opset) {
    const core = isOp(node, 'Div') ? normalised(node, e, opset) : null
    if (!core) return null
    if (opset < 17) return kept(`opset ${opset} has no LayerNormalization; it came with 17`)
    const mul = onlyReader(e, node.outputs[0])
    const gamma = isOp(mul, 'Mul') ? splitConstant(e, mul)?.constant : undefined
    if (!mul || gamma === undefined) return kept('no multiplication by a constant scale follows')
    const size = e.constant(gamma)!.shape
    const { axes } = core
    if (size.length !== axes.length) return kept('the scale does not have the shape of what is normalised')
    if (
      core.nodes.some(n => n !== core.centred && sharedBecause(e, n.outputs[0]!)) ||
      e.isOutput(core.centred.outputs[0]!)
    )
      return kept('a part of it is used elsewhere')
    const add = onlyReader(e, mul.outputs[0])
    const offset = isOp(add, 'Add') ? splitConstant(e, add)?.constant : undefined
    const beta = offset !== undefined && e.constant(offset)!.shape.join() === size.join() ? offset : null
    const last = beta === null ? mul : add!
    return {
      apply() {
        const nodes = beta === null ? [...core.nodes, node, mul] : [...core.nodes, node, mul, add!]
        e.updateNode(last.id, {
          op: 'LayerNormalization',
          inputs: beta === null ? [core.x, gamma] : [core.x, gamma, beta],
          attrs: new Map([
            ['axis', int(-axes.length)],
            ['epsilon', float(core.epsilon)],
          ]),
          origin: originOf(...nodes),
        })
        e.removeNode(node.id)
        if (beta !== null) e.removeNode(mul.id)
        return `became LayerNormalization, with ${nodes.length - 1} nodes around it`
      },
    }
  },
})

interface Core {
  x: ValueName
  axes: number[] // counted from the end
  epsilon: number
  nodes: Node[] // all before the division
  centred: Node // read by the square and by the division
}

/** The part up to `div`, which divides the centred values by their deviation. */
function normalised(div: Node, e: Editor, opset: number): Core | null {
  const maker = (name: ValueName | null | undefined, ...ops: string[]): Node | null => {
    const node = name == null ? null : e.producer(name)
    return isOp(node, ...ops) ? node : null
  }
  const centred = maker(div.inputs[0], 'Sub')
  const root = maker(div.inputs[1], 'Sqrt')
  const sum = maker(root?.inputs[0], 'Add')
  const operands = sum && splitConstant(e, sum)
  const epsilon = operands && scalarOf(e, operands.constant)
  const variance = maker(operands?.x, 'ReduceMean')
  const square = maker(variance?.inputs[0], 'Pow', 'Mul')
  const mean = maker(centred?.inputs[1], 'ReduceMean')
  if (!centred || !root || !sum || epsilon === null || !variance || !square || !mean) return null
  const [x] = centred.inputs
  const d = centred.outputs[0]
  const squares =
    square.inputs[0] === d && (square.op === 'Mul' ? square.inputs[1] === d : scalarOf(e, square.inputs[1]) === 2)
  if (x === null || mean.inputs[0] !== x || !squares) return null
  const axes = lastAxes(mean, e, opset)
  if (!axes || axes.join() !== lastAxes(variance, e, opset)?.join()) return null
  const readers = e.consumers(d!)
  if (readers.some(n => n.id !== square.id && n.id !== div.id)) return null
  return { x, axes, epsilon, nodes: [mean, centred, square, variance, sum, root], centred }
}

/** The axes of a ReduceMean that keeps its dims, as -n ... -1; null where they are others. */
function lastAxes(mean: Node, e: Editor, opset: number): number[] | null {
  if (attrInt(mean, 'keepdims', 1) === 0) return null
  const given = opset >= 18 ? intsOf(e, mean.inputs[1] ?? null) : attrInts(mean, 'axes')
  const rank = rankOf(e, mean.inputs[0])
  if (!given || given.length === 0 || (rank === null && given.some(axis => axis >= 0))) return null
  const axes = given.map(axis => (axis >= 0 ? axis - rank! : axis)).sort((a, b) => a - b)
  return axes.every((axis, i) => axis === i - axes.length) ? axes : null
}
