// Weights fitted anew after channels were removed, without labels or gradients: layer after layer, so that what a layer gives from what
// the pruned layers before it really give comes closest to what the unpruned layer gave (He et al., Channel Pruning for Accelerating Very
// Deep Neural Networks, 2017). Where a layer ends a residual branch, its target also makes up for the error of the shortcut that is added
// to it, so that the stream is repaired at every block. Where a ReLU follows, what it hides need not be met (Zhang et al., Accelerating Very
// Deep Convolutional Networks for Classification and Detection, 2016); here by fitting again to targets moved below zero as the last fit was.
import { type Batch, bytesPerSample, held } from '../../ir/batches.ts'
import { readFloats } from '../../ir/bytes.ts'
import type { Context, Dataset, Memo } from '../../ir/context.ts'
import { attrFloat, type Graph, type Model, type Node, type NodeId, reads, type ValueName } from '../../ir/model.ts'
import { drawPlaces, type Moments, momentsOf, type Piece, rowsWanted } from '../../ir/moments.ts'
import { largestKept, openStream, type Stream } from '../../ir/stream.ts'
import type { NdArray } from '../../ir/tensor.ts'
import { weightOf } from '../../ops/facts.ts'
import { columnsOf, inputRows, type LayerShape, layerShape, outputRows, placesOf, unfit } from '../../ops/patches.ts'
import { type Fit, fitted, withFit } from './fit.ts'
import type { KeptPositions } from './remove.ts'

export interface FitData {
  data: Dataset
  count: number
  batch: number
}

interface Layer {
  node: Node
  float: LayerShape
  shape: LayerShape
  weight: ValueName
  bias: { input: number; name: ValueName | null } | null
  input: ValueName
  read: ValueName // what it reads in the pruned model: another value where a factor of it stands before it
  output: ValueName
  /** Output channels that are left, as positions among all. */
  left: readonly number[]
  /** What is added to the output behind it, where that was made before; and the BatchNormalization in between. */
  shortcut: { name: ValueName; norm: Node | null } | null
  /** Whether nothing but a ReLU reads what comes of it: what is negative there may be anything below zero. */
  rectified: boolean
}

// How often a layer before a ReLU is fitted, each time to what the last fit makes of the places where the ReLU gives zero.
const rounds = 3

/** The pruned model with fitted weights; and the layers that were left as they are, with the reason. */
export async function reconstruct(
  float: Model,
  pruned: Model,
  kept: KeptPositions,
  samples: FitData,
  ctx: Context,
  memo: Memo,
): Promise<{ model: Model; fitted: NodeId[]; left: { node: NodeId; why: string }[] }> {
  const { layers, left } = layersOf(float.graph, pruned.graph, kept)
  const most = layers.reduce((m, l) => Math.max(m, bytesPerSample(float.graph, [l.input, l.output])), 0)
  const given = await held(float.graph, samples, ctx, most)
  const options = { width: ctx.runner.threads, largest: largestKept }
  const exact = openStream(given, async part => part, ctx, options)
  const rough = openStream(given, async part => part, ctx, options)
  let model = pruned
  /** Layers that were fitted in an earlier run, which the streams have not gone through yet. */
  const behind: number[] = []
  const pass = (index: number): void => {
    const later = layers.slice(index + 1)
    const shortcuts = later.flatMap(l => (l.shortcut ? [l.shortcut.name] : []))
    exact.forget(float, [...later.flatMap(l => [l.input, l.output]), ...shortcuts])
    rough.forget(model, [...later.map(l => l.read), ...shortcuts])
  }
  for (const [index, layer] of layers.entries()) {
    ctx.signal.throwIfAborted()
    ctx.progress({ stage: 'prune', done: index, total: layers.length, note: layer.node.id })
    let known = true
    const fit = await memo(layer.node.id, async () => {
      known = false
      // The same cuts as in a run from the start: what a runtime fuses across them might round otherwise.
      for (const earlier of behind.splice(0)) {
        const { kept: names, all, rough: reads } = valuesOf(layers[earlier])
        for await (const _ of exact.run(float, all, layers[earlier].rectified ? all : names));
        for await (const _ of rough.run(model, reads, reads));
        pass(earlier)
      }
      const old = await readFloats(ctx.bytes, model.graph.values.get(layer.weight)!.data!)
      let made: Fit | null = null
      for (let round = 0; round < (layer.rectified ? rounds : 1); round++) {
        const moments = await observe(layer, made, { float, model, exact, rough }, given, ctx)
        made = await fitted({ shape: layer.shape, hasBias: layer.bias !== null }, moments, old, ctx)
        ctx.runner.discard(moments)
      }
      return made!
    })
    model = withFit(model, layer, fit)
    if (known) behind.push(index)
    else pass(index)
  }
  return { model, fitted: layers.map(l => l.node.id), left }
}

/** Layers behind a removed channel, whose rows can be gathered, in the order of the graph. */
function layersOf(
  float: Graph,
  pruned: Graph,
  kept: KeptPositions,
): { layers: Layer[]; left: { node: NodeId; why: string }[] } {
  const after = new Map(pruned.nodes.map(n => [n.id, n]))
  const order = new Map(float.nodes.flatMap((n, i) => n.outputs.map(o => [o, i] as const)))
  const readers = new Map<ValueName, Node[]>()
  for (const node of float.nodes)
    for (const name of new Set(reads(node))) readers.set(name, [...(readers.get(name) ?? []), node])
  /** Values that are no longer what they were, in the channels that they still have. */
  const touched = new Set<ValueName>()
  const layers: Layer[] = []
  const left: { node: NodeId; why: string }[] = []
  for (const [index, node] of float.nodes.entries()) {
    const weight = weightOf(node, float)
    const axes = weight ? kept.get(weight.name) : undefined
    const reading = axes?.some((axis, i) => axis !== null && i !== weight!.axis) ?? false
    const then = after.get(node.id)!
    const factored = then.inputs[0] !== node.inputs[0]
    if (!reading && !factored && !reads(node).some(name => touched.has(name))) continue
    for (const name of node.outputs) if (name !== null) touched.add(name)
    if (!weight || weight.lookup) continue
    const [full, shape] = [layerShape(node, float), layerShape(then, pruned)]
    const why = unfit(node, float)
    if (!full || !shape || why !== null) {
      left.push({ node: node.id, why: why ?? `${node.op} has no rows to fit` })
      continue
    }
    const output = node.outputs[0]!
    const channels = full.groups * full.channels
    const stays = axes?.[weight.axis!]?.stays
    layers.push({
      node,
      float: full,
      shape,
      weight: weightOf(then, pruned)!.name,
      bias: weight.bias,
      input: node.inputs[0]!,
      read: then.inputs[0]!,
      output,
      left: Array.from({ length: channels }, (_, i) => i).filter(i => !stays || stays[i] === 1),
      ...surroundings(output, readers, name => !float.values.get(name)?.data && (order.get(name) ?? -1) < index),
    })
  }
  return { layers, left }
}

/** What is read of a layer's output: through a BatchNormalization, a sum with what was made before, a ReLU. */
function surroundings(
  output: ValueName,
  readers: ReadonlyMap<ValueName, readonly Node[]>,
  before: (name: ValueName) => boolean,
): Pick<Layer, 'shortcut' | 'rectified'> {
  let name = output
  let norm: Node | null = null
  let shortcut: Layer['shortcut'] = null
  for (;;) {
    const next = readers.get(name)
    const reader = next?.length === 1 ? next[0] : null
    if (reader?.op === 'BatchNormalization' && norm === null && shortcut === null && reader.inputs[0] === name) {
      norm = reader
      name = reader.outputs[0]!
    } else if (reader?.op === 'Add' && shortcut === null) {
      const other = reader.inputs.find(input => input !== name) ?? null
      if (other === null || !before(other)) return { shortcut, rectified: false }
      shortcut = { name: other, norm }
      name = reader.outputs[0]!
    } else return { shortcut, rectified: reader?.op === 'Relu' && norm === null }
  }
}

/** What a layer is fitted by: of the unpruned model its input and shortcut, with the output; of the pruned one what it reads. */
function valuesOf({ input, read, output, shortcut }: Layer): Record<'kept' | 'all' | 'rough', ValueName[]> {
  const beside = shortcut ? [shortcut.name] : []
  return { kept: [input, ...beside], all: [input, ...beside, output], rough: [read, ...beside] }
}

interface Work {
  float: Model
  model: Model
  exact: Stream
  rough: Stream
}

/** Moments of a layer's input against its target; `last` is the fit that was made before, where there is one. */
async function observe(
  layer: Layer,
  last: Fit | null,
  { float, model, exact, rough }: Work,
  given: readonly Batch[],
  ctx: Context,
): Promise<Moments[]> {
  const { node, shape, read, output, shortcut, left } = layer
  const { kept, all, rough: later } = valuesOf(layer)
  const images = given.reduce((n, batch) => n + batch.count, 0)
  const wanted = rowsWanted(shape.columns)
  const rng = ctx.rng.fork('reconstruct').fork(node.id)
  const factors = shortcut?.norm ? await factorsOf(shortcut.norm, model, ctx) : null
  const drawn: { places: Uint32Array; shape: readonly number[]; targets: Float32Array }[] = []
  for await (const { arrays, batch } of exact.run(float, all, layer.rectified ? all : kept)) {
    const y = arrays[output]
    const share = shape.conv ? wanted / images : (wanted * given[batch].count) / images
    const places = drawPlaces(placesOf(shape, y.shape), Math.ceil(share), rng)
    const targets = picked(outputRows(y, layer.float, places), layer.float, left)
    if (shortcut && alike(arrays[shortcut.name], y))
      add(targets, picked(outputRows(arrays[shortcut.name], layer.float, places), layer.float, left), factors, 1)
    drawn[batch] = { places, shape: y.shape, targets }
  }
  async function* pieces(): AsyncIterable<Piece> {
    for await (const { arrays, batch } of rough.run(model, later, later)) {
      const { places, shape: before, targets } = drawn[batch]
      const outShape = shape.conv ? [before[0], left.length, ...before.slice(2)] : [...before.slice(0, -1), left.length]
      const added =
        shortcut && arrays[shortcut.name].shape.join() === outShape.join()
          ? outputRows(arrays[shortcut.name], shape, places)
          : null
      if (added) add(targets, added, factors, -1)
      yield Array.from({ length: shape.groups }, (_, group) => {
        const inputs = inputRows(arrays[read], outShape, shape, group, places)
        const wanted = columnsOf(targets, shape, group)
        const offset = added && columnsOf(added, shape, group)
        return { inputs, targets: last ? belowZero(inputs, wanted, offset, last, layer, group, ctx) : wanted }
      })
    }
  }
  return momentsOf(pieces(), { k: shape.columns, c: shape.channels, groups: shape.groups, params: null }, ctx)
}

/** Targets at which a ReLU gives zero, offset and all, moved to what the last fit gives there, so far as that is below zero too. */
function belowZero(
  inputs: Float32Array,
  wanted: Float32Array,
  offset: Float32Array | null,
  { weights, bias }: Fit,
  { shape: { columns: k, channels: c, at } }: Layer,
  group: number,
  { kernels }: Context,
): Float32Array {
  const b = new Float32Array(c * (k + 1))
  for (let i = 0; i < c; i++) {
    for (let j = 0; j < k; j++) b[i * (k + 1) + j] = weights[at(group, i, j)]
    b[i * (k + 1) + k] = bias?.[group * c + i] ?? 0
  }
  const given = new Float32Array(wanted.length)
  kernels.gemm(inputs, b, { m: wanted.length / c, n: c, k: k + 1, transA: false, transB: true }, given)
  return wanted.map((target, i) => {
    const zero = -(offset?.[i] ?? 0)
    return target <= zero ? Math.min(given[i], zero) : target
  })
}

const alike = (a: NdArray, b: NdArray): boolean => a.shape.join() === b.shape.join()

/** What a BatchNormalization divides by: the shortcut is added behind it. Channels that it all but switches off are left. */
async function factorsOf(norm: Node, model: Model, { bytes }: Context): Promise<Float64Array> {
  const read = (i: number): Promise<Float32Array> => readFloats(bytes, model.graph.values.get(norm.inputs[i]!)!.data!)
  const [scale, variance] = [await read(1), await read(4)]
  const epsilon = attrFloat(norm, 'epsilon', 1e-5)
  return Float64Array.from(scale, (s, c) => {
    const factor = s / Math.sqrt(variance[c] + epsilon)
    return Math.abs(factor) > 1e-3 ? 1 / factor : 0
  })
}

/** Channels of rows [n, all]. */
function picked(rows: Float32Array, { groups, channels }: LayerShape, left: readonly number[]): Float32Array {
  const all = groups * channels
  if (left.length === all) return rows
  const out = new Float32Array((rows.length / all) * left.length)
  for (let row = 0; row * all < rows.length; row++)
    for (const [i, c] of left.entries()) out[row * left.length + i] = rows[row * all + c]
  return out
}

function add(to: Float32Array, rows: Float32Array, factors: Float64Array | null, sign: number): void {
  if (!factors) for (let i = 0; i < to.length; i++) to[i] += sign * rows[i]
  else for (let i = 0; i < to.length; i++) to[i] += sign * factors[i % factors.length] * rows[i]
}
