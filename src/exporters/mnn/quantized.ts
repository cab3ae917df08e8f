// Activations of 8 bits: a tensor that `extraTensorDescribe` gives a scale is kept as int8, and the operators between such tensors
// compute on codes (MNN, source/core/Schedule.cpp, source/backend/cpu/CPUBackend.cpp). A pair around a value is its description.
import { viewAs } from '../../base/dtype.ts'
import type { MnnNetPart } from '../../formats/mnn.ts'
import { attrFloat, type Graph, type Node, type NodeId, type ValueName } from '../../ir/model.ts'
import { type Codes, constantOf, type Fused, type Lowering, refuse } from './context.ts'

/**
 * Relu and Clip from 0 to 6 that follow a convolution or an addition and nothing else reads what is between. An addition of codes bounds them
 * by code 0, which is real 0 only where that is the zero point; where it is the least code, nothing is left to do. An addition of reals knows
 * Relu alone: it takes Relu6 without a word and bounds nothing (seen in 3.6.1).
 */
export function fusedActivations(
  graph: Graph,
  codes: ReadonlyMap<ValueName, Codes>,
): Map<NodeId, Fused & { by: NodeId }> {
  const readers = new Map<ValueName, Node[]>()
  for (const node of graph.nodes)
    for (const name of node.inputs) if (name) readers.set(name, [...(readers.get(name) ?? []), node])
  const found = new Map<NodeId, Fused & { by: NodeId }>()
  for (const node of graph.nodes) {
    const output = node.outputs[0]
    if (!output || graph.outputs.includes(output) || !fuses(node, graph)) continue
    const [next, ...others] = readers.get(output) ?? []
    const kind = next && others.length === 0 ? kindOf(next, graph) : 0
    const [y] = next?.outputs ?? []
    if (kind === 0 || (kind === 2 && node.op === 'Add' && !codes.has(y!))) continue
    const zero = (node.op === 'Add' && codes.get(y!)?.zero) || 0
    if (zero === 0 || zero === -128) found.set(node.id, { kind: zero === 0 ? kind : 0, output: y!, by: next.id })
  }
  return found
}

const fuses = (node: Node, graph: Graph): boolean =>
  (node.op === 'Conv' && graph.values.get(node.inputs[0] ?? '')?.shape?.length === 4) ||
  (node.op === 'Add' && node.inputs.length === 2)

function kindOf(node: Node, graph: Graph): 0 | 1 | 2 {
  if (node.op === 'Relu') return 1
  if (node.op !== 'Clip') return 0
  const bound = (input: number, name: string): number | null => {
    const tensor = graph.values.get(node.inputs[input] ?? '')?.data
    if (tensor)
      return tensor.data instanceof Uint8Array && tensor.dtype === 'float32'
        ? Number(viewAs('float32', tensor.data)[0])
        : null
    return node.inputs[input] ? null : attrFloat(node, name, Number.NaN)
  }
  return bound(1, 'min') === 0 && bound(2, 'max') === 6 ? 2 : 0
}

/** The codes of a value, from the QuantizeLinear that reads it. */
export async function codesOf(lowering: Pick<Lowering, 'graph' | 'bytes'>, quantize: Node): Promise<Codes> {
  const [scale, zero] = quantize.inputs.slice(1).map(name => constantOf(lowering, name))
  const scales = scale && (viewAs('float32', await lowering.bytes.read(scale)) as Float32Array)
  const zeros = zero && new Int8Array(await lowering.bytes.read(zero))
  if (scales?.length !== 1 || zero?.dtype !== 'int8' || zeros?.length !== 1)
    throw refuse(
      quantize,
      'rounds to codes that MNN does not have',
      'Quantise for the target mnn: int8, one scale a tensor.',
    )
  return { scale: scales[0], zero: zeros[0] }
}

/** What the runtime is told of every tensor of a value with a scale; edges of the network stay floats. */
export function described({ draft, graph, codes }: Lowering): NonNullable<MnnNetPart['extraTensorDescribe']> {
  const edges = new Set([...graph.inputs, ...graph.outputs])
  return [...codes].flatMap(([name, { scale, zero }]) =>
    draft
      .tensorsOf(name)
      .filter(index => !edges.has(draft.tensors[index]))
      .map(index => ({
        index,
        name: draft.tensors[index],
        quantInfo: { scale, zero, min: -128, max: 127, type: 6 },
      })),
  )
}
