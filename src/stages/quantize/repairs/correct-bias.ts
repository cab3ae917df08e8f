// Bias correction, measured (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction", section 4.2 and
// appendix D): rounding shifts the mean of a layer's output, and the bias takes that back, b[c] -= mean over samples and positions of
// (Yq - Y)[c]. Layer after layer, Yq computed from what the quantised and already corrected layers before it give.
//
// The quantised model is run once, in pieces from one layer to the next, so that every node is computed once a sample: what is alive
// between two pieces is kept, and the correction is added to it.

import { elementCount } from '../../../base/dtype.ts'
import { batches, each, inOrder } from '../../../ir/batches.ts'
import type { Context, Dataset, Feeds } from '../../../ir/context.ts'
import { cutGraph } from '../../../ir/cut.ts'
import { edit } from '../../../ir/edit.ts'
import { type Model, type Node, type NodeId, reads, requiredInputs, type ValueName } from '../../../ir/model.ts'
import type { NdArray } from '../../../ir/tensor.ts'
import { freeze } from '../../../ops/freeze.ts'
import { infer } from '../../../ops/infer.ts'
import { channelStatistics } from '../channel-statistics.ts'
import { quantizeModel } from '../qdq.ts'
import { correctable, shifted } from './biases.ts'
import type { RepairData, WeightRepair } from './types.ts'

export const correctBias = {
  id: 'correct-bias',
  label: 'Correct biases',
  when: 'after-plan',
  needsData: true,
  async run({ float, model, plan }, samples, ctx) {
    const layers = correctable(model, plan)
    const quantized = infer(await quantizeModel(model, plan, ctx.bytes))
    const pieces = piecesOf(quantized, layers)
    const one = await asFed(quantized, samples!.data, ctx)
    const enough = { ...samples!, count: Math.min(samples!.count, affordable(one, pieces)) }
    const outputs = new Map(layers.map(node => [outputOf(float, node.id), 1]))
    const exact = await channelStatistics(float, outputs, enough, ctx)
    const means = new Map(
      layers.map(({ id }) => {
        const { sum, count } = exact.get(outputOf(float, id))!
        return [id, sum.map(s => s / count)]
      }),
    )
    const shifts = await shiftsOf(quantized, pieces, means, enough, ctx)
    return { ...(await shifted(model, plan, shifts, ctx)), notes: [] }
  },
} as const satisfies WeightRepair

const outputOf = ({ graph }: Model, id: NodeId): ValueName => graph.nodes.find(n => n.id === id)!.outputs[0]!

/** A part of the quantised graph: from what is alive behind the layer before to the output of this one. */
interface Piece {
  layer: NodeId
  output: ValueName
  /** What is alive behind it: made or fed, and still to be read. */
  alive: ValueName[]
}

function piecesOf({ graph }: Model, layers: readonly Node[]): Piece[] {
  const wanted = new Set(layers.map(n => n.id))
  const position = new Map(graph.nodes.map((node, i) => [node.id, i]))
  const last = Math.max(-1, ...layers.map(n => position.get(n.id)!))
  const lastRead = new Map<ValueName, number>()
  for (const [i, node] of graph.nodes.slice(0, last + 1).entries())
    for (const name of reads(node)) lastRead.set(name, i)
  // What comes of constants alone is computed where it is read.
  const constant = new Set(
    [...graph.values.values()].filter(v => v.data && !graph.inputs.includes(v.name)).map(v => v.name),
  )
  const made = requiredInputs(graph)
  const pieces: Piece[] = []
  for (const [i, node] of graph.nodes.slice(0, last + 1).entries()) {
    const fixed = reads(node).every(name => constant.has(name))
    for (const name of node.outputs)
      if (name !== null) {
        if (fixed) constant.add(name)
        else made.push(name)
      }
    if (!wanted.has(node.id)) continue
    const alive = made.filter(name => (lastRead.get(name) ?? -1) > i)
    pieces.push({ layer: node.id, output: node.outputs[0]!, alive })
  }
  return pieces
}

const keptBytes = 268435456 // of all samples between two pieces

/** The model with its inputs as the first sample feeds them, so that shapes are known. */
async function asFed(model: Model, data: Dataset, ctx: Context): Promise<Model> {
  for await (const { feeds } of data.samples({ count: 1, signal: ctx.signal }))
    return freeze(model, Object.fromEntries(requiredInputs(model.graph).map(name => [name, feeds[name].shape])))
  return model
}

/** As many samples as can be kept between two pieces, so far as shapes are known. */
function affordable({ graph }: Model, pieces: readonly Piece[]): number {
  const bytesOf = (name: ValueName): number => {
    const value = graph.values.get(name)
    const shape = value?.shape?.slice(1)
    return shape?.every(d => typeof d === 'number' && d > 0)
      ? elementCount(shape as number[]) * (value?.dtype === 'float32' ? 4 : 1)
      : 0
  }
  const most = Math.max(1, ...pieces.map(p => p.alive.reduce((sum, name) => sum + bytesOf(name), 0)))
  return Math.max(1, Math.floor(keptBytes / most))
}

/** What each layer's output channels are too large by, all layers before it being corrected. */
async function shiftsOf(
  model: Model,
  pieces: readonly Piece[],
  means: ReadonlyMap<NodeId, Float64Array>,
  samples: RepairData,
  ctx: Context,
): Promise<Map<NodeId, Float64Array>> {
  const { data, count, batch } = samples
  let kept: Feeds[] = []
  for await (const { feeds } of batches(data, model.graph, batch, { count, signal: ctx.signal })) kept.push(feeds)
  const shifts = new Map<NodeId, Float64Array>()
  for (const [i, { layer, output, alive }] of pieces.entries()) {
    ctx.signal.throwIfAborted()
    ctx.progress({ stage: 'quantize', done: i, total: pieces.length, note: 'biases' })
    const given = Object.keys(kept[0])
    const outputs = [...new Set([output, ...alive.filter(name => !given.includes(name))])]
    const session = await ctx.runner.open(typed(cutGraph(model, given, outputs), kept[0]))
    const next: Feeds[] = []
    const mean = means.get(layer)!
    const sum = new Float64Array(mean.length)
    let positions = 0
    try {
      for await (const { item, result } of inOrder(each(kept), ctx.runner.threads, feeds => session.run(feeds))) {
        positions += addChannels(sum, result[output])
        next.push(Object.fromEntries(alive.map(name => [name, result[name] ?? item[name]])))
      }
    } finally {
      await session.close()
    }
    const shift = sum.map((s, c) => s / positions - mean[c])
    shifts.set(layer, shift)
    for (const feeds of next) if (feeds[output]) feeds[output] = lessShift(feeds[output], shift)
    kept = next
  }
  return shifts
}

/** A cut graph whose inputs say their types, as they were seen. */
function typed(cut: Model, feeds: Feeds): Model {
  const graph = edit(cut.graph, e => {
    for (const name of cut.graph.inputs) {
      const { dtype, shape } = feeds[name]
      e.setValue({ name, data: null, ...e.value(name), dtype, shape: shape.map(() => null) })
    }
  })
  return { ...cut, graph }
}

/** Channels are axis 1. Calls `visit` with each run of elements of one channel. */
function eachChannel({ shape }: NdArray, visit: (from: number, to: number, channel: number) => void): void {
  const inner = elementCount(shape.slice(2))
  for (let n = 0, from = 0; n < shape[0]; n++)
    for (let c = 0; c < shape[1]; c++, from += inner) visit(from, from + inner, c)
}

function addChannels(sum: Float64Array, array: NdArray): number {
  const x = array.data as Float32Array
  eachChannel(array, (from, to, c) => {
    let part = 0
    for (let i = from; i < to; i++) part += x[i]
    sum[c] += part
  })
  return x.length / sum.length
}

function lessShift(array: NdArray, shift: Float64Array): NdArray {
  const x = (array.data as Float32Array).slice()
  eachChannel(array, (from, to, c) => {
    for (let i = from; i < to; i++) x[i] -= shift[c]
  })
  return { ...array, data: x }
}
