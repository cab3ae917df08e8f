// Constant nodes become initializers of the same name, so that every later pass finds constants in one place.
import { type Attr, attrTensor, type Node } from '../../ir/model.ts'
import { floats, int64s, type Tensor, tensorOf } from '../../ir/tensor.ts'
import { isOp, kept, rule } from './rule.ts'

export const constantsToInitializers = rule({
  id: 'constants-to-initializers',
  label: 'Turn Constant nodes into initializers',
  level: 'exact',
  find(node, e) {
    if (!isOp(node, 'Constant')) return null
    const name = node.outputs[0]
    if (name === null) return null
    if (e.isOutput(name)) return kept(`${name} is an output of the graph`)
    const tensor = constantOf(node)
    if (!tensor) return kept('a text or sparse constant has no initializer form')
    return {
      apply() {
        const value = e.value(name)
        e.removeNode(node.id)
        e.setValue({ ...value, name, dtype: tensor.dtype, shape: tensor.shape, data: tensor })
        return `became the initializer ${name}`
      },
    }
  },
})

function constantOf(node: Node): Tensor | null {
  const of = <K extends Attr['kind']>(name: string, kind: K): Extract<Attr, { kind: K }> | null => {
    const attr = node.attrs.get(name)
    return attr?.kind === kind ? (attr as Extract<Attr, { kind: K }>) : null
  }
  const tensor = attrTensor(node, 'value')
  if (tensor) return tensor
  const one = of('value_float', 'float')
  if (one) return tensorOf(floats([], [one.value]))
  const many = of('value_floats', 'floats')
  if (many) return tensorOf(floats([many.value.length], many.value))
  const integer = of('value_int', 'int')
  if (integer) return int64s([integer.value], [])
  const integers = of('value_ints', 'ints')
  return integers ? int64s(integers.value) : null
}
