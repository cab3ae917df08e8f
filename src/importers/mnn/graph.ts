// A graph in the making: an importer that translates operator by operator adds nodes and constants here, and names stay unique.
import type { DType } from '../../base/dtype.ts'
import type { Attr, Graph, Node, Value, ValueName } from '../../ir/model.ts'
import { packed, type Tensor, tensorOf } from '../../ir/tensor.ts'

export interface Draft {
  readonly nodes: readonly Node[]
  /** Declares a graph input. */
  input(name: ValueName, dtype: DType, shape: readonly (number | string)[]): void
  constant(name: ValueName, tensor: Tensor): ValueName
  constantOf(name: ValueName): Tensor | null
  /** A name that nothing has yet. */
  fresh(name: ValueName): ValueName
  node(op: string, inputs: readonly (ValueName | null)[], outputs: readonly ValueName[], more: NodeExtras): void
  graph(name: string, outputs: readonly ValueName[]): Graph
}

export interface NodeExtras {
  attrs?: Readonly<Record<string, Attr>>
  origin: string
}

export function createDraft(reserved: Iterable<ValueName>): Draft {
  const inputs: ValueName[] = []
  const nodes: Node[] = []
  const values = new Map<ValueName, Value>()
  const taken = new Set(reserved)
  const ids = new Set<string>()
  const unused = (name: string, used: Set<string>): string => {
    let free = name
    for (let i = 1; used.has(free); i++) free = `${name}_${i}`
    used.add(free)
    return free
  }
  return {
    nodes,
    input: (name, dtype, shape) => {
      inputs.push(name)
      values.set(name, { name, dtype, shape, data: null })
    },
    constant: (name, tensor) => {
      values.set(name, { name, dtype: tensor.dtype, shape: tensor.shape, data: tensor })
      return name
    },
    constantOf: name => values.get(name)?.data ?? null,
    fresh: name => unused(name, taken),
    node: (op, from, outputs, { attrs = {}, origin }) => {
      const id = unused(outputs[0] ?? op, ids)
      nodes.push({
        id,
        op,
        domain: '',
        name: id,
        inputs: from,
        outputs,
        attrs: new Map(Object.entries(attrs)),
        origin: [origin],
      })
    },
    graph: (name, outputs) => {
      const used = new Set<ValueName | null>([...nodes.flatMap(node => node.inputs), ...outputs])
      const kept = [...values].filter(([value, { data }]) => !data || used.has(value))
      return { name, inputs: [...inputs], outputs, nodes: [...nodes], values: new Map(kept) }
    },
  }
}

export const floatTensor = (shape: readonly number[], data: Float32Array | readonly number[]): Tensor =>
  tensorOf({ dtype: 'float32', shape, data: Float32Array.from(data) })
export const floatScalar = (value: number): Tensor => floatTensor([], [value])
export const int8Tensor = (shape: readonly number[], codes: ArrayLike<number>): Tensor => packed('int8', shape, codes)
