// Conv, Gemm and MatMul over channels that are taken for independent: mean[o] = b[o] + sum of W m, variance[o] = sum of W^2 v.
import { type ChannelNormals, fromMoments, momentsOf } from '../../ir/channel-normals.ts'
import { attrFloat, attrInt, type Node } from '../../ir/model.ts'
import { constantOf, floatsOf, type Surroundings, shapeOf } from './surroundings.ts'

export async function layerNormals(node: Node, { graph, known, bytes }: Surroundings): Promise<ChannelNormals | null> {
  const x = known.get(node.inputs[0] ?? '')
  const weight = constantOf(graph, node.inputs[1])
  const rank = shapeOf(graph, node.inputs[0])?.length
  const w = weight && (await floatsOf(weight, bytes))
  if (!x || !w || rank === undefined) return null
  if (attrInt(node, 'transA', 0) !== 0 || attrFloat(node, 'alpha', 1) !== 1 || attrFloat(node, 'beta', 1) !== 1)
    return null
  if (node.op !== 'Conv' && weight.shape.length !== 2) return null
  const axis = node.op === 'MatMul' ? rank - 1 : 1
  const outFirst = node.op === 'Conv' || attrInt(node, 'transB', 0) !== 0
  const groups = node.op === 'Conv' ? attrInt(node, 'group', 1) : 1
  const [outputs, inputs] = outFirst ? weight.shape : [weight.shape[1], weight.shape[0]]
  if (x.axis !== axis || x.mean.length !== inputs * groups) return null

  const moments = momentsOf(x)
  const area = w.length / (outputs * inputs)
  const perGroup = outputs / groups
  const [mean, variance] = [new Float64Array(outputs), new Float64Array(outputs)]
  for (let o = 0; o < outputs; o++) {
    const offset = Math.floor(o / perGroup) * inputs
    for (let i = 0; i < inputs; i++)
      for (let k = 0; k < area; k++) {
        const by = w[outFirst ? (o * inputs + i) * area + k : i * outputs + o]
        mean[o] += by * moments.mean[offset + i]
        variance[o] += by * by * moments.variance[offset + i]
      }
  }
  const bias = node.op === 'MatMul' || node.inputs[2] == null ? null : constantOf(graph, node.inputs[2])
  const b = bias && (await floatsOf(bias, bytes))
  if (node.op !== 'MatMul' && node.inputs[2] != null && !b) return null
  if (b) for (let o = 0; o < outputs; o++) mean[o] += b[b.length === 1 ? 0 : o]
  return fromMoments(axis, mean, variance)
}
