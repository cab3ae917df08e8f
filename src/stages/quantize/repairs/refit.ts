// Sequential refit: layer after layer, weights and bias are fitted to give the float layer's output from what the already quantised
// layers before it really give, then rounded with feedback. No labels, no gradients; one pass over the samples for each of the two models.
// Where a layer ends a residual branch, its target also makes up for the error of the shortcut that is added to it.

import { bytesOf } from '../../../base/dtype.ts'
import { sum } from '../../../base/sum.ts'
import { bytesPerSample, held } from '../../../ir/batches.ts'
import { readFloats } from '../../../ir/bytes.ts'
import type { Context, Memo } from '../../../ir/context.ts'
import { edit } from '../../../ir/edit.ts'
import { type Graph, type Model, type Node, type NodeId, reads, type ValueName } from '../../../ir/model.ts'
import { type Moments, rowsWanted } from '../../../ir/moments.ts'
import { hasFreeScale, isInt, largestOf } from '../../../ir/number-format.ts'
import {
  codeRange,
  integerInput,
  largestBias,
  type QuantParams,
  type QuantPlan,
  type QuantSpec,
} from '../../../ir/quant.ts'
import { largestKept, openStream } from '../../../ir/stream.ts'
import type { Tensor } from '../../../ir/tensor.ts'
import { weightOf } from '../../../ops/facts.ts'
import { layerShape } from '../../../ops/patches.ts'
import { quantizeModel } from '../qdq.ts'
import { dampingFor } from './refit-damping.ts'
import { goThrough, type Layer, observeLayer, type Work } from './refit-moments.ts'
import { type Part, type Rounded, roundLayer } from './rounding-solve.ts'
import type { RepairData, WeightRepair } from './types.ts'

export const refit: WeightRepair = {
  id: 'refit',
  label: 'Refit layer by layer',
  when: 'after-plan',
  needsData: true,
  async run({ float, model, plan }, samples, ctx, _, memo) {
    const { layers, left } = layersOf(float.graph, plan)
    const notes = left.map(({ node, why }) => `The layer ${node} is not refitted: ${why}.`)
    const work: Work = { float, model, plan, notes }
    await throughLayers(layers, work, samples!, parts => roundLayer(parts, ctx), ctx, memo)
    return { model: work.model, plan: work.plan, notes }
  },
}

/** Rounds the parts of a layer, one for each group of its channels. */
type Solve = (parts: readonly Part[]) => Promise<Rounded[]>

/**
 * Layer after layer: what it sees, how it is rounded, and the model with it. Rounded layers are kept by `memo`, so that a run that was cut
 * off goes on behind the last of them.
 */
export async function throughLayers(
  layers: readonly Layer[],
  work: Work,
  samples: RepairData,
  solve: Solve,
  ctx: Context,
  memo: Memo,
): Promise<Map<NodeId, Fitted>> {
  const { float } = work
  const most = layers.reduce((m, l) => Math.max(m, bytesPerSample(float.graph, [l.input, l.output])), 0)
  const given = await held(float.graph, samples, ctx, most)
  const options = { width: ctx.runner.threads, largest: largestKept }
  const exact = openStream(given, async part => part, ctx, options)
  const rounded = openStream(given, part => quantizeModel(part, within(work.plan, part.graph), ctx.bytes), ctx, options)
  const all = new Map<NodeId, Fitted>()
  const images = given.reduce((n, batch) => n + batch.count, 0)
  const costs = layers.map(costOf)
  const together = sum(costs)
  /** Layers that were fitted in an earlier run, which the streams have not gone through yet. */
  const behind: number[] = []

  const pass = (index: number): void => {
    const later = layers.slice(index + 1)
    const shortcuts = later.flatMap(l => (l.shortcut ? [l.shortcut.name] : []))
    exact.forget(float, [...later.flatMap(l => [l.input, l.output]), ...shortcuts])
    rounded.forget(work.model, [...later.map(l => l.input), ...shortcuts])
  }
  for (const [index, layer] of layers.entries()) {
    ctx.signal.throwIfAborted()
    ctx.progress({
      stage: 'quantize',
      done: index,
      total: layers.length,
      share: sum(costs.slice(0, index)) / together,
      note: layer.node.id,
    })
    let known = true
    const fitted = await memo(layer.node.id, async () => {
      known = false
      // The same cuts as in a run from the start: what a runtime fuses across them might round otherwise.
      for (const earlier of behind.splice(0)) {
        await goThrough(layers[earlier], work, { exact, rounded })
        pass(earlier)
      }
      const moments = await observeLayer(layer, work, { exact, rounded }, given, ctx)
      const result = await fitLayer(layer, moments, images, work, solve, ctx)
      ctx.runner.discard(moments)
      return result
    })
    put(layer, fitted, work)
    all.set(layer.node.id, fitted)
    if (known) behind.push(index)
    else pass(index)
  }
  return all
}

/** About how long a layer takes, beside others. */
const costOf = ({ shape: { groups, channels, columns } }: Layer): number =>
  1e6 + groups * (columns * columns * (rowsWanted(columns) / 20 + 12 * channels) + columns * columns * columns)

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

/** A layer's new weights, as its tensor lies, on the grid of new scales; and the bias to them, where the operator takes one. */
export interface Fitted {
  weights: Float32Array
  scales: Float32Array
  bias: Float32Array | null
  /** Of all groups, where the solver tells. */
  errors: { solved: number; nearest: number }
}

export async function roundNode(
  layer: Layer,
  moments: readonly Moments[],
  images: number,
  work: Work,
  ctx: Context,
): Promise<void> {
  put(layer, await fitLayer(layer, moments, images, work, parts => roundLayer(parts, ctx), ctx), work)
}

async function fitLayer(
  { node, shape, weight, input }: Layer,
  moments: readonly Moments[],
  images: number,
  { model: { graph }, plan }: Work,
  solve: Solve,
  ctx: Context,
): Promise<Fitted> {
  const data = await readFloats(ctx.bytes, graph.values.get(weight)!.data!)
  const params = plan.weights.get(weight)!
  const biasAt = biasSlot(node)
  const biasName = biasAt === null ? null : (graph.nodes.find(n => n.id === node.id)!.inputs[biasAt] ?? null)
  const bias = biasName === null ? null : await readFloats(ctx.bytes, graph.values.get(biasName)!.data!)
  const unit = integerInput(plan, node.id, input, params)?.scale[0] ?? null
  const { columns: k, channels, groups } = shape
  const unfitted = moments.map((m, group) => {
    const first = group * channels
    const weights = new Float64Array(m.c * k)
    for (let c = 0; c < m.c; c++) for (let j = 0; j < k; j++) weights[c * k + j] = data[shape.at(group, c, j)]
    const given = bias && Float64Array.from({ length: m.c }, (_, c) => bias[bias.length === 1 ? 0 : first + c])
    return {
      moments: m,
      layer: { weights, bias: biasAt === null ? null : (given ?? new Float64Array(m.c)) },
      grid: gridOf(params, first, m.c, given, unit),
    }
  })
  const damping = await dampingFor(unfitted, images, ctx)
  const parts = unfitted.map(part => ({ ...part, damping }))
  const own = params.spec.granularity.kind === 'channel'
  const fitted = {
    weights: data.slice(),
    scales: params.scale.slice(),
    bias: biasAt === null ? null : new Float32Array(groups * channels),
    errors: { solved: 0, nearest: 0 },
  }
  for (const [group, rounded] of (await solve(parts)).entries()) {
    fitted.errors.solved += rounded.errors?.solved ?? 0
    fitted.errors.nearest += rounded.errors?.nearest ?? 0
    for (let c = 0; c < channels; c++) {
      const channel = group * channels + c
      fitted.scales[own ? channel : 0] = rounded.scales[c]
      if (fitted.bias) fitted.bias[channel] = rounded.bias![c]
      for (let j = 0; j < k; j++) fitted.weights[shape.at(group, c, j)] = rounded.weights[c * k + j]
    }
  }
  return fitted
}

function put({ node, weight }: Layer, { weights, scales, bias }: Fitted, work: Work): void {
  const params = work.plan.weights.get(weight)!
  work.plan = { ...work.plan, weights: new Map([...work.plan.weights, [weight, { ...params, scale: scales }]]) }
  work.model = withWeights(work, node, weight, weights, bias && { at: biasSlot(node)!, data: bias })
}

/** Where an operator reads its bias; null where it takes none. */
export const biasSlot = (node: Node): number | null => (node.op === 'Conv' || node.op === 'Gemm' ? 2 : null)

function gridOf(params: QuantParams, first: number, count: number, bias: Float64Array | null, unit: number | null) {
  const { spec, scale } = params
  const { format, granularity } = spec
  const own = granularity.kind === 'channel'
  return {
    format,
    restricted: spec.restricted,
    largest: isInt(format) ? codeRange(spec as QuantSpec).qmax : largestOf(format, spec.restricted),
    scales: Float32Array.from({ length: count }, (_, c) => scale[own ? first + c : 0]),
    free: hasFreeScale(format),
    shared: !own,
    // Twice, since the bias is fitted too.
    least: Float64Array.from({ length: count }, (_, c) =>
      bias && unit !== null ? (2 * Math.abs(bias[c])) / (unit * largestBias) : 0,
    ),
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
