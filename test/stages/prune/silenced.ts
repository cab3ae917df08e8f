// The unpruned network that a pruned one must equal.
import { bytesOf } from '../../../src/base/dtype.ts'
import { readFloats } from '../../../src/ir/bytes.ts'
import type { Context } from '../../../src/ir/context.ts'
import { edit } from '../../../src/ir/edit.ts'
import type { Model } from '../../../src/ir/model.ts'
import type { Group } from '../../../src/stages/prune/groups.ts'
import type { Removal } from '../../../src/stages/prune/remove.ts'

/** The model with zeros wherever a weight reads a channel that is to go. */
export async function silenced(
  model: Model,
  groups: readonly Group[],
  removal: Removal,
  { bytes }: Pick<Context, 'bytes'>,
): Promise<Model> {
  let graph = model.graph
  for (const group of groups)
    for (const { value, axis, at } of group.readers) {
      const tensor = graph.values.get(value)!.data!
      const data = (await readFloats(bytes, tensor)).slice()
      const inner = tensor.shape.slice(axis + 1).reduce((a, b) => a * b, 1)
      const gone = new Set((removal.get(group.id) ?? []).flatMap(c => at[c]))
      for (let i = 0; i < data.length; i++) if (gone.has(Math.floor(i / inner) % tensor.shape[axis])) data[i] = 0
      graph = edit(graph, editor =>
        editor.setValue({ ...editor.value(value)!, data: { ...tensor, data: bytesOf(data) } }),
      )
    }
  return { ...model, graph }
}
