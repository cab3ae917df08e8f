// BRECQ (Li et al., "Pushing the Limit of Post-Training Quantization by Block Reconstruction", 2021) and QDrop (Wei et al., "Randomly
// Dropping Quantization for Extremely Low-bit Post-Training Quantization", 2022): block after block, fed by what the quantised blocks
// before give. They start from the weights as they are, so that they go on from what a repair before them found.
import { viewAs } from '../../../base/dtype.ts'
import { bytesPerSample, fitting, held, stackable } from '../../../ir/batches.ts'
import { readFloats } from '../../../ir/bytes.ts'
import type { Context } from '../../../ir/context.ts'
import { type Graph, type Node, reads, type ValueName } from '../../../ir/model.ts'
import { hasFreeScale } from '../../../ir/number-format.ts'
import { eachScale, type QuantPlan } from '../../../ir/quant.ts'
import { largestKept, openStream } from '../../../ir/stream.ts'
import type { NdArray } from '../../../ir/tensor.ts'
import type { RoundedRead } from '../../../ir/training.ts'
import { quantizeModel } from '../qdq.ts'
import { type Block, blocksOf } from './blocks.ts'
import { importanceOf } from './importance.ts'
import { type Learned, reconstruct } from './reconstruct.ts'
import { biasSlot, layersOf, within, withWeights } from './refit.ts'
import type { Layer, Work } from './refit-moments.ts'
import { collect } from './samples.ts'
import { aroundIn, hardWeights, soften } from './soft-rounding.ts'
import type { Learning, RepairData, WeightRepair } from './types.ts'

export const brecq = {
  id: 'brecq',
  label: 'BRECQ: learn the rounding of whole blocks together',
  when: 'after-plan',
  needsData: true,
  run: ({ float, model, plan }, samples, ctx, learning) =>
    throughBlocks({ float, model, plan, notes: [] }, samples!, 0, learning, ctx),
} as const satisfies WeightRepair

export const qdrop = {
  id: 'qdrop',
  label: 'QDrop: learn the rounding of whole blocks while activations are rounded at random',
  when: 'after-plan',
  needsData: true,
  run: ({ float, model, plan }, samples, ctx, learning) =>
    throughBlocks({ float, model, plan, notes: [] }, samples!, 0.5, learning, ctx),
} as const satisfies WeightRepair

// Bytes of the values of one run, of which gradients take as much again.
const roomForRun = 134217728

async function throughBlocks(
  work: Work,
  samples: RepairData,
  keep: number,
  learning: Learning,
  ctx: Context,
): Promise<Work> {
  const { float, plan, notes } = work
  const { layers, left } = layersOf(float.graph, plan)
  const roundable = layers.filter(layer => aroundOf(layer, plan) !== null)
  const blocks = blocksOf(work.model.graph, roundable, learning.training)
  const known = new Set(blocks.flatMap(b => b.layers.map(l => l.node.id)))
  for (const { node, why } of left) notes.push(`The rounding of the layer ${node} is not learned: ${why}.`)
  for (const { node } of layers)
    if (!known.has(node.id)) notes.push(`The rounding of the layer ${node.id} is not learned: it has no gradient here.`)
  const given = await held(float.graph, samples, ctx)
  const streaming = { width: ctx.runner.threads, largest: largestKept }
  const exact = openStream(given, async part => part, ctx, streaming)
  const rounded = openStream(
    given,
    part => quantizeModel(part, within(work.plan, part.graph), ctx.bytes),
    ctx,
    streaming,
  )
  const stacks = stackable(float.graph)
  const importance = learning.loss === 'fisher' ? await importanceOf(float, blocks, given, learning, ctx) : null
  if (typeof importance === 'string') notes.push(importance)
  const learn = async (block: Block, done: number): Promise<[number, number]> => {
    const { inputs, output } = block
    const name = block.layers.map(l => l.node.id).join(', ')
    const mixes = keep > 0
    const fromFloat = mixes ? [...new Set([...inputs, output])] : [output]
    const wanted = await collect(exact, float, fromFloat, mixes ? inputs : [output], given)
    const seen = {
      inputs: await collect(rounded, work.model, inputs, inputs, given),
      exact: mixes ? wanted : null,
      target: wanted.get(output)!,
      importance: importance instanceof Map ? (importance.get(output) ?? null) : null,
    }
    const learned = await Promise.all(block.layers.map(layer => learnedOf(layer, work, ctx)))
    const nodes = withBiases(block, learned)
    const constants = await constantsOf(nodes, work.model.graph, ctx)
    const names = new Set(learned.flatMap(p => [p.weight, ...(p.bias ? [p.bias.name] : [])]))
    const networkFor = (kept: number) =>
      learning.training.network(nodes, names, readsOf(nodes, work, kept), ctx.kernels)
    const networks = { network: networkFor(keep), still: networkFor(0) }
    const note = `${done + 1}/${blocks.length}: ${name}`
    const progress = (step: number): void => {
      const steps = { done: done * learning.iterations + step, total: blocks.length * learning.iterations }
      ctx.progress({ stage: 'quantize', ...steps, note })
    }
    const rng = ctx.rng.fork('reconstruct').fork(name)
    const bytes = bytesPerSample(
      work.model.graph,
      nodes.flatMap(n => n.outputs as ValueName[]),
    )
    const group = stacks ? fitting(roomForRun, bytes, learning.batch) : 1
    const options = { keep, group, rng, progress }
    const errors = reconstruct(block, networks, constants, learned, seen, learning, options, ctx)
    write(block, learned, work)
    const size = Math.max(1e-30, meanSquare(seen.target.data))
    return [errors.before / size, errors.after / size]
  }
  let [before, after] = [0, 0]
  for (const [index, block] of blocks.entries()) {
    const [was, is] = await learn(block, index)
    before += was
    after += is
    const later = blocks.slice(index + 1)
    exact.forget(
      float,
      later.flatMap(b => (keep > 0 ? [...b.inputs, b.output] : [b.output])),
    )
    rounded.forget(
      work.model,
      later.flatMap(b => b.inputs),
    )
  }
  if (blocks.length > 0)
    notes.push(
      `Learned rounding of ${blocks.length} blocks: the squared error of their outputs fell to ${percent(after, before)} % of what it was.`,
    )
  return work
}

const percent = (after: number, before: number): string => (before > 0 ? (100 * after) / before : 100).toFixed(0)

function meanSquare(data: Float32Array): number {
  let sum = 0
  for (const x of data) sum += x * x
  return sum / Math.max(1, data.length)
}

function aroundOf({ weight }: Layer, plan: QuantPlan) {
  const { spec, zeroPoint } = plan.weights.get(weight)!
  return zeroPoint.every(z => z === 0) ? aroundIn(spec.format, spec.restricted, 0) : null
}

/** A layer as it stands, its bias spread over all channels; without one it gets one. */
async function learnedOf(layer: Layer, work: Work, ctx: Context): Promise<Learned> {
  const { node, shape, weight, output } = layer
  const { graph } = work.model
  const tensor = graph.values.get(weight)!.data!
  const params = work.plan.weights.get(weight)!
  const scaleAt = new Uint32Array(tensor.shape.reduce((n, d) => n * d, 1))
  eachScale(tensor.shape, params, (from, to, k) => scaleAt.fill(k, from, to))
  const weights = await readFloats(ctx.bytes, tensor)
  const origin = await readFloats(ctx.bytes, work.float.graph.values.get(weight)!.data!)
  const slot = biasSlot(node)
  const name = slot === null ? null : (graph.nodes.find(n => n.id === node.id)!.inputs[slot] ?? null)
  const channels = shape.groups * shape.channels
  const old = name === null ? null : await readFloats(ctx.bytes, graph.values.get(name)!.data!)
  const data = Float32Array.from({ length: channels }, (_, c) => (old ? old[old.length === 1 ? 0 : c] : 0))
  return {
    node: node.id,
    output,
    weight,
    shape: tensor.shape,
    soft: soften(weights, origin, scaleAt, params.scale, aroundOf(layer, work.plan)!),
    free: hasFreeScale(params.spec.format),
    bias: slot === null ? null : { name: `${node.id}/learned_bias`, data },
  }
}

/** The nodes of a block, their layers reading the biases that are learned. */
function withBiases(block: Block, parts: readonly Learned[]): Node[] {
  const biases = new Map(parts.map(p => [p.node, p.bias]))
  return block.nodes.map(node => {
    const bias = biases.get(node.id)
    return bias ? { ...node, inputs: [node.inputs[0], node.inputs[1], bias.name] } : node
  })
}

async function constantsOf(nodes: readonly Node[], graph: Graph, ctx: Context): Promise<Map<ValueName, NdArray>> {
  const constants = new Map<ValueName, NdArray>()
  for (const name of new Set(nodes.flatMap(reads))) {
    const tensor = graph.values.get(name)?.data
    if (!tensor) continue
    const { dtype, shape } = tensor
    constants.set(name, { dtype, shape, data: viewAs(dtype, await ctx.bytes.read(tensor)) })
  }
  return constants
}

/** Which values the nodes read rounded: what an integer node makes all of them do, all else those that the plan names. */
export function readsOf(
  nodes: readonly Node[],
  { model, plan }: Pick<Work, 'model' | 'plan'>,
  keep: number,
): Map<ValueName, RoundedRead> {
  const makers = new Map(model.graph.nodes.flatMap(n => n.outputs.map(o => [o, n.id] as const)))
  return new Map(
    [...plan.activations].map(([name, params]) => {
      const maker = makers.get(name)
      const all = maker !== undefined && plan.integer.has(maker) && !plan.floatOutputs
      const readers = nodes.filter(n => n.inputs.includes(name) && (all || plan.quantized.has(n.id)))
      return [name, { params, readers: new Set(readers.map(n => n.id)), keep }]
    }),
  )
}

/** What was learned, into the model and the plan. */
function write(block: Block, parts: readonly Learned[], work: Work): void {
  for (const [i, { weight, soft, bias }] of parts.entries()) {
    const params = work.plan.weights.get(weight)!
    work.plan = { ...work.plan, weights: new Map([...work.plan.weights, [weight, { ...params, scale: soft.scales }]]) }
    const at = bias === null ? null : biasSlot(block.layers[i].node)!
    work.model = withWeights(
      work,
      block.layers[i].node,
      weight,
      hardWeights(soft),
      at === null ? null : { at, data: bias!.data },
    )
  }
}
