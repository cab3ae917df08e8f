// What the refit of a layer sees: second moments of its input, as the quantised layers before give it, against the output of the float
// layer, over places that are drawn from the samples.
import type { Batch } from '../../../ir/batches.ts'
import type { Context } from '../../../ir/context.ts'
import type { Model, Node, ValueName } from '../../../ir/model.ts'
import { asRead, drawPlaces, type Moments, momentsOf, type Piece, rowsWanted } from '../../../ir/moments.ts'
import type { QuantPlan } from '../../../ir/quant.ts'
import type { Stream } from '../../../ir/stream.ts'
import type { NdArray } from '../../../ir/tensor.ts'
import { columnsOf, inputRows, type LayerShape, outputRows, type Places, placesOf } from '../../../ops/patches.ts'

/** What changes as layers are done. */
export interface Work {
  readonly float: Model
  model: Model
  plan: QuantPlan
  notes: string[]
}

export interface Layer {
  node: Node
  shape: LayerShape
  weight: ValueName
  input: ValueName
  output: ValueName
  /** What is added to the output right behind, where that was made before; and whether the sum reads it rounded. */
  shortcut: { name: ValueName; rounded: boolean } | null
}

/** Values that a layer is seen by. */
function valuesOf({ input, output, shortcut }: Layer): { kept: ValueName[]; all: ValueName[] } {
  const kept = shortcut ? [input, shortcut.name] : [input]
  return { kept, all: [...kept, output] }
}

/** Takes the streams past a layer that need not be looked at. */
export async function goThrough(
  layer: Layer,
  work: Work,
  { exact, rounded }: { exact: Stream; rounded: Stream },
): Promise<void> {
  const { kept, all } = valuesOf(layer)
  for await (const _ of exact.run(work.float, all, kept));
  for await (const _ of rounded.run(work.model, kept, kept));
}

/** Second moments of a layer's input against its target, group by group, over places that are drawn for it. */
export async function observeLayer(
  layer: Layer,
  work: Work,
  { exact, rounded }: { exact: Stream; rounded: Stream },
  given: readonly Batch[],
  ctx: Context,
): Promise<Moments[]> {
  const { node, shape, input, output, shortcut } = layer
  const { kept, all } = valuesOf(layer)
  const images = given.reduce((n, batch) => n + batch.count, 0)
  const wanted = rowsWanted(shape.columns)
  const rng = ctx.rng.fork('refit').fork(node.id)
  const drawn: { places: Places; shape: readonly number[]; targets: Float32Array }[] = []
  for await (const { arrays, batch } of exact.run(work.float, all, kept)) {
    const y = arrays[output]
    const share = shape.conv ? wanted / images : (wanted * given[batch].count) / images
    const places = drawPlaces(placesOf(shape, y.shape), Math.ceil(share), rng)
    const targets = outputRows(y, shape, places)
    if (shortcut && sameShape(arrays[shortcut.name], y))
      add(targets, outputRows(arrays[shortcut.name], shape, places), 1)
    drawn[batch] = { places, shape: y.shape, targets }
  }
  const params = work.plan.quantized.has(node.id) ? (work.plan.activations.get(input) ?? null) : null
  async function* pieces(): AsyncIterable<Piece> {
    for await (const { arrays, batch } of rounded.run(work.model, kept, kept)) {
      const { places, shape: outShape, targets } = drawn[batch]
      if (shortcut && arrays[shortcut.name].shape.join() === outShape.join()) {
        const seen = outputRows(arrays[shortcut.name], shape, places)
        const grid = shortcut.rounded ? work.plan.activations.get(shortcut.name) : undefined
        add(targets, grid ? asRead(seen, grid, ctx.kernels) : seen, -1)
      }
      yield Array.from({ length: shape.groups }, (_, group) => ({
        inputs: inputRows(arrays[input], outShape, shape, group, places),
        targets: columnsOf(targets, shape, group),
      }))
    }
  }
  const { columns: k, channels: c, groups } = shape
  return momentsOf(pieces(), { k, c, groups, params, halves: k <= mostHalved }, ctx)
}

// Beyond so many inputs the halves' memory, and solving for them, is no longer small beside the rest.
const mostHalved = 1024

const sameShape = (a: NdArray, b: NdArray): boolean => a.shape.join() === b.shape.join()

function add(to: Float32Array, rows: Float32Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i] += factor * rows[i]
}
