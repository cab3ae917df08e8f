// What BatchNormalization says of its output: in inference y = gamma (x - mean) / sqrt(var + eps) + beta, and over the data that mean and var
// were taken from, channel c of y has mean beta[c] and standard deviation |gamma[c]|. Read from the model as imported: once it is
// folded into the layer before it, only the name of its output is left.
import { readFloats } from '../../ir/bytes.ts'
import type { Bytes } from '../../ir/context.ts'
import { attrTensor, type Model, type Node, type ValueName } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'

/** By the value that a BatchNormalization makes; its channels are along axis 1. */
export type Statistics = ReadonlyMap<ValueName, { mean: Float64Array; deviation: Float64Array }>

export async function batchNormStatistics({ graph }: Model, bytes: Pick<Bytes, 'read'>): Promise<Statistics> {
  const producers = new Map(graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)))
  const constant = (name: ValueName | null | undefined): Tensor | null => {
    const data = name == null || graph.inputs.includes(name) ? null : graph.values.get(name)?.data
    if (data) return data
    const node: Node | undefined = producers.get(name ?? null)
    if (node?.op === 'Constant') return attrTensor(node, 'value')
    return node?.op === 'Identity' ? constant(node.inputs[0]) : null
  }
  const found = new Map<ValueName, { mean: Float64Array; deviation: Float64Array }>()
  for (const node of graph.nodes) {
    if (node.op !== 'BatchNormalization' || node.domain !== '' || node.outputs[0] == null) continue
    const [gamma, beta] = [constant(node.inputs[1]), constant(node.inputs[2])]
    if (gamma?.dtype !== 'float32' || beta?.dtype !== 'float32') continue
    const [scale, shift] = [await readFloats(bytes, gamma), await readFloats(bytes, beta)]
    if (scale.length !== shift.length) continue
    found.set(node.outputs[0], { mean: Float64Array.from(shift), deviation: Float64Array.from(scale, Math.abs) })
  }
  return found
}
