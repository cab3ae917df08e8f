// Which layers the error of a quantised model comes from: each is run in few bits alone, and its share of the noise that reaches the
// outputs is laid beside the others'. Of the worst it is told which of their roundings costs it, and what in the numbers makes it.
import { readFloats } from '../ir/bytes.ts'
import type { Context, Dataset } from '../ir/context.ts'
import { cutGraph } from '../ir/cut.ts'
import type { Graph, Model, NodeId, ValueName } from '../ir/model.ts'
import { bitsOfNumber } from '../ir/number-format.ts'
import type { QuantPlan } from '../ir/quant.ts'
import { openStream, type Stream } from '../ir/stream.ts'
import { weightOf } from '../ops/facts.ts'
import { arraysAt, cutAt } from '../recipe/steps/sensitivity.ts'
import type { Trial } from '../recipe/steps/trial.ts'
import { activationCauses, type Cause, weightCauses } from '../stages/diagnose/causes.ts'
import { alone, type Rounded, type Unit, unitsOf } from '../stages/evaluate/alone.ts'
import { noiseShare } from '../stages/evaluate/errors.ts'
import { channelStatistics } from '../stages/quantize/channel-statistics.ts'

export interface LayerShare {
  node: NodeId
  op: string
  /** Of the outputs, where this layer alone is in few bits. */
  sqnrDb: number
  /** Of the noise that all layers make alone, from 0 to 1. */
  share: number
}

export interface Blamed extends LayerShare {
  /** Which of its roundings costs how much of it, the worst first. */
  roundings: { of: Rounded; share: number }[]
  causes: Cause[]
}

interface Compared {
  float: Model
  quantized: Model
  plan: QuantPlan
}

const kinds: readonly Rounded[] = ['weights', 'input', 'output']
// Fewer than this of the noise is not worth a remedy of its own.
const noticeable = 0.05
const mostBlamed = 3

/** All layers of few bits, the worst first. */
export async function sharesOf(compared: Compared, trial: Trial, ctx: Context): Promise<LayerShare[]> {
  const stream = streamOf(trial, ctx)
  const units = unitsOf(compared.float, compared.plan)
  const alones: { unit: Unit; sqnrDb: number }[] = []
  for (const unit of units) {
    alones.push({ unit, sqnrDb: (await noiseAlone(compared, unit, [kinds], stream, trial, ctx))[0] })
    ctx.progress({ stage: 'diagnose', done: alones.length, total: units.length, note: unit.node.id })
  }
  const all = alones.reduce((sum, { sqnrDb }) => sum + noiseShare(sqnrDb), 0)
  return alones
    .map(({ unit: { node }, sqnrDb }) => ({
      node: node.id,
      op: node.op,
      sqnrDb,
      share: all === 0 ? 0 : noiseShare(sqnrDb) / all,
    }))
    .sort((a, b) => b.share - a.share)
}

/** The worst few, and why. `data` are the samples that ranges were taken from. */
export async function blame(
  compared: Compared,
  shares: readonly LayerShare[],
  trial: Trial,
  data: Dataset,
  ctx: Context,
): Promise<Blamed[]> {
  const { float, plan } = compared
  const worst = new Set(
    shares
      .slice(0, mostBlamed)
      .filter(l => l.share >= noticeable)
      .map(l => l.node),
  )
  const stream = streamOf(trial, ctx)
  const blamed: Blamed[] = []
  for (const unit of unitsOf(float, plan).filter(u => worst.has(u.node.id))) {
    const apart = await noiseAlone(
      compared,
      unit,
      kinds.map(kind => [kind]),
      stream,
      trial,
      ctx,
    )
    const noises = apart.map(noiseShare)
    const sum = noises.reduce((a, b) => a + b, 0)
    const roundings = kinds
      .map((of, i) => ({ of, share: sum === 0 ? 0 : noises[i] / sum }))
      .filter(r => r.share > 0)
      .sort((a, b) => b.share - a.share)
    const causes: Cause[] = []
    for (const { of, share } of roundings)
      if (share >= 0.25) causes.push(...(await causesOf(of, unit, compared, data, ctx)))
    blamed.push({ ...shares.find(l => l.node === unit.node.id)!, roundings, causes })
  }
  return blamed.sort((a, b) => b.share - a.share)
}

const streamOf = (trial: Trial, ctx: Context): Stream =>
  openStream(trial.batches, async part => part, ctx, {
    width: ctx.runner.threads,
    largest: Number.POSITIVE_INFINITY,
  })

/** SQNR of the outputs with one layer alone in few bits, for each set of its roundings. What lies before it is run once. */
async function noiseAlone(
  { float, quantized, plan }: Compared,
  unit: Unit,
  sets: readonly (readonly Rounded[])[],
  stream: Stream,
  trial: Trial,
  ctx: Context,
): Promise<number[]> {
  const { live, outputs } = cutAt(float.graph, { nodes: [unit.node.id] })
  const feeds = await arraysAt(stream, float, live, ctx)
  const found: number[] = []
  for (const set of sets) {
    const model = alone(float, quantized, plan, unit, set)
    found.push((await trial.compare(cutGraph(model, live, outputs), feeds)).sqnrDb)
  }
  return found
}

async function causesOf(
  of: Rounded,
  { node, output }: Unit,
  { float, plan }: Compared,
  data: Dataset,
  ctx: Context,
): Promise<Cause[]> {
  const { graph } = float
  if (of === 'weights') {
    const fact = weightOf(node, graph)
    const params = fact && plan.weights.get(fact.name)
    if (!fact || !params) return []
    const tensor = graph.values.get(fact.name)!.data!
    const { axis, groups } = fact
    return weightCauses({
      data: await readFloats(ctx.bytes, tensor),
      shape: tensor.shape,
      outputs: axis,
      inputs: axis === null || axis > 1 || groups > 1 || tensor.shape.length < 2 ? null : 1 - axis,
      params,
      bits: bitsOfNumber(params.spec.format),
    })
  }
  const causes: Cause[] = []
  for (const name of of === 'output' ? [output] : node.inputs) {
    const params = name === null ? undefined : plan.activations.get(name)
    const axis = name === null ? null : channelAxis(graph, name)
    if (name === null || !params || axis === null) continue
    const samples = { data, count: statisticsOver, batch: 8 }
    const stats = (await channelStatistics(float, new Map([[name, axis]]), samples, ctx)).get(name)
    if (!stats) continue
    const shared = plan.shared.some(set => set.includes(name) && set.length > 1)
    causes.push(...activationCauses({ of, ...stats, params, bits: bitsOfNumber(params.spec.format), shared }))
  }
  return causes
}

const statisticsOver = 64 // samples

/** Where a value's channels lie: second of pictures and of rows, last of sequences. */
function channelAxis({ values, nodes }: Graph, name: ValueName): number | null {
  const rank = values.get(name)?.shape?.length
  if (rank === undefined || rank < 2) return null
  const op = nodes.find(n => n.outputs.includes(name))?.op ?? ''
  return rank === 3 && !op.startsWith('Conv') ? 2 : 1
}
