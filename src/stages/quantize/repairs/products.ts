// The matrix products of a model that repairs work on: a two-dimensional constant weight, an input of K channels along its last axis.
import { readFloats } from '../../../ir/bytes.ts'
import type { Bytes } from '../../../ir/context.ts'
import { edit } from '../../../ir/edit.ts'
import { attrInt, type Graph, type Model, type Node, type ValueName } from '../../../ir/model.ts'
import { isSlice, type Tensor } from '../../../ir/tensor.ts'
import { weightOf } from '../../../ops/facts.ts'
import type { Choice } from '../choose.ts'

export interface Product {
  node: Node
  input: ValueName
  weight: ValueName
  inputs: number // K
  outputs: number // N
  /** The weight lies as [N, K]. */
  byRow: boolean
}

/** Those of a choice that get weights of few bits, in graph order. */
export function productsOf(graph: Graph, choice: Choice): Product[] {
  return graph.nodes.flatMap(node => {
    const taken = choice.weightOnly.has(node.id) || choice.chosen.get(node.id)?.rule.constantWeight
    return taken ? (productOf(node, graph) ?? []) : []
  })
}

function productOf(node: Node, graph: Graph): Product | null {
  if ((node.op !== 'MatMul' && node.op !== 'Gemm') || attrInt(node, 'transA', 0) !== 0) return null
  const weight = weightOf(node, graph)
  const input = node.inputs[0]
  const shape = weight && graph.values.get(weight.name)?.data?.shape
  if (!weight || !shape || shape.length !== 2 || weight.axis === null || input === null) return null
  const byRow = weight.axis === 0
  const [inputs, outputs] = byRow ? [shape[1], shape[0]] : shape
  return { node, input, weight: weight.name, inputs, outputs, byRow }
}

export async function floatsOf(model: Model, name: ValueName, bytes: Bytes): Promise<Float32Array> {
  return await readFloats(bytes, model.graph.values.get(name)!.data!)
}

/** The model with other numbers in some initializers. */
export function withConstants(model: Model, numbers: ReadonlyMap<ValueName, Float32Array>): Model {
  if (numbers.size === 0) return model
  const graph = edit(model.graph, e => {
    for (const [name, data] of numbers) {
      const value = e.value(name)!
      e.setValue({ ...value, data: withData(value.data!, data) })
    }
  })
  return { ...model, graph }
}

const withData = ({ shape, data }: Tensor, numbers: Float32Array): Tensor => ({
  dtype: 'float32',
  shape,
  data:
    !isSlice(data) && data.buffer === numbers.buffer
      ? data
      : new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength),
})
