// Removes channels: weights are sliced, parameters of operators follow, shapes are inferred anew; names and origins stay.
import { bitsOf, byteLength, elementCount } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import type { Bytes } from '../../ir/context.ts'
import { edit } from '../../ir/edit.ts'
import type { Dim, Model, NodeId, Value, ValueName } from '../../ir/model.ts'
import { int64s, packed, type Tensor } from '../../ir/tensor.ts'
import { factsOfModel, infer } from '../../ops/infer.ts'
import type { Group } from './groups.ts'
import { ruleOf } from './rules/index.ts'
import type { Cut, Kept } from './rules/types.ts'

/** Channels that go, by the group's id. */
export type Removal = ReadonlyMap<NodeId, readonly number[]>

export async function removeChannels(
  given: Model,
  groups: readonly Group[],
  removal: Removal,
  bytes: Pick<Bytes, 'read'>,
): Promise<Model> {
  const model = infer(given)
  const kept = keptOf(model, groups, removal)
  if (kept.size === 0) return given
  const { graph, opsets } = model
  const facts = factsOfModel(model)
  const tensors = new Map<ValueName, Tensor>()
  for (const [name, axes] of kept) {
    const data = graph.values.get(name)?.data
    if (data) tensors.set(name, await sliced(data, axes, bytes))
  }
  const pruned = edit(graph, editor => {
    const axesOf = (name: ValueName | null | undefined): readonly (Kept | null)[] | null =>
      name == null ? null : (kept.get(name) ?? shapeOf(name)?.map(() => null) ?? null)
    const shapeOf = (name: ValueName): readonly Dim[] | null => graph.values.get(name)?.shape ?? null
    for (const node of graph.nodes) {
      if (![...node.inputs, ...node.outputs].some(name => name !== null && kept.has(name))) continue
      const cut: Cut = {
        node,
        opset: opsets[node.domain] ?? opsets[''] ?? 0,
        editor,
        input: i => axesOf(node.inputs[i]),
        output: i => axesOf(node.outputs[i]),
        content: i => (node.inputs[i] == null ? null : (facts.get(node.inputs[i])?.content ?? null)),
        size: (of, i, axis) => {
          const name = (of === 'input' ? node.inputs : node.outputs)[i]
          const length = name == null ? null : shapeOf(name)?.[axis]
          return typeof length === 'number' ? length : 0
        },
        setNumbers: (i, numbers) => {
          const inputs = [...editor.node(node.id)!.inputs]
          while (inputs.length <= i) inputs.push(null)
          const old = inputs[i] === null ? null : editor.value(inputs[i])
          const shape = old?.shape?.length === 0 ? [] : [numbers.length]
          const tensor = old?.dtype === 'int32' ? packed('int32', shape, numbers) : int64s(numbers, shape)
          const own = old?.data && inputs.filter(name => name === old.name).length === 1
          if (own && editor.consumers(old.name).length === 1 && !editor.isOutput(old.name)) {
            editor.setValue({ ...old, shape, data: tensor })
            return
          }
          inputs[i] = editor.addInitializer(old?.name ?? `${node.id}_lengths`, tensor)
          editor.updateNode(node.id, { inputs })
        },
      }
      ruleOf(node)?.cut?.(cut)
    }
    for (const [name, axes] of kept) {
      const value = editor.value(name)
      if (!value) continue
      const shape = value.shape?.map((d, i) => axes[i]?.count ?? d) ?? null
      editor.setValue({ ...value, type: undefined, shape, data: tensors.get(name) ?? value.data })
    }
  })
  return checked({ ...model, graph: pruned }, kept)
}

/** What stays along the axes of every value along which something goes; null for an axis that is left whole. */
export type KeptPositions = ReadonlyMap<ValueName, readonly (Kept | null)[]>

export function keptOf({ graph }: Model, groups: readonly Group[], removal: Removal): KeptPositions {
  const gone = new Map<ValueName, Map<number, Set<number>>>()
  for (const group of groups)
    for (const channel of removal.get(group.id) ?? [])
      for (const { value, axis, at } of group.spans) {
        const axes = gone.get(value) ?? new Map<number, Set<number>>()
        const positions = axes.get(axis) ?? new Set<number>()
        for (const position of at[channel]) positions.add(position)
        gone.set(value, axes.set(axis, positions))
      }
  return new Map(
    [...gone].map(([name, axes]) => [
      name,
      graph.values.get(name)!.shape!.map((length, axis): Kept | null => {
        const positions = axes.get(axis)
        if (!positions) return null
        const stays = Uint8Array.from({ length: length as number }, (_, i) => (positions.has(i) ? 0 : 1))
        return { stays, count: stays.length - positions.size }
      }),
    ]),
  )
}

/** The tensor without the positions that go. */
async function sliced(tensor: Tensor, axes: readonly (Kept | null)[], bytes: Pick<Bytes, 'read'>): Promise<Tensor> {
  const { dtype, shape } = tensor
  if (bitsOf(dtype) < 8)
    throw new StudioError('unsupported', `A weight of ${dtype} cannot be pruned`, {
      hint: 'Prune the model before it is quantised.',
    })
  const data = await bytes.read(tensor)
  let run = byteLength(dtype, 1)
  // Whole axes at the end are copied as one.
  let rank = shape.length
  while (rank > 0 && !axes[rank - 1]) run *= shape[--rank]
  let places = [0]
  for (let axis = 0; axis < rank; axis++) {
    const stays = axes[axis]?.stays
    const stride = elementCount(shape.slice(axis + 1, rank))
    const next: number[] = []
    for (const base of places)
      for (let i = 0; i < shape[axis]; i++) if (!stays || stays[i] === 1) next.push(base + i * stride)
    places = next
  }
  const left = new Uint8Array(places.length * run)
  for (const [i, place] of places.entries()) left.set(data.subarray(place * run, (place + 1) * run), i * run)
  return { ...tensor, shape: shape.map((d, i) => axes[i]?.count ?? d), data: left }
}

/** Shapes inferred from the weights that are left must be those that were expected. */
function checked(model: Model, kept: KeptPositions): Model {
  const values = new Map<ValueName, Value>()
  for (const [name, value] of model.graph.values)
    values.set(name, kept.has(name) && !value.data ? { ...value, shape: null } : value)
  const after = infer({ ...model, graph: { ...model.graph, values } })
  const all = new Map(after.graph.values)
  for (const [name, axes] of kept) {
    const value = all.get(name)!
    if (value.shape === null) all.set(name, { ...value, shape: model.graph.values.get(name)!.shape })
    for (const [i, axis] of axes.entries()) {
      const length = value.shape?.[i]
      if (axis && typeof length === 'number' && length !== axis.count)
        throw new StudioError('internal', `After pruning ${name} has ${length} channels instead of ${axis.count}`, {
          where: { value: name },
          hint: 'Report this.',
        })
    }
  }
  return { ...after, graph: { ...after.graph, values: all } }
}
