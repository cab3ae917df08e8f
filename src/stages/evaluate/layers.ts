// Where the error enters: for each integer operator its own error on float inputs (local), the error of the whole quantised
// prefix (cumulative), and the shares of its weights and of its input.
//
// Local errors come from one model: the float graph as the trunk, and beside each operator a branch that computes it with
// quantised input, weights and output.

import { elementCount } from '../../base/dtype.ts'
import { type Batch, batches, bytesPerSample, fitting, inOrder } from '../../ir/batches.ts'
import { readFloats } from '../../ir/bytes.ts'
import type { Context, Dataset } from '../../ir/context.ts'
import { edit } from '../../ir/edit.ts'
import { withLevelFunctions } from '../../ir/level-functions.ts'
import type { Model, Node, NodeId, ValueName } from '../../ir/model.ts'
import { bitsOfNumber } from '../../ir/number-format.ts'
import { dequantizeTensor, type QuantParams, type QuantPlan } from '../../ir/quant.ts'
import { unpacked } from '../../ir/tensor.ts'
import { copyConstant, roundTrip } from './branches.ts'
import { ErrorSums } from './errors.ts'

export interface LayerErrors {
  node: NodeId
  op: string
  weightBits: number | null
  activationBits: number
  scheme: string
  sqnrDb: number | null
  cumulativeSqnrDb: number | null
  weightSqnrDb: number | null
  activationSqnrDb: number | null
}

interface Branch {
  node: Node
  weight: ValueName | null
  /** The float value that leaves the operator, behind its fused activation. */
  output: ValueName
  local: ValueName
  input: ValueName | null
  roundedInput: ValueName | null
}

/** Errors per integer operator with weights, in graph order, over the first `count` samples. */
export async function layerErrors(
  float: Model,
  quantized: Model,
  plan: QuantPlan,
  data: Dataset,
  count: number,
  ctx: Context,
): Promise<LayerErrors[]> {
  const { model: trunk, branches } = localBranches(float, quantized, plan)
  if (branches.length === 0) return []
  const cumulative = new Map(branches.flatMap(b => roundedName(float, quantized, b.output)))
  const local = new Map(branches.map(b => [b.node.id, new ErrorSums()]))
  const rounded = new Map(branches.map(b => [b.node.id, new ErrorSums()]))
  const prefix = new Map(branches.map(b => [b.node.id, new ErrorSums()]))

  const trunkOutputs = branches.flatMap(b => [b.output, b.local, ...(b.input ? [b.input, b.roundedInput!] : [])])
  const trunkSession = await ctx.runner.open(trunk, { outputs: trunkOutputs })
  const prefixSession = await ctx.runner.open(quantized, { outputs: [...new Set(cumulative.values())] })
  try {
    let done = 0
    const stream = batches(data, float.graph, 1, { count, signal: ctx.signal })
    const width = fitting(outputBytes, 2 * bytesPerSample(float.graph, trunkOutputs), ctx.runner.threads)
    const both = (batch: Batch) => Promise.all([trunkSession.run(batch.feeds), prefixSession.run(batch.feeds)])
    for await (const { item: batch, result } of inOrder(stream, width, both)) {
      const [exact, approximate] = result
      for (const b of branches) {
        const reference = exact[b.output].data as Float32Array
        local.get(b.node.id)!.add(ctx.kernels, reference, exact[b.local].data as Float32Array)
        if (b.input)
          rounded
            .get(b.node.id)!
            .add(ctx.kernels, floatsOf(exact, batch, b.input), exact[b.roundedInput!].data as Float32Array)
        const name = cumulative.get(b.output)
        if (name) prefix.get(b.node.id)!.add(ctx.kernels, reference, approximate[name].data as Float32Array)
      }
      for (const arrays of result) ctx.runner.discard(arrays)
      done += batch.count
      ctx.progress({ stage: 'evaluate', done, total: Math.min(count, data.size), note: 'errors per layer' })
    }
  } finally {
    await trunkSession.close()
    await prefixSession.close()
  }

  const errors: LayerErrors[] = []
  for (const b of branches) {
    const weight = b.weight ? (plan.weights.get(b.weight) ?? null) : null
    errors.push({
      node: b.node.id,
      op: b.node.op,
      weightBits: weight ? bitsOfNumber(weight.spec.format) : null,
      activationBits: bitsOfActivation(b.input ? plan.activations.get(b.input) : undefined),
      scheme: schemeOf(weight, b.input ? (plan.activations.get(b.input) ?? null) : null),
      sqnrDb: local.get(b.node.id)!.sqnrDb,
      cumulativeSqnrDb: cumulative.has(b.output) ? prefix.get(b.node.id)!.sqnrDb : null,
      weightSqnrDb: b.weight && weight ? await weightError(float, quantized, b, weight, ctx) : null,
      activationSqnrDb: b.input ? rounded.get(b.node.id)!.sqnrDb : null,
    })
  }
  return errors
}

// Of the outputs of all runs under way; a rounded value is as large as what it is rounded of.
const outputBytes = 134217728

function floatsOf(arrays: Record<ValueName, { data: unknown }>, batch: Batch, name: ValueName): Float32Array {
  return (arrays[name]?.data ?? batch.feeds[name].data) as Float32Array
}

function schemeOf(weight: QuantParams | null, activation: QuantParams | null): string {
  const parts: string[] = []
  if (weight) parts.push(`w: ${describe(weight)}`)
  if (activation) parts.push(`a: ${describe(activation)}`)
  return parts.join(', ')
}

function describe({ spec }: QuantParams): string {
  const { format } = spec
  const name = format.kind === 'int' ? `${format.signed ? 's' : 'u'}${format.bits}` : format.name
  return `${name} ${spec.symmetric ? 'symmetric' : 'affine'} per ${spec.granularity.kind}`
}

const bitsOfActivation = (params: QuantParams | undefined): number => (params ? bitsOfNumber(params.spec.format) : 32)

/** The value that stands for `name` in the quantised model: behind the nodes that round it, or itself where it stayed float. */
function roundedName(float: Model, quantized: Model, name: ValueName): [ValueName, ValueName][] {
  const known = new Set(float.graph.nodes.map(n => n.id))
  const rounding = quantized.graph.nodes.filter(n => !known.has(n.id))
  let rounded = name
  for (let next: Node | undefined; (next = rounding.find(n => n.inputs[0] === rounded)); ) rounded = next.outputs[0]!
  return rounded !== name || quantized.graph.nodes.some(n => n.outputs.includes(name)) ? [[name, rounded]] : []
}

function localBranches(float: Model, quantized: Model, plan: QuantPlan): { model: Model; branches: Branch[] } {
  const inQuantized = new Map(quantized.graph.nodes.map(n => [n.id, n]))
  const producers = new Map(quantized.graph.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)))
  const branches: Branch[] = []
  const graph = edit(float.graph, editor => {
    for (const node of float.graph.nodes) {
      const weight = node.inputs[1] && plan.weights.has(node.inputs[1]) ? node.inputs[1] : null
      const low = plan.quantized.has(node.id) || plan.weightOnly.has(node.id)
      if (!low || weight === null) continue
      const twin = inQuantized.get(node.id)!
      const input = node.inputs[0]!
      const roundedInput = plan.quantized.has(node.id) ? roundTrip(editor, input, plan.activations.get(input)) : null
      const inputs = twin.inputs.map((name, i) =>
        i === 0 ? (roundedInput ?? input) : name === null ? null : copyConstant(editor, quantized, producers, name),
      )
      let last = editor.addNode({
        op: node.op,
        name: `${node.id}__local`,
        inputs,
        outputs: [editor.freshName(`${node.id}__local`)],
        attrs: node.attrs,
        origin: node.origin,
      })
      let output = node.outputs[0]!
      const next = editor
        .consumers(output)
        .find(
          n =>
            plan.quantized.has(n.id) &&
            !plan.activations.has(output) &&
            n.inputs[0] === output &&
            n.outputs.length === 1,
        )
      if (next && !plan.weights.has(next.inputs[1] ?? '')) {
        output = next.outputs[0]!
        const copied = [last.outputs[0], ...next.inputs.slice(1)]
        last = editor.addNode({
          op: next.op,
          name: `${next.id}__local`,
          inputs: copied,
          outputs: [editor.freshName(`${next.id}__local`)],
          attrs: next.attrs,
          origin: next.origin,
        })
      }
      const local = roundTrip(editor, last.outputs[0]!, plan.activations.get(output)) ?? last.outputs[0]!
      branches.push({ node, weight, output, local, input: roundedInput ? input : null, roundedInput })
    }
  })
  return { model: withLevelFunctions({ ...float, graph }), branches }
}

/** SQNR of a weight as the quantised model holds it against the float one. */
async function weightError(
  float: Model,
  quantized: Model,
  { node, weight }: Branch,
  params: QuantParams,
  ctx: Context,
): Promise<number> {
  const tensor = float.graph.values.get(weight!)!.data!
  const exact = await readFloats(ctx.bytes, tensor)
  const sums = new ErrorSums()
  sums.add(ctx.kernels, exact, await heldWeight(quantized, node, params, tensor.shape, ctx))
  return sums.sqnrDb
}

async function heldWeight(
  quantized: Model,
  { id }: Node,
  params: QuantParams,
  shape: readonly number[],
  ctx: Context,
): Promise<Float32Array> {
  const { nodes, values } = quantized.graph
  let name = nodes.find(n => n.id === id)!.inputs[1]!
  while (!values.get(name)?.data) name = nodes.find(n => n.outputs.includes(name))!.inputs[0]!
  const codes = values.get(name)!.data!
  return dequantizeTensor(unpacked(codes.dtype, await ctx.bytes.read(codes), elementCount(shape)), shape, params)
}
