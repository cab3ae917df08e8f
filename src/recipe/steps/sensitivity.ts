// How much each layer hurts in each format: only that layer changed, its input and output rounded with it, and the error of the
// network's outputs (A Practical Mixed Precision Algorithm for Post-Training Quantization, 2023). What lies before the layer is run once.
import type { Context, Feeds } from '../../ir/context.ts'
import { cutGraph } from '../../ir/cut.ts'
import type { FormatName } from '../../ir/format-names.ts'
import { type Graph, type Model, type Node, type NodeId, reads, type ValueName } from '../../ir/model.ts'
import type { QuantPlan } from '../../ir/quant.ts'
import { openStream, type Stream } from '../../ir/stream.ts'
import type { Target } from '../../ir/target.ts'
import type { Sweep } from '../../stages/observe/index.ts'
import { type Choice, choose, type LayerFormats } from '../../stages/quantize/choose.ts'
import { decide } from '../../stages/quantize/decide.ts'
import { quantizeModel } from '../../stages/quantize/qdq.ts'
import type { RawInput } from '../../stages/quantize/raw-input.ts'
import { refitAlone } from '../../stages/quantize/repairs/refit-alone.ts'
import type { StepEnv } from '../state.ts'
import { rangesBy } from './quantize.ts'
import { type QuantizeOptions, resolveLayers } from './quantize-options.ts'
import type { Figures } from './search-options.ts'
import type { Trial } from './trial.ts'

/** Nodes that one decision is for: those that read one weight. */
export interface SearchLayer {
  id: NodeId // of the first
  nodes: readonly NodeId[]
  weight: ValueName
  /** The first that would run it in few bits, by whose rules it is measured alone. */
  target: Target
}

export type Sensitivity = Record<NodeId, Partial<Record<FormatName, Figures>>>

const float: LayerFormats = { weights: 'float32', activations: 'float32' }

/** The choice in which one layer alone is changed, with the function that its kernel computes along. */
export function chooseOnly(model: Model, layer: SearchLayer, formats: (node: Node) => LayerFormats): Choice {
  const { target } = layer
  const outputs = new Set(model.graph.nodes.filter(n => layer.nodes.includes(n.id)).flatMap(n => n.outputs))
  const alone = (node: Node): boolean =>
    layer.nodes.includes(node.id) ||
    (outputs.has(node.inputs[0] ?? null) && target.quant.fused.some(f => f.op === node.op))
  return choose(model, target, node => (alone(node) ? formats(node) : float))
}

/** Measures until all is known or `until` is past; what is missing then was not reached. */
export async function sensitivities(
  model: Model,
  layers: readonly SearchLayer[],
  o: QuantizeOptions & { formats: readonly FormatName[] },
  { raws, sweep, trial, until }: { raws: readonly RawInput[]; sweep: Sweep; trial: Trial; until: number },
  env: StepEnv,
): Promise<Sensitivity> {
  const { ctx } = env
  const stream = openStream(trial.batches, async part => part, ctx, {
    width: ctx.runner.threads,
    largest: Number.POSITIVE_INFINITY,
  })
  const perNode = resolveLayers(model, { ...o, layers: {} })
  const found: Sensitivity = {}
  for (const [done, layer] of layers.entries()) {
    const { target } = layer
    const { live, outputs } = cutAt(model.graph, layer)
    const offered = o.formats.filter(format => format !== 'float32')
    const prepare = async () => {
      const feeds = await arraysAt(stream, model, live, ctx)
      const plans: QuantPlan[] = []
      for (const weights of offered) {
        const choice = chooseOnly(model, layer, node => ({ ...perNode.formats(node), weights }))
        const of = rangesBy(sweep.observations, choice, perNode, o, target, raws)
        plans.push(await decide(model, target, choice, { of }, ctx))
      }
      // All of them: without a refit 7 bits hurt more than 6 with it.
      const rounded = o.repairs.includes('refit')
        ? await refitAlone(model, plans, trial.batches, stream, ctx)
        : plans.map(plan => ({ model, plan }))
      return { feeds, rounded }
    }
    let prepared: ReturnType<typeof prepare> | null = null
    for (const [index, format] of offered.entries()) {
      if (ctx.clock() > until) return found
      const measure = async (): Promise<Figures> => {
        prepared ??= prepare()
        const { feeds, rounded } = await prepared
        const { model: changed, plan } = rounded[index]
        const part = cutGraph(await quantizeModel(changed, plan, ctx.bytes), live, outputs)
        const { sqnrDb, kl } = await trial.compare(part, feeds)
        return { sqnrDb, kl }
      }
      const { formats: _, layers: __, ...options } = o
      const samples = trial.batches.map(b => b.count)
      const key = { stage: 'sensitivity', layer: layer.nodes, format, options, target: target.id, samples }
      found[layer.id] = { ...found[layer.id], [format]: await env.memo(key, measure) }
    }
    ctx.progress({ stage: 'search', done: done + 1, total: layers.length, note: layer.id })
  }
  return found
}

/** Where the graph is cut before a layer: what was made before it and is read from it on, and the outputs that are made from there. */
export function cutAt(graph: Graph, layer: Pick<SearchLayer, 'nodes'>): { live: ValueName[]; outputs: ValueName[] } {
  const first = graph.nodes.findIndex(n => layer.nodes.includes(n.id))
  const made = new Set<ValueName>(graph.inputs.filter(name => !graph.values.get(name)?.data))
  for (const node of graph.nodes.slice(0, first)) for (const name of node.outputs) if (name !== null) made.add(name)
  const wanted = new Set(graph.nodes.slice(first).flatMap(n => [...reads(n)]))
  return {
    live: [...made].filter(name => wanted.has(name)),
    outputs: graph.outputs.filter(name => !made.has(name)),
  }
}

/** What is fed behind a cut, batch by batch. What no later cut would start from is forgotten. */
export async function arraysAt(
  stream: Stream,
  model: Model,
  live: readonly ValueName[],
  ctx: Context,
): Promise<Feeds[]> {
  const feeds: Feeds[] = []
  for await (const { arrays, batch } of stream.run(model, live, live)) feeds[batch] = { ...arrays }
  ctx.signal.throwIfAborted()
  stream.forget(model, live)
  return feeds
}
