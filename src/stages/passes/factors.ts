// A tree of multiplications as what it multiplies: x * 0.5 * (1 + y), however it is nested, has the factors x, 1 + y and the number 0.5.
import type { Editor } from '../../ir/edit.ts'
import type { Node, ValueName } from '../../ir/model.ts'
import { scalarOf } from './constant.ts'
import { isOp, onlyReader } from './rule.ts'

export interface Product {
  values: ValueName[]
  number: number
  nodes: Node[]
}

/** Mul nodes, and Div by a number, from `root` upward, through results that nothing else reads. */
export function productOf(e: Editor, root: Node): Product {
  const product: Product = { values: [], number: 1, nodes: [] }
  const visit = (node: Node): void => {
    product.nodes.push(node)
    for (const [i, name] of node.inputs.entries()) {
      if (name === null) continue
      const number = scalarOf(e, name)
      const before = e.producer(name)
      if (number !== null) product.number *= node.op === 'Div' && i === 1 ? 1 / number : number
      else if (isFactor(e, before) && onlyReader(e, name)) visit(before)
      else product.values.push(name)
    }
  }
  visit(root)
  return product
}

/** A node that `productOf` sees through. */
export const isFactor = (e: Editor, node: Node | null): node is Node =>
  node !== null &&
  (isOp(node, 'Mul') ||
    (isOp(node, 'Div') && scalarOf(e, node.inputs[1]) !== null && scalarOf(e, node.inputs[0]) === null))

/** Equal as constants that went through float32 are. */
export const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-5 * Math.abs(b)

/** The operand of a binary node beside the number `wanted`; null where it has no such. */
export function beside(e: Editor, node: Node, wanted: number): ValueName | null {
  for (const i of [0, 1]) {
    const number = scalarOf(e, node.inputs[1 - i])
    if (number !== null && near(number, wanted)) return node.inputs[i]
  }
  return null
}
