// What exporters of the channels-last program share: its constants in memory, and its edges as a manifest says them.
import type { Bytes } from '../../ir/context.ts'
import { type Model, requiredInputs, type ValueName } from '../../ir/model.ts'
import { isSlice, type Tensor } from '../../ir/tensor.ts'
import type { Edge } from '../types.ts'
import type { Lowered } from './index.ts'

/** For what only asks how large a constant is: those in a file are not read. */
export const lengthOf = ({ data }: Tensor): Uint8Array => new Uint8Array(data.length)

/** Reads all constants. */
export async function inMemory({ graph }: Model, bytes: Bytes): Promise<(tensor: Tensor) => Uint8Array> {
  const read = new Map<Tensor, Uint8Array>()
  for (const { data } of graph.values.values()) if (data && isSlice(data.data)) read.set(data, await bytes.read(data))
  return tensor => read.get(tensor)!
}

/** Inputs and outputs as the program has them. */
export function edgesOf({ graph }: Model, { program, forms }: Lowered): Record<ValueName, Edge> {
  const edge = (name: ValueName, index: number): [ValueName, Edge] => {
    const { name: own, shape, dtype, quant } = program.tensors[index]
    const layout = shape.length === 4 && forms.get(name) === 'nhwc' ? 'NHWC' : null
    return [
      name,
      { name: own, shape, layout, dtype, scale: quant?.scale[0] ?? null, zeroPoint: quant?.zeroPoint[0] ?? null },
    ]
  }
  return Object.fromEntries([
    ...requiredInputs(graph).map((name, i) => edge(name, program.inputs[i])),
    ...graph.outputs.map((name, i) => edge(name, program.outputs[i])),
  ])
}
