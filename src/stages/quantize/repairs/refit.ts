// Sequential refit: layer after layer, weights and bias are fitted to give the float layer's output from what the already quantised
// layers before it really give, then rounded with feedback. No labels, no gradients; one pass over the samples for each of the two models.
// Where a layer ends a residual branch, its target also makes up for the error of the shortcut that is added to it.

import { bytesOf } from '../../../base/dtype.ts'
import { type Batch, batches } from '../../../ir/batches.ts'
import { readFloats } from '../../../ir/bytes.ts'
import type { Context } from '../../../ir/context.ts'
import { edit } from '../../../ir/edit.ts'
import { levelsOf } from '../../../ir/levels.ts'
import { type Graph, type Model, type Node, type NodeId, reads, type ValueName } from '../../../ir/model.ts'
import { coderOf, isInt, largestOf, type NumberFormat } from '../../../ir/number-format.ts'
import {
  codeRange,
  integerInput,
  largestBias,
  type QuantParams,
  type QuantPlan,
  type QuantSpec,
} from '../../../ir/quant.ts'
import { openStream } from '../../../ir/stream.ts'
import type { Tensor } from '../../../ir/tensor.ts'
import { weightOf } from '../../../ops/facts.ts'
import { type LayerShape, layerShape } from '../patches.ts'
import { quantizeModel } from '../qdq.ts'
import { type Layer, observeLayer, type Work } from './refit-moments.ts'
import { type Damping, type Moments, type Part, type Rounded, roundLayer } from './rounding-solve.ts'
import { aroundIn } from './soft-rounding.ts'
import type { RepairData, WeightRepair } from './types.ts'

export const refit: WeightRepair = {
  id: 'refit',
  label: 'Refit layer by layer',
  when: 'after-plan',
  needsData: true,
  async run({ float, model, plan }, samples, ctx) {
    const { layers, left } = layersOf(float.graph, plan)
    const notes = left.map(({ node, why }) => `The layer ${node} is not refitted: ${why}.`)
    const work: Work = { float, model, plan, notes }
    await throughLayers(layers, work, samples!, roundLayer, ctx)
    return { model: work.model, plan: work.plan, notes }
  },
}

/** Rounds the parts of a layer, one for each group of its channels. */
type Solve = (parts: readonly Part[], layer: Layer) => Rounded[]

/** Layer after layer: what it sees, how it is rounded, and the model with it. */
export async function throughLayers(
  layers: readonly Layer[],
  work: Work,
  samples: RepairData,
  solve: Solve,
  ctx: Context,
): Promise<void> {
  const { float } = work
  const given = await gather(float, samples, ctx)
  const width = ctx.runner.threads
  const exact = openStream(given, async part => part, ctx, width)
  const rounded = openStream(given, part => quantizeModel(part, within(work.plan, part.graph), ctx.bytes), ctx, width)
  const images = given.reduce((n, batch) => n + batch.count, 0)
  for (const [index, layer] of layers.entries()) {
    ctx.signal.throwIfAborted()
    ctx.progress({ stage: 'quantize', done: index, total: layers.length, note: layer.node.id })
    const moments = await observeLayer(layer, work, { exact, rounded }, given, ctx)
    await roundNode(layer, moments, images, work, ctx, solve)
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
}

const enoughBytes = 268435456 // of inputs, held for the whole repair

/** As many samples as fit, in batches. */
export async function gather(model: Model, { data, count, batch }: RepairData, ctx: Context): Promise<Batch[]> {
  const given: Batch[] = []
  let bytes = 0
  for await (const b of batches(data, model.graph, batch, { count, signal: ctx.signal })) {
    bytes += Object.values(b.feeds).reduce((sum, array) => sum + array.data.byteLength, 0)
    if (given.length > 0 && bytes > enoughBytes) break
    given.push(b)
  }
  return given
}

/** Layers whose weights have few bits and rows that can be gathered, in the order of the graph; and why others are left. */
export function layersOf(
  graph: Graph,
  plan: QuantPlan,
): {
  layers: Layer[]
  left: { node: NodeId; why: string }[]
} {
  const order = new Map(graph.nodes.flatMap((n, i) => n.outputs.map(o => [o, i] as const)))
  const readers = new Map<ValueName, Node[]>()
  for (const node of graph.nodes)
    for (const name of new Set(reads(node))) readers.set(name, [...(readers.get(name) ?? []), node])
  const layers: Layer[] = []
  const left: { node: NodeId; why: string }[] = []
  for (const [index, node] of graph.nodes.entries()) {
    if (!plan.quantized.has(node.id) && !plan.weightOnly.has(node.id)) continue
    const weight = weightOf(node, graph)
    const params = weight && plan.weights.get(weight.name)
    if (!params || weight.lookup) continue
    const shape = layerShape(node, graph)
    const why =
      shape === null
        ? `${node.op} has no rows to fit`
        : readers.get(weight.name)?.length !== 1
          ? 'another layer reads its weights too'
          : params.spec.granularity.kind === 'block'
            ? 'its scales are those of blocks'
            : null
    if (!shape || why !== null) {
      left.push({ node: node.id, why: why! })
      continue
    }
    const output = node.outputs[0]!
    const next = readers.get(output)
    const sum = next?.length === 1 && next[0].op === 'Add' ? next[0] : null
    const other = sum?.inputs.find(name => name !== output) ?? null
    const before = other !== null && !graph.values.get(other)?.data && (order.get(other) ?? -1) < index
    const shortcut = before ? { name: other, rounded: plan.quantized.has(sum!.id) } : null
    layers.push({ node, shape, weight: weight.name, input: node.inputs[0]!, output, shortcut })
  }
  return { layers, left }
}

/** The plan of a part of the graph. */
export function within(plan: QuantPlan, graph: Graph): QuantPlan {
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

/**
 * The more columns to a row, the stronger: what is fitted to few rows fits nothing else. Rows of one image are alike, so that few
 * images ask for more as well. Shares measured on ResNet8 and 20, a keyword network and MobileNetV2, on samples kept apart.
 */
function dampingFor({ n, k }: Moments, images: number): Damping {
  const few = images <= 64
  const ridge = (few ? 1e-2 : 1e-3) + ((few ? 0.3 : 0.1) * k) / n
  return { ridge, rounding: Math.max(1e-4, 0.1 * ridge) }
}

export async function roundNode(
  layer: Layer,
  moments: readonly Moments[],
  images: number,
  work: Work,
  ctx: Context,
  solve: Solve = roundLayer,
): Promise<void> {
  const { node, shape, weight, input } = layer
  const { graph } = work.model
  const tensor = graph.values.get(weight)!.data!
  const data = await readFloats(ctx.bytes, tensor)
  const params = work.plan.weights.get(weight)!
  const biasAt = biasSlot(node)
  const biasName = biasAt === null ? null : (graph.nodes.find(n => n.id === node.id)!.inputs[biasAt] ?? null)
  const bias = biasName === null ? null : await readFloats(ctx.bytes, graph.values.get(biasName)!.data!)
  const fresh = data.slice()
  const scales = params.scale.slice()
  const biases = new Float32Array(shape.groups * shape.channels)
  const unit = integerInput(work.plan, node.id, input, params)?.scale[0] ?? null
  const parts = moments.map((m, group): Part => {
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
  for (const [group, rounded] of solve(parts, layer).entries())
    put(rounded, { fresh, scales, biases }, params, shape, group)
  const granularity = params.spec.granularity
  work.plan = {
    ...work.plan,
    weights: new Map([
      ...work.plan.weights,
      [weight, { ...params, scale: granularity.kind === 'tensor' ? scales.slice(0, 1) : scales }],
    ]),
  }
  work.model = withWeights(work, node, weight, fresh, biasAt === null ? null : { at: biasAt, data: biases })
}

/** Where an operator reads its bias; null where it takes none. */
export const biasSlot = (node: Node): number | null => (node.op === 'Conv' || node.op === 'Gemm' ? 2 : null)

/** Whether scales of a format may be any number. */
export const isFree = (format: NumberFormat): boolean =>
  format.kind !== 'half' && (format.kind !== 'levels' || levelsOf(format.name).scalesPerOctave === null)

function gridOf(params: QuantParams, first: number, count: number, bias: Float64Array | null, unit: number | null) {
  const { spec, scale } = params
  const { format, granularity } = spec
  const own = granularity.kind === 'channel'
  return {
    coder: coderOf(format, spec.restricted),
    around: aroundIn(format, spec.restricted, 0),
    largest: isInt(format) ? codeRange(spec as QuantSpec).qmax : largestOf(format, spec.restricted),
    scales: Float32Array.from({ length: count }, (_, c) => scale[own ? first + c : 0]),
    free: isFree(format),
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
export function withWeights(
  work: Work,
  { id, inputs }: Node,
  weight: ValueName,
  weights: Float32Array,
  bias: { at: number; data: Float32Array } | null,
): Model {
  const biasTensor: Tensor | null = bias && { dtype: 'float32', shape: [bias.data.length], data: bytesOf(bias.data) }
  let added: ValueName | null = null
  const graph = edit(work.model.graph, editor => {
    const value = editor.value(weight)!
    editor.setValue({ ...value, data: { ...value.data!, data: bytesOf(weights) } })
    if (!bias || !biasTensor) return
    added = editor.addInitializer(`${id}_refit_bias`, biasTensor)
    const before = editor.node(id)!.inputs
    const old = before[bias.at] ?? null
    editor.updateNode(id, { inputs: [before[0], before[1], added] })
    if (old !== null && editor.consumers(old).length === 0) editor.dropValue(old)
  })
  if (added !== null && integerInput(work.plan, id, inputs[0]!, work.plan.weights.get(weight)))
    work.plan = {
      ...work.plan,
      biases: new Map<NodeId, { bias: ValueName; input: ValueName; weight: ValueName }>([
        ...work.plan.biases,
        [id, { bias: added, input: inputs[0]!, weight }],
      ]),
    }
  return { ...work.model, graph }
}
