// GELU (Hendrycks and Gimpel 2016), which became an operator in opset 20:
//   x/2 (1 + erf(x / sqrt 2))      or, approximated,      x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
import type { Editor } from '../../ir/edit.ts'
import { type Attr, type Node, string, type ValueName } from '../../ir/model.ts'
import { scalarOf } from './constant.ts'
import { beside, isFactor, near, productOf } from './factors.ts'
import { isOp, kept, onlyReader, originOf, rule } from './rule.ts'

export const fuseGelu = rule({
  id: 'fuse-gelu',
  label: 'Recognise GELU',
  level: 'close',
  find(node, e, opset) {
    if (!isFactor(e, node)) return null
    const { values, number, nodes } = productOf(e, node)
    if (values.length !== 2 || !near(number, 0.5)) return null
    for (const i of [0, 1]) {
      const x = values[i]
      const gate = gateOf(e, values[1 - i], x)
      if (!gate) continue
      if (opset < 20) return kept(`opset ${opset} has no Gelu; it came with 20`)
      if (gate.nodes.some(n => !onlyReader(e, n.outputs[0]))) return kept('a part of it is used elsewhere')
      const attrs: [string, Attr][] = gate.tanh ? [['approximate', string('tanh')]] : []
      return {
        apply() {
          const origin = originOf(...gate.nodes, ...nodes)
          e.updateNode(node.id, { op: 'Gelu', inputs: [x], attrs: new Map(attrs), origin })
          return `became Gelu, with ${gate.nodes.length + nodes.length - 1} nodes before it`
        },
      }
    }
    return null
  },
})

/** The nodes of 1 + erf(x / sqrt 2) or 1 + tanh(...); null where `name` is neither. */
function gateOf(e: Editor, name: ValueName, x: ValueName): { nodes: Node[]; tanh: boolean } | null {
  const add = e.producer(name)
  const inner = isOp(add, 'Add') ? beside(e, add, 1) : null
  const curve = inner === null ? null : e.producer(inner)
  const argument = isOp(curve, 'Erf', 'Tanh') && curve.inputs[0] !== null ? e.producer(curve.inputs[0]) : null
  if (!add || !curve || !argument || !isFactor(e, argument)) return null
  const { values, number, nodes } = productOf(e, argument)
  if (values.length !== 1) return null
  if (curve.op === 'Erf')
    return values[0] === x && near(number, Math.SQRT1_2) ? { nodes: [add, curve, ...nodes], tanh: false } : null
  const polynomial = e.producer(values[0])
  if (!isOp(polynomial, 'Add') || !near(number, 0.7978845608028654)) return null // sqrt(2 / pi)
  const cube = polynomial.inputs.find(n => n !== x)
  const cubeNode = cube && polynomial.inputs.includes(x) ? e.producer(cube) : null
  if (!isFactor(e, cubeNode)) return null
  const third = productOf(e, cubeNode)
  if (!near(third.number, 0.044715)) return null
  const power = e.producer(third.values[0])
  const isCube =
    (third.values.length === 3 && third.values.every(v => v === x)) ||
    (third.values.length === 1 && isOp(power, 'Pow') && power.inputs[0] === x && scalarOf(e, power.inputs[1]) === 3)
  if (!isCube) return null
  const parts = third.values.length === 1 ? [power!] : []
  return { nodes: [add, curve, ...nodes, polynomial, ...third.nodes, ...parts], tanh: true }
}
