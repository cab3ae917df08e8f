// Puts the factors of layers in their places: the last keeps the layer's name and output, those before it are new.
import { bytesOf } from '../../base/dtype.ts'
import { edit } from '../../ir/edit.ts'
import { type Attr, int, type Model, type Node } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'
import { infer } from '../../ops/infer.ts'
import type { Factor, Method, Prepared, Ranks } from './types.ts'

/** The model with these ranks; null leaves a layer whole. */
export function withRanks(
  model: Model,
  prepared: readonly Prepared[],
  ranks: readonly (Ranks | null)[],
  method: Method,
): Model {
  const graph = edit(model.graph, editor => {
    for (const [k, { layer, splits }] of prepared.entries()) {
      const own = ranks[k]
      if (own === null) continue
      const factors = method.factors(layer, splits, own)
      const { node, weight } = layer
      let read = node.inputs[0]
      for (const [i, factor] of factors.entries()) {
        const attrs = attrsOf(node, factor)
        const wish = `${weight}_${i + 1}`
        const name = editor.addInitializer(wish, tensorOf(node, factor))
        if (i === factors.length - 1) {
          const inputs = [...node.inputs]
          inputs[0] = read
          inputs[1] = name
          editor.updateNode(node.id, { inputs, attrs })
          break
        }
        const made = editor.freshName(`${node.outputs[0]}_${i + 1}`)
        const { op, domain, origin } = node
        editor.addNode({
          op,
          domain,
          name: `${node.id}_${i + 1}`,
          inputs: [read, name],
          outputs: [made],
          attrs,
          origin,
        })
        read = made
      }
      if (editor.consumers(weight).length === 0 && !editor.isOutput(weight)) editor.dropValue(weight)
    }
  })
  return infer({ ...model, graph })
}

function attrsOf(node: Node, { attrs }: Factor): Map<string, Attr> {
  const all = new Map(node.attrs)
  for (const [key, attr] of Object.entries(attrs))
    if (attr) all.set(key, attr)
    else all.delete(key)
  if (node.op === 'Gemm') all.set('transB', int(1))
  return all
}

/** As the operator takes it: a MatMul's matrix stands the other way round. */
function tensorOf({ op }: Node, { weight: { shape, data } }: Factor): Tensor {
  if (op !== 'MatMul') return { dtype: 'float32', shape, data: bytesOf(data) }
  const [rows, columns] = shape
  const turned = new Float32Array(data.length)
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) turned[j * rows + i] = data[i * columns + j]
  return { dtype: 'float32', shape: [columns, rows], data: bytesOf(turned) }
}
