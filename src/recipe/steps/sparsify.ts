// Step `sparsify`: weights become zero, two of every four, blocks of them, or any; where there are samples, those that are left make up for
// what goes. Files stay as large as they were unless something compresses them, and only runtimes with kernels for zeros are faster.

import { StudioError } from '../../base/errors.ts'
import { choice, flag, number, type OptionValues } from '../../base/options.ts'
import { held } from '../../ir/batches.ts'
import { readFloats } from '../../ir/bytes.ts'
import { inLots } from '../../ir/lots.ts'
import type { Model, Node } from '../../ir/model.ts'
import { biasFor, type Moments } from '../../ir/moments.ts'
import { weightOf } from '../../ops/facts.ts'
import { infer } from '../../ops/infer.ts'
import { type LayerShape, layerShape, unfit } from '../../ops/patches.ts'
import { covarianceOf } from '../../stages/factorize/layers.ts'
import { momentsOfLayers } from '../../stages/prune/alone.ts'
import { withFit } from '../../stages/prune/fit.ts'
import { type Pattern, sparseTask } from '../../stages/prune/sparse.ts'
import { type State, type StepEnv, step } from '../state.ts'

const blocks = ['4x1', '1x4', '16x1', '1x16'] as const

const options = {
  pattern: choice('Which weights go', ['2:4', 'unstructured', 'block'], '2:4'),
  share: number('Share of the weights that goes', { default: 0.5, min: 0.01, max: 0.99, step: 0.01 }),
  block: choice('Blocks of outputs by inputs', blocks, '4x1'),
  compensate: flag('The weights that are left make up for what goes, on the samples', true),
  batch: number('Samples per batch', { default: 32, min: 1, max: 1024 }),
}
type SparsifyOptions = OptionValues<typeof options>

export const sparsify = step({
  id: 'sparsify',
  label: 'Set weights to zero',
  stands: 'before',
  options,
  needs: o => (o.compensate ? ['calibration'] : []),
  run: sparsifyWith,
})

interface Layer {
  node: Node
  shape: LayerShape
  /** Columns as they lie in memory where the channels of a place are neighbours. */
  order: readonly number[]
}

async function sparsifyWith(state: State, o: SparsifyOptions, env: StepEnv): Promise<State> {
  const { ctx } = env
  if (o.pattern === '2:4' && o.share !== 0.5)
    throw new StudioError('bad-recipe', `Of the pattern 2:4 a half goes, not ${o.share}`, {
      where: { step: 'sparsify' },
      hint: 'Leave share out, or choose the pattern unstructured.',
    })
  let model = infer(state.model)
  const { layers, skipped } = layersOf(model, o.pattern)
  if (layers.length === 0)
    throw new StudioError('unsupported', `No layer of this model can lose weights by the pattern ${o.pattern}`, {
      where: { step: 'sparsify' },
      hint:
        skipped.length > 0
          ? `For example ${skipped[0].node}: ${skipped[0].why}.`
          : 'None of its layers has constant float weights; put the step optimize before, where they are made by nodes.',
    })
  const moments = o.compensate
    ? await momentsOfLayers(
        model,
        new Set(layers.map(l => l.node.id)),
        await held(model.graph, { data: env.calibration!, count: env.samples, batch: o.batch }, ctx),
        ctx,
      )
    : new Map<string, readonly Moments[]>()
  let [all, zeros] = [0, 0]
  for (const [done, layer] of layers.entries()) {
    ctx.signal.throwIfAborted()
    const made = await sparse(layer, model, moments.get(layer.node.id) ?? null, o, env)
    all += made.weights.length
    zeros += made.weights.reduce((n, w) => n + (w === 0 ? 1 : 0), 0)
    const { name, bias } = weightOf(layer.node, model.graph)!
    model = withFit(model, { node: model.graph.nodes.find(n => n.id === layer.node.id)!, weight: name, bias }, made)
    ctx.progress({ stage: 'sparsify', done: done + 1, total: layers.length, note: layer.node.id })
  }
  return {
    ...state,
    model,
    notes: [
      ...state.notes,
      `${zeros} of ${all} weights in ${layers.length} layers are zero (pattern ${o.pattern}). Exported files hold the zeros too, and are as large as before.`,
      ...skipped.slice(0, 3).map(({ node, why }) => `The layer ${node} keeps all its weights: ${why}.`),
    ],
  }
}

function layersOf({ graph }: Model, pattern: SparsifyOptions['pattern']) {
  const layers: Layer[] = []
  const skipped: { node: string; why: string }[] = []
  for (const node of graph.nodes) {
    const weight = weightOf(node, graph)
    if (!weight || weight.lookup) continue
    const shape = layerShape(node, graph)
    const inputs = shape?.conv ? graph.values.get(weight.name)!.data!.shape[1] : (shape?.columns ?? 0)
    const why =
      unfit(node, graph) ??
      (weight.depthwise ? 'it reads one channel at a time' : null) ??
      (pattern === '2:4' && inputs % 4 !== 0 ? 'it reads a number of channels that is no multiple of four' : null)
    if (why !== null) skipped.push({ node: node.id, why })
    else layers.push({ node, shape: shape!, order: placesFirst(inputs, shape!.columns / inputs) })
  }
  return { layers, skipped }
}

/** Columns [inputs, places] in the order [places, inputs]. */
const placesFirst = (inputs: number, places: number): number[] =>
  Array.from({ length: inputs * places }, (_, i) => (i % inputs) * places + Math.floor(i / inputs))

const patternOf = (o: SparsifyOptions): Pattern => {
  const [rows, columns] = o.pattern === 'block' ? o.block.split('x').map(Number) : [1, 1]
  return { rows, columns, of: o.pattern === '2:4' ? 4 : 0 }
}

async function sparse(
  { node, shape, order }: Layer,
  model: Model,
  moments: readonly Moments[] | null,
  o: SparsifyOptions,
  { ctx }: StepEnv,
): Promise<{ weights: Float32Array; bias: Float32Array | null }> {
  const weight = weightOf(node, model.graph)!
  const old = await readFloats(ctx.bytes, model.graph.values.get(weight.name)!.data!)
  const { groups, channels: p, columns: k, at } = shape
  const hasBias = weight.bias !== null
  const requests = Array.from({ length: groups }, (_, g) => {
    const weights = new Float64Array(p * k)
    for (let c = 0; c < p; c++) for (let j = 0; j < k; j++) weights[c * k + j] = old[at(g, c, order[j])]
    const covariance = moments && turned(covarianceOf(moments[g], hasBias), order)
    return { weights, p, k, covariance, pattern: patternOf(o), share: o.share }
  })
  const results = await inLots(sparseTask, requests, r => r.p * r.k + r.k * r.k, ctx.perform)
  const weights = old.slice()
  const bias = moments && hasBias ? new Float32Array(groups * p) : null
  for (const [g, made] of results.entries()) {
    for (let c = 0; c < p; c++) for (let j = 0; j < k; j++) weights[at(g, c, order[j])] = made[c * k + j]
    if (!bias || !moments) continue
    const own = new Float64Array(p * k)
    for (let c = 0; c < p; c++) for (let j = 0; j < k; j++) own[c * k + j] = weights[at(g, c, j)]
    bias.set(biasFor(moments[g], own), g * p)
  }
  return { weights, bias }
}

function turned(covariance: Float64Array, order: readonly number[]): Float64Array {
  const k = order.length
  return Float64Array.from({ length: k * k }, (_, i) => covariance[order[Math.floor(i / k)] * k + order[i % k]])
}
