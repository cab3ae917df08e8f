// Nodes, names and constants of a graph in the making.
import type { Attr, Node, Value, ValueName } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'

export type Attrs = Record<string, Attr>

export class Nodes {
  protected readonly nodes: Node[] = []
  protected readonly values = new Map<ValueName, Value>()
  private readonly ids = new Set<string>()
  private readonly taken: Set<string>
  private readonly constants: ReadonlySet<string>

  /** Names that are taken from the start, and those of them that only constants may have. */
  constructor(taken: readonly string[], constants: readonly string[]) {
    this.taken = new Set(taken)
    this.constants = new Set(constants)
  }

  initializer(wish: string, tensor: Tensor): ValueName {
    // A constant's own name is its own; all else may not take it.
    const name = this.constants.has(wish) && !this.values.has(wish) ? wish : this.fresh(wish)
    this.values.set(name, { name, dtype: tensor.dtype, shape: tensor.shape, data: tensor })
    return name
  }

  fresh(wish: string): ValueName {
    let name = wish
    for (let i = 1; this.taken.has(name); i++) name = `${wish}_${i}`
    this.taken.add(name)
    return name
  }

  /** A node with given outputs; the first of them is returned. */
  add(op: string, inputs: readonly (ValueName | null)[], outputs: readonly ValueName[], attrs: Attrs = {}): ValueName {
    let id = outputs[0]
    for (let i = 1; this.ids.has(id); i++) id = `${outputs[0]}_${i}`
    this.ids.add(id)
    this.nodes.push({
      id,
      op,
      domain: '',
      name: id,
      inputs,
      outputs,
      attrs: new Map(Object.entries(attrs)),
      origin: [id],
    })
    return outputs[0]
  }
}
