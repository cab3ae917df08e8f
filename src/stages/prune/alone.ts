// One group pruned alone, with the layers that read it fitted to what they gave before: what its removal costs once the rest has made up
// for it. Since the layers before are whole, one sweep over the float model serves every group and every number of channels: with U the
// rows that a layer reads, its fit to any of the columns needs nothing but parts of U'U and of U'T.
import type { Batch } from '../../ir/batches.ts'
import { readFloats } from '../../ir/bytes.ts'
import type { Context } from '../../ir/context.ts'
import type { Model, Node, NodeId } from '../../ir/model.ts'
import { drawPlaces, type Moments, momentsOf, type Piece, rowsWanted } from '../../ir/moments.ts'
import { largestKept, openStream } from '../../ir/stream.ts'
import { weightOf } from '../../ops/facts.ts'
import { columnsOf, inputRows, type LayerShape, layerShape, outputRows, placesOf, unfit } from '../../ops/patches.ts'
import { fitted, withFit } from './fit.ts'
import type { Group } from './groups.ts'
import { keptOf, removeChannels } from './remove.ts'

/** Moments of layers of the float model, by node, one for each group of a layer's channels. */
export type LayerMoments = ReadonlyMap<NodeId, readonly Moments[]>

// Of all layers together; those beyond are measured without a fit.
const mostNumbers = 67108864

/** Of these nodes, so far as they can be fitted and memory reaches. */
export async function momentsOfLayers(
  model: Model,
  wanted: ReadonlySet<NodeId>,
  given: readonly Batch[],
  ctx: Context,
): Promise<LayerMoments> {
  const found = new Map<NodeId, readonly Moments[]>()
  let room = mostNumbers
  const layers: { node: Node; shape: LayerShape }[] = []
  for (const node of model.graph.nodes) {
    const shape = wanted.has(node.id) && unfit(node, model.graph) === null ? layerShape(node, model.graph) : null
    const numbers = shape ? shape.groups * (shape.columns + 1) * (shape.columns + 1 + shape.channels) : 0
    if (!shape || numbers > room) continue
    room -= numbers
    layers.push({ node, shape })
  }
  const images = given.reduce((n, batch) => n + batch.count, 0)
  const stream = openStream(given, async part => part, ctx, { width: ctx.runner.threads, largest: largestKept })
  for (const [index, { node, shape }] of layers.entries()) {
    const [input, output] = [node.inputs[0]!, node.outputs[0]!]
    const rng = ctx.rng.fork('moments').fork(node.id)
    async function* pieces(): AsyncIterable<Piece> {
      for await (const { arrays, batch } of stream.run(model, [input, output], [input, output])) {
        ctx.signal.throwIfAborted()
        const y = arrays[output]
        const share = (rowsWanted(shape.columns) * (shape.conv ? 1 : given[batch].count)) / images
        const places = drawPlaces(placesOf(shape, y.shape), Math.ceil(share), rng)
        const targets = outputRows(y, shape, places)
        yield Array.from({ length: shape.groups }, (_, group) => ({
          inputs: inputRows(arrays[input], y.shape, shape, group, places),
          targets: columnsOf(targets, shape, group),
        }))
      }
    }
    const { columns: k, channels: c, groups: parts } = shape
    found.set(node.id, await momentsOf(pieces(), { k, c, groups: parts, params: null }, ctx))
    stream.forget(
      model,
      layers.slice(index + 1).flatMap(l => [l.node.inputs[0]!, l.node.outputs[0]!]),
    )
  }
  return found
}

/** The model without these channels of one group, and with its readers fitted. */
export async function pruneAlone(
  model: Model,
  group: Group,
  channels: readonly number[],
  moments: LayerMoments,
  ctx: Context,
): Promise<Model> {
  const removal = new Map([[group.id, channels]])
  const kept = keptOf(model, [group], removal)
  let pruned = await removeChannels(model, [group], removal, ctx.bytes)
  for (const id of new Set(group.readers.map(r => r.node))) {
    const all = moments.get(id)
    const node = model.graph.nodes.find(n => n.id === id)!
    const weight = weightOf(node, model.graph)
    if (!weight) continue
    const after = pruned.graph.nodes.find(n => n.id === id)!
    const shape = layerShape(after, pruned.graph)
    const axes = kept.get(weight.name)
    if (!all || !shape || !axes) continue
    const [columns, outputs] = leftOf(model.graph.values.get(weight.name)!.data!.shape, axes, weight.axis!)
    // Whole groups went where there are fewer: those that are left read what they read.
    if (shape.groups !== all.length || outputs.length % shape.groups !== 0) continue
    const own = outputs.slice(0, shape.channels)
    const parts = all.map(m => partOf(m, columns, own))
    const weights = await readFloats(ctx.bytes, pruned.graph.values.get(weight.name)!.data!)
    const fit = await fitted({ shape, hasBias: weight.bias !== null }, parts, weights, ctx)
    pruned = withFit(pruned, { node: after, weight: weight.name, bias: weight.bias }, fit)
  }
  return pruned
}

/** Columns and output channels of one group that are left of a weight. */
function leftOf(
  shape: readonly number[],
  axes: readonly ({ stays: Uint8Array } | null)[],
  outputAxis: number,
): [columns: number[], outputs: number[]] {
  let columns = [0]
  for (const [axis, length] of shape.entries()) {
    if (axis === outputAxis) continue
    const positions = Array.from({ length }, (_, i) => i)
    const stays = axes[axis]?.stays
    columns = columns.flatMap(base => positions.flatMap(i => (!stays || stays[i] === 1 ? [base * length + i] : [])))
  }
  const stays = axes[outputAxis]?.stays
  const outputs = Array.from({ length: shape[outputAxis] }, (_, i) => i).filter(i => !stays || stays[i] === 1)
  return [columns, outputs]
}

/** The moments of some columns and outputs. */
function partOf({ n, k, c, h, r, t }: Moments, columns: readonly number[], outputs: readonly number[]): Moments {
  const rows = [...columns, k]
  const size = rows.length
  const part = {
    n,
    k: columns.length,
    c: outputs.length,
    h: new Float64Array(size * size),
    r: new Float64Array(size * outputs.length),
    t: Float64Array.from(outputs, o => t[o]),
  }
  for (const [i, row] of rows.entries()) {
    for (const [j, column] of rows.entries()) part.h[i * size + j] = h[row * (k + 1) + column]
    for (const [j, o] of outputs.entries()) part.r[i * outputs.length + j] = r[row * c + o]
  }
  return part
}
