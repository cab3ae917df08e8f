// What the outputs of a model look like: their sizes, and what makes them.
import type { Model, Node, ValueName } from '../ir/model.ts'

/** A graph output with its shape, where that is known but for the batch. */
export interface Shaped {
  name: ValueName
  /** Without the axes of 1 in front. */
  dims: readonly number[]
}

export function shapedOutputs({ graph }: Model): Shaped[] {
  return graph.outputs.flatMap(name => {
    const shape = graph.values.get(name)?.shape
    if (!shape || shape.length < 2) return []
    const rest = shape.slice(1)
    return rest.every(d => typeof d === 'number' && d > 0) ? [{ name, dims: rest as number[] }] : []
  })
}

/** Height and width of the one picture that the model is fed; null where they are open. */
export function pictureSize({ graph }: Model): { height: number; width: number } | null {
  for (const name of graph.inputs) {
    const value = graph.values.get(name)
    const dims = value?.shape?.slice(-3)
    if (value?.data || value?.shape?.length !== 4 || !dims) continue
    const last = dims[2] === 1 || dims[2] === 3
    const [height, width] = last ? dims : dims.slice(1)
    if (typeof height === 'number' && typeof width === 'number' && height > 0 && width > 0) return { height, width }
  }
  return null
}

const moved = new Set([
  'Reshape', 'Transpose', 'Concat', 'Squeeze', 'Unsqueeze', 'Flatten', 'Identity', 'Cast', 'Slice', 'Split',
]) // biome-ignore format: one line a family

/** The operators that compute an output, behind what only moves numbers. */
export function makers({ graph }: Model, output: ValueName): Node[] {
  const maker = new Map(graph.nodes.flatMap(node => node.outputs.map(name => [name, node] as const)))
  const found: Node[] = []
  const waiting: (ValueName | null)[] = [output]
  const seen = new Set<ValueName | null>()
  for (const value of waiting) {
    if (seen.has(value)) continue
    seen.add(value)
    const node = maker.get(value)
    if (!node) continue
    if (moved.has(node.op)) waiting.push(...(node.op === 'Concat' ? node.inputs : node.inputs.slice(0, 1)))
    else found.push(node)
  }
  return found
}

/** What is still to be done to scores, by what makes them. */
export function activationFor(model: Model, output: ValueName, otherwise: 'sigmoid' | 'softmax'): string {
  const ops = makers(model, output).map(node => node.op)
  return ops.some(op => op === 'Conv' || op === 'Gemm' || op === 'Add') && !ops.some(op => /Softmax|Sigmoid/.test(op))
    ? otherwise
    : 'none'
}
