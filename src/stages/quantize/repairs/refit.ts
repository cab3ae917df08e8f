// Sequential refit: layer after layer, weights and bias are fitted to give the float layer's output from what the already quantised
// layers before it really give, then rounded with feedback. No labels, no gradients; one pass over the samples for each of the two models.
// Where a layer ends a residual branch, its target also makes up for the error of the shortcut that is added to it.
import { bytesOf, viewAs } from '../../../base/dtype.ts'
import type { Rng } from '../../../base/rng.ts'
import { type Batch, batches } from '../../../ir/batches.ts'
import type { Context } from '../../../ir/context.ts'
import { edit } from '../../../ir/edit.ts'
import { levelsOf } from '../../../ir/levels.ts'
import { type Graph, type Model, type Node, type NodeId, reads, type ValueName } from '../../../ir/model.ts'
import { coderOf, isInt, largestOf } from '../../../ir/number-format.ts'
import { codeRange, type QuantParams, type QuantPlan, type QuantSpec, roundTripTensor } from '../../../ir/quant.ts'
import { openStream, type Stream } from '../../../ir/stream.ts'
import type { NdArray, Tensor } from '../../../ir/tensor.ts'
import { weightOf } from '../../../ops/facts.ts'
import { inputRows, type LayerShape, layerShape, outputRows, type Places, placesOf } from '../patches.ts'
import { quantizeModel } from '../qdq.ts'
import { type Damping, type Moments, type Rounded, roundLayer } from './rounding-solve.ts'
import type { RepairData, WeightRepair } from './types.ts'

export const refit: WeightRepair = {
  id: 'refit',
  label: 'Refit layer by layer',
  when: 'after-plan',
  needsData: true,
  async run({ float, model, plan }, samples, ctx) {
    const given = await gather(float, samples!, ctx)
    const work: Work = { float, model, plan, notes: [] }
    const layers = layersOf(float.graph, plan)
    const width = ctx.runner.threads
    const exact = openStream(given, async part => part, ctx, width)
    const rounded = openStream(given, part => quantizeModel(part, within(work.plan, part.graph), ctx.bytes), ctx, width)
    const images = given.reduce((n, batch) => n + batch.count, 0)
    for (const [index, layer] of layers.entries()) {
      ctx.signal.throwIfAborted()
      ctx.progress({ stage: 'quantize', done: index, total: layers.length, note: layer.node.id })
      const moments = await observe(layer, work, { exact, rounded }, given, ctx)
      await roundNode(layer, moments, images, work, ctx)
      const later = layers.slice(index + 1)
      exact.forget(
        float,
        later.flatMap(l => [l.input, l.output, ...(l.shortcut ? [l.shortcut.name] : [])]),
      )
      rounded.forget(
        work.model,
        later.flatMap(l => [l.input, ...(l.shortcut ? [l.shortcut.name] : [])]),
      )
    }
    return { model: work.model, plan: work.plan, notes: work.notes }
  },
}

/** What changes as layers are done. */
interface Work {
  readonly float: Model
  model: Model
  plan: QuantPlan
  notes: string[]
}

interface Layer {
  node: Node
  shape: LayerShape
  weight: ValueName
  input: ValueName
  output: ValueName
  /** What is added to the output right behind, where that was made before; and whether the sum reads it rounded. */
  shortcut: { name: ValueName; rounded: boolean } | null
}

const enoughBytes = 268435456 // of inputs, held for the whole repair

/** As many samples as fit, in batches. */
async function gather(model: Model, { data, count, batch }: RepairData, ctx: Context): Promise<Batch[]> {
  const given: Batch[] = []
  let bytes = 0
  for await (const b of batches(data, model.graph, batch, { count, signal: ctx.signal })) {
    bytes += Object.values(b.feeds).reduce((sum, array) => sum + array.data.byteLength, 0)
    if (given.length > 0 && bytes > enoughBytes) break
    given.push(b)
  }
  return given
}

/** Layers whose weights have few bits and rows that can be gathered, in the order of the graph. */
function layersOf(graph: Graph, plan: QuantPlan): Layer[] {
  const order = new Map(graph.nodes.flatMap((n, i) => n.outputs.map(o => [o, i] as const)))
  const readers = new Map<ValueName, Node[]>()
  for (const node of graph.nodes)
    for (const name of new Set(reads(node))) readers.set(name, [...(readers.get(name) ?? []), node])
  const layers: Layer[] = []
  for (const [index, node] of graph.nodes.entries()) {
    if (!plan.quantized.has(node.id) && !plan.weightOnly.has(node.id)) continue
    const weight = weightOf(node, graph)
    const params = weight && plan.weights.get(weight.name)
    const shape = params && layerShape(node, graph)
    // A weight that two layers read cannot follow both.
    if (!shape || readers.get(weight.name)?.length !== 1 || params.spec.granularity.kind === 'block') continue
    const output = node.outputs[0]!
    const next = readers.get(output)
    const sum = next?.length === 1 && next[0].op === 'Add' ? next[0] : null
    const other = sum?.inputs.find(name => name !== output) ?? null
    const before = other !== null && !graph.values.get(other)?.data && (order.get(other) ?? -1) < index
    const shortcut = before ? { name: other, rounded: plan.quantized.has(sum!.id) } : null
    layers.push({ node, shape, weight: weight.name, input: node.inputs[0]!, output, shortcut })
  }
  return layers
}

/** The plan of a part of the graph. */
function within(plan: QuantPlan, graph: Graph): QuantPlan {
  const nodes = new Set(graph.nodes.map(n => n.id))
  const here = new Set<ValueName>([
    ...graph.inputs,
    ...graph.nodes.flatMap(n => [...reads(n), ...n.outputs] as ValueName[]),
  ])
  const pick = <K, V>(map: ReadonlyMap<K, V>, has: (key: K) => boolean): Map<K, V> =>
    new Map([...map].filter(([key]) => has(key)))
  return {
    ...plan,
    activations: pick(plan.activations, name => here.has(name)),
    weights: pick(plan.weights, name => here.has(name)),
    biases: pick(plan.biases, id => nodes.has(id)),
  }
}

// Rows beyond these tell a layer of a thousand inputs nothing new; one of nine needs fewer.
const enoughRows = 40_000
const rowsPerColumn = 400

/** Second moments of a layer's input against its target, group by group, over places that are drawn for it. */
async function observe(
  layer: Layer,
  work: Work,
  { exact, rounded }: { exact: Stream; rounded: Stream },
  given: readonly Batch[],
  ctx: Context,
): Promise<Moments[]> {
  const { node, shape, input, output, shortcut } = layer
  const kept = shortcut ? [input, shortcut.name] : [input]
  const images = given.reduce((n, batch) => n + batch.count, 0)
  const wanted = Math.min(enoughRows, Math.max(4000, rowsPerColumn * shape.columns))
  const rng = ctx.rng.fork('refit').fork(node.id)
  const moments = Array.from({ length: shape.groups }, () => emptyMoments(shape))
  const drawn: { places: Places; shape: readonly number[]; targets: Float32Array }[] = []
  await exact.run(work.float, [...kept, output], kept, (arrays, index) => {
    const y = arrays[output]
    const share = shape.conv ? wanted / images : (wanted * given[index].count) / images
    const places = drawPlaces(placesOf(shape, y.shape), Math.ceil(share), rng)
    const targets = outputRows(y, shape, places)
    if (shortcut && sameShape(arrays[shortcut.name], y))
      add(targets, outputRows(arrays[shortcut.name], shape, places), 1)
    drawn[index] = { places, shape: y.shape, targets }
  })
  await rounded.run(work.model, kept, kept, (arrays, index) => {
    const { places, shape: outShape, targets } = drawn[index]
    if (shortcut && arrays[shortcut.name].shape.join() === outShape.join()) {
      const read = arrays[shortcut.name]
      const seen = shortcut.rounded ? asRead(read, shortcut.name, work.plan, ctx) : read
      add(targets, outputRows(seen, shape, places), -1)
    }
    const x = asRead(arrays[input], input, work.plan, ctx)
    for (const [group, m] of moments.entries()) {
      const inputs = inputRows(x, outShape, shape, group, places)
      addRows(m, inputs, columnsOf(targets, shape, group), ctx)
    }
  })
  for (const m of moments) mirror(m)
  return moments
}

const sameShape = (a: NdArray, b: NdArray): boolean => a.shape.join() === b.shape.join()

function add(to: Float32Array, rows: Float32Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i] += factor * rows[i]
}

/** The channels of one group. */
function columnsOf(rows: Float32Array, { groups, channels }: LayerShape, group: number): Float32Array {
  if (groups === 1) return rows
  const all = groups * channels
  const out = new Float32Array(rows.length / groups)
  for (let row = 0; row * all < rows.length; row++)
    for (let c = 0; c < channels; c++) out[row * channels + c] = rows[row * all + group * channels + c]
  return out
}

/** The value as its integer readers see it: on the grid, also where a float node or nobody made it. */
function asRead(array: NdArray, name: ValueName, plan: QuantPlan, ctx: Context): NdArray {
  const params = plan.activations.get(name)
  if (!params) return array
  const x = array.data as Float32Array
  if (!isInt(params.spec.format)) return { ...array, data: roundTripTensor(x, array.shape, params) }
  const { qmin, qmax } = codeRange(params.spec as QuantSpec)
  return { ...array, data: ctx.kernels.fakeQuantize(x, params.scale[0], params.zeroPoint[0], qmin, qmax) }
}

/** `count` of `all` places, or all where there are no more, in ascending order. */
function drawPlaces(all: number, count: number, rng: Rng): Places {
  const places = Uint32Array.from({ length: all }, (_, i) => i)
  if (count >= all) return places
  for (let i = 0; i < count; i++) {
    const j = i + rng.below(all - i)
    const kept = places[i]
    places[i] = places[j]
    places[j] = kept
  }
  return places.subarray(0, count).sort()
}

const emptyMoments = ({ columns: k, channels: c }: LayerShape): Moments => ({
  n: 0,
  k,
  c,
  h: new Float64Array((k + 1) * (k + 1)),
  r: new Float64Array((k + 1) * c),
})

function addRows(m: Moments, inputs: Float32Array, targets: Float32Array, ctx: Context): void {
  const p = m.k + 1
  m.n += inputs.length / p
  ctx.kernels.gram(inputs, inputs, { p, q: p, upper: true }, m.h)
  ctx.kernels.gram(inputs, targets, { p, q: m.c, upper: false }, m.r)
}

/** The lower half from the upper. */
function mirror({ h, k }: Moments): void {
  for (let i = 0; i <= k; i++) for (let j = 0; j < i; j++) h[i * (k + 1) + j] = h[j * (k + 1) + i]
}

/**
 * The more columns to a row, the stronger: what is fitted to few rows fits nothing else. Rows of one image are alike, so that few
 * images ask for more as well. Shares measured on ResNet8 and 20, a keyword network and MobileNetV2, on samples kept apart.
 */
function dampingFor({ n, k }: Moments, images: number): Damping {
  const few = images <= 64
  const ridge = (few ? 1e-2 : 1e-3) + ((few ? 0.3 : 0.1) * k) / n
  return { ridge, rounding: Math.max(1e-4, 0.1 * ridge) }
}

async function roundNode(
  layer: Layer,
  moments: readonly Moments[],
  images: number,
  work: Work,
  ctx: Context,
): Promise<void> {
  const { node, shape, weight, input } = layer
  const { graph } = work.model
  const tensor = graph.values.get(weight)!.data!
  const data = viewAs('float32', await ctx.bytes.read(tensor)) as Float32Array
  const params = work.plan.weights.get(weight)!
  const biasAt = biasSlot(node)
  const biasName = biasAt === null ? null : (graph.nodes.find(n => n.id === node.id)!.inputs[biasAt] ?? null)
  const bias = biasName === null ? null : await readFloats(graph.values.get(biasName)!.data!, ctx)
  const fresh = data.slice()
  const scales = params.scale.slice()
  const biases = new Float32Array(shape.groups * shape.channels)
  const unit = biasUnit(work.plan.activations.get(input))
  const parts = moments.map((m, group) => {
    const first = group * shape.channels
    const weights = new Float64Array(m.c * m.k)
    for (let c = 0; c < m.c; c++) for (let j = 0; j < m.k; j++) weights[c * m.k + j] = data[shape.at(group, c, j)]
    const given = bias && Float64Array.from({ length: m.c }, (_, c) => bias[bias.length === 1 ? 0 : first + c])
    return {
      moments: m,
      layer: { weights, bias: biasAt === null ? null : (given ?? new Float64Array(m.c)) },
      grid: gridOf(params, first, m.c, given, unit),
      damping: dampingFor(m, images),
    }
  })
  for (const [group, rounded] of roundLayer(parts).entries())
    put(rounded, { fresh, scales, biases }, params, shape, group)
  const granularity = params.spec.granularity
  work.plan = {
    ...work.plan,
    weights: new Map([
      ...work.plan.weights,
      [weight, { ...params, scale: granularity.kind === 'tensor' ? scales.slice(0, 1) : scales }],
    ]),
  }
  work.model = withWeights(
    work,
    node,
    weight,
    { ...tensor, data: bytesOf(fresh) },
    biasAt === null ? null : { at: biasAt, data: biases },
  )
}

const readFloats = async (tensor: Tensor, ctx: Context): Promise<Float32Array> =>
  viewAs('float32', await ctx.bytes.read(tensor)) as Float32Array

/** Where an operator reads its bias; null where it takes none. */
const biasSlot = (node: Node): number | null => (node.op === 'Conv' || node.op === 'Gemm' ? 2 : null)

/** What one unit of an int32 bias is worth before the weight's scale; null where the bias stays float. */
const biasUnit = (params: QuantParams | undefined): number | null =>
  params && isInt(params.spec.format) ? params.scale[0] : null

const largestBias = 1073741824

function gridOf(params: QuantParams, first: number, count: number, bias: Float64Array | null, unit: number | null) {
  const { spec, scale } = params
  const { format, granularity } = spec
  const own = granularity.kind === 'channel'
  return {
    coder: coderOf(format, spec.restricted),
    largest: isInt(format) ? codeRange(spec as QuantSpec).qmax : largestOf(format, spec.restricted),
    scales: Float32Array.from({ length: count }, (_, c) => scale[own ? first + c : 0]),
    free: format.kind !== 'half' && (format.kind !== 'levels' || levelsOf(format.name).scalesPerOctave === null),
    shared: !own,
    // Twice, since the bias is fitted too.
    least: Float64Array.from({ length: count }, (_, c) =>
      bias && unit !== null ? (2 * Math.abs(bias[c])) / (unit * largestBias) : 0,
    ),
  }
}

function put(
  rounded: Rounded,
  to: { fresh: Float32Array; scales: Float32Array; biases: Float32Array },
  params: QuantParams,
  shape: LayerShape,
  group: number,
): void {
  const first = group * shape.channels
  const own = params.spec.granularity.kind === 'channel'
  for (let c = 0; c < shape.channels; c++) {
    to.scales[own ? first + c : 0] = rounded.scales[c]
    if (rounded.bias) to.biases[first + c] = rounded.bias[c]
    for (let j = 0; j < shape.columns; j++) to.fresh[shape.at(group, c, j)] = rounded.weights[c * shape.columns + j]
  }
}

/** The model with a layer's new weights and bias; a bias that was not there is added, and planned. */
function withWeights(
  work: Work,
  { id, inputs }: Node,
  weight: ValueName,
  tensor: Tensor,
  bias: { at: number; data: Float32Array } | null,
): Model {
  const biasTensor: Tensor | null = bias && { dtype: 'float32', shape: [bias.data.length], data: bytesOf(bias.data) }
  let added: ValueName | null = null
  const graph = edit(work.model.graph, editor => {
    editor.setValue({ ...editor.value(weight)!, data: tensor })
    if (!bias || !biasTensor) return
    added = editor.addInitializer(`${id}_refit_bias`, biasTensor)
    const before = editor.node(id)!.inputs
    const old = before[bias.at] ?? null
    editor.updateNode(id, { inputs: [before[0], before[1], added] })
    if (old !== null && editor.consumers(old).length === 0) editor.dropValue(old)
  })
  if (added !== null && isIntLayer(work.plan, inputs[0]!, weight))
    work.plan = {
      ...work.plan,
      biases: new Map<NodeId, { bias: ValueName; input: ValueName; weight: ValueName }>([
        ...work.plan.biases,
        [id, { bias: added, input: inputs[0]!, weight }],
      ]),
    }
  return { ...work.model, graph }
}

const isIntLayer = (plan: QuantPlan, input: ValueName, weight: ValueName): boolean => {
  const [x, w] = [plan.activations.get(input), plan.weights.get(weight)]
  return x !== undefined && w !== undefined && isInt(x.spec.format) && isInt(w.spec.format)
}
