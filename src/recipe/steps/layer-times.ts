// Milliseconds that each layer takes here in each of its formats, measured on the layer alone: what rounds its input and output, and what
// restores its weights, is charged to it. Neighbours in integers share some of that, so whole candidates are timed all the same.
import type { Feeds } from '../../ir/context.ts'
import { cutGraph } from '../../ir/cut.ts'
import type { FormatName } from '../../ir/format-names.ts'
import { type Graph, type Model, type Node, reads, type ValueName } from '../../ir/model.ts'
import { latencies } from '../../stages/evaluate/latency.ts'
import type { Sweep } from '../../stages/observe/index.ts'
import type { Choice } from '../../stages/quantize/choose.ts'
import { decide } from '../../stages/quantize/decide.ts'
import { quantizeModel } from '../../stages/quantize/qdq.ts'
import type { RawInput } from '../../stages/quantize/raw-input.ts'
import type { StepEnv } from '../state.ts'
import { rangesBy } from './quantize.ts'
import { type QuantizeOptions, resolveLayers } from './quantize-options.ts'
import { chooseOnly, type SearchLayer } from './sensitivity.ts'

/** `feeds` are of one sample; of layer k the times of `ways[k]`. */
export async function layerTimes(
  model: Model,
  layers: readonly SearchLayer[],
  ways: readonly (readonly FormatName[])[],
  o: QuantizeOptions,
  { feeds, sweep, raws }: { feeds: Feeds; sweep: Sweep; raws: readonly RawInput[] },
  env: StepEnv,
): Promise<number[][]> {
  const { ctx } = env
  const perNode = resolveLayers(model, { ...o, layers: {} })
  const choices = layers.map((layer, k) =>
    ways[k].map(weights => chooseOnly(model, layer, node => ({ ...perNode.formats(node), weights }))),
  )
  const ends = layers.map((layer, k) => endsOf(model.graph, layer, choices[k]))
  const inner = await valuesAt(model, [...new Set(ends.flatMap(e => e.inputs))], feeds, env)
  const times: number[][] = []
  for (const [k, { target }] of layers.entries()) {
    ctx.signal.throwIfAborted()
    const part = cutGraph(model, ends[k].inputs, ends[k].outputs)
    const forms: Model[] = []
    for (const choice of choices[k]) {
      const of = rangesBy(sweep.observations, choice, perNode, o, target, raws)
      forms.push(await quantizeModel(part, await decide(model, target, choice, { of }, ctx), ctx.bytes))
    }
    const timed = await latencies(forms, inner, { runs: 20, budgetMs: 100 }, ctx)
    times.push(timed.map(t => t.median))
    ctx.progress({ stage: 'search', done: k + 1, total: layers.length, note: 'ms' })
  }
  return times
}

/** Values that a layer reads, constants aside, and those that it gives once the function that its kernel computes along is done. */
function endsOf(
  { nodes, values }: Graph,
  layer: SearchLayer,
  choices: readonly Choice[],
): { inputs: ValueName[]; outputs: ValueName[] } {
  const own = nodes.filter(n => layer.nodes.includes(n.id))
  const inputs = own.flatMap(n => [...reads(n)]).filter(name => !values.get(name)?.data)
  // In floats a kernel computes nothing along.
  const last = (n: Node): ValueName | null =>
    choices.flatMap(c => c.chosen.get(n.id)?.output ?? []).find(name => name !== n.outputs[0]) ?? n.outputs[0]
  return { inputs: [...new Set(inputs)], outputs: own.map(last).filter(name => name !== null) }
}

async function valuesAt(model: Model, names: readonly ValueName[], feeds: Feeds, { ctx }: StepEnv): Promise<Feeds> {
  const made = names.filter(name => feeds[name] === undefined)
  if (made.length === 0) return feeds
  const session = await ctx.runner.open(model, { outputs: made })
  try {
    return { ...feeds, ...(await session.run(feeds)) }
  } finally {
    await session.close()
  }
}
