// Nodes that depend on constants alone are run once, by the runtime itself, all of them in one small model, and become initializers.
// Left alone: random operators, bodies, dequantised weights (folding would undo their compression), results more than 1 MiB larger
// than what they are made of, and what the runtime refuses.
import { byteLength, bytesOf, type DType, viewAs } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import type { Context } from '../../ir/context.ts'
import { edit } from '../../ir/edit.ts'
import { type Graph, type Model, type Node, reads, subgraphs, type Value, type ValueName } from '../../ir/model.ts'
import { elements, type NdArray } from '../../ir/tensor.ts'
import { isPure } from '../../ops/facts.ts'
import { isFixed } from './known-shape.ts'
import { isOp } from './rule.ts'
import type { Change, Pass, Skipped } from './types.ts'

const mebibyte = 1048576

export const foldConstants = {
  id: 'fold-constants',
  label: 'Compute what depends on constants alone',
  level: 'exact',
  async run(model, ctx) {
    const skipped: Skipped[] = []
    const group = constantNodes(model.graph, skipped)
    if (group.size === 0) return { model, changes: [], skipped }
    ctx.signal.throwIfAborted()
    const results = await evaluate(model, group, ctx, skipped)
    const changes: Change[] = []
    const graph = edit(model.graph, e => {
      for (const [name, array] of results) {
        const node = e.producer(name)
        if (!node) continue
        const size = byteLength(array.dtype, elements(array))
        if (size > group.get(node.id)!.bytes + mebibyte) {
          skipped.push({ node: node.id, why: `its result of ${size} bytes is much larger than what it is made of` })
          continue
        }
        const outputs = node.outputs.filter(o => o !== null && (e.consumers(o).length > 0 || e.isOutput(o)))
        if (!outputs.every(o => o === name || results.has(o!))) continue
        e.removeNode(node.id)
        for (const output of outputs) {
          const { dtype, shape, data } = results.get(output!)!
          e.setValue({ ...e.value(output!), name: output!, dtype, shape, data: { dtype, shape, data: bytesOf(data) } })
        }
        changes.push({ node: node.id, what: `${node.op} of constants` })
      }
    })
    return { model: graph === model.graph ? model : { ...model, graph }, changes, skipped }
  },
} as const satisfies Pass

/** A node to run, and the bytes of the initializers that it is made of. */
interface Foldable {
  node: Node
  bytes: number
}

function constantNodes(graph: Graph, skipped: Skipped[]): Map<string, Foldable> {
  const group = new Map<string, Foldable>()
  const inputs = new Set(graph.inputs)
  const outputs = new Set(graph.outputs)
  const known = new Map<ValueName, number>() // constant values, and the bytes that they are made of
  for (const value of graph.values.values())
    if (value.data && !inputs.has(value.name)) known.set(value.name, byteLength(value.dtype!, elements(value.data)))
  for (const node of graph.nodes) {
    const given = node.inputs.filter(name => name !== null)
    if (isOp(node, 'Constant') || !given.every(name => known.has(name))) continue
    const bytes = given.reduce((sum, name) => sum + known.get(name)!, 0)
    const why = whyNot(node, graph.values, outputs, bytes)
    if (why !== null) {
      skipped.push({ node: node.id, why })
      continue
    }
    group.set(node.id, { node, bytes })
    for (const name of node.outputs) if (name !== null) known.set(name, bytes)
  }
  return group
}

const plain = new Set<DType>([
  'float32',
  'float64',
  'int64',
  'int32',
  'int16',
  'int8',
  'uint64',
  'uint32',
  'uint16',
  'uint8',
  'bool',
])

function whyNot(
  node: Node,
  values: ReadonlyMap<ValueName, Value>,
  outputs: ReadonlySet<ValueName>,
  bytes: number,
): string | null {
  if (subgraphs(node).length > 0) return 'it has a body'
  if (isOp(node, 'QuantizeLinear', 'DequantizeLinear')) return 'it keeps quantised weights small'
  if (!isPure(node)) return `whether ${node.op} gives the same result every time is not known`
  for (const name of node.outputs) {
    if (name === null) continue
    if (outputs.has(name)) return `${name} is an output of the graph`
    const value = values.get(name)
    if (!value?.dtype || !plain.has(value.dtype)) return `the type of ${name} has no plain form`
    const size = isFixed(value.shape) ? byteLength(value.dtype, elements({ shape: value.shape })) : 0
    if (size > bytes + mebibyte) return `its result of ${size} bytes is much larger than what it is made of`
  }
  return null
}

type Lent = Pick<Context, 'bytes' | 'runner' | 'signal'>

/** The values that nodes outside the group read; those of nodes that the runtime refuses are left out and reported. */
async function evaluate(
  model: Model,
  group: ReadonlyMap<string, Foldable>,
  ctx: Lent,
  skipped: Skipped[],
): Promise<Map<ValueName, NdArray>> {
  const nodes = [...group.values()].map(f => f.node)
  const readOutside = new Set<ValueName>()
  for (const node of model.graph.nodes) if (!group.has(node.id)) for (const name of reads(node)) readOutside.add(name)
  const wanted = nodes.flatMap(n => n.outputs).filter(name => name !== null && readOutside.has(name)) as ValueName[]
  if (wanted.length === 0) return new Map()
  try {
    return await runNodes(model, nodes, wanted, new Map(), ctx)
  } catch (refused) {
    if (!isRefusal(refused)) throw refused
  }
  // Something in the group was refused: one at a time, to find which.
  const results = new Map<ValueName, NdArray>()
  for (const node of nodes) {
    ctx.signal.throwIfAborted()
    const outputs = node.outputs.filter(name => name !== null)
    const ready = node.inputs.every(name => name === null || results.has(name) || model.graph.values.get(name)?.data)
    if (!ready) continue
    try {
      for (const [name, array] of await runNodes(model, [node], outputs, results, ctx)) results.set(name, array)
    } catch (refused) {
      if (!isRefusal(refused)) throw refused
      skipped.push({ node: node.id, why: refused.message })
    }
  }
  return new Map([...results].filter(([name]) => readOutside.has(name)))
}

/** The runtime's own no, unlike a cancelled run. */
const isRefusal = (thrown: unknown): thrown is StudioError =>
  thrown instanceof StudioError && ['unsupported', 'malformed', 'out-of-memory'].includes(thrown.code)

/** Runs nodes as a model of their own, without inputs. `known` are results of earlier runs. */
async function runNodes(
  model: Model,
  nodes: readonly Node[],
  outputs: readonly ValueName[],
  known: ReadonlyMap<ValueName, NdArray>,
  ctx: Lent,
): Promise<Map<ValueName, NdArray>> {
  const values = new Map<ValueName, Value>()
  for (const name of [...nodes.flatMap(n => n.inputs), ...outputs]) {
    if (name === null) continue
    const value = model.graph.values.get(name)
    const array = known.get(name)
    if (array) {
      const { dtype, shape, data } = array
      values.set(name, { name, dtype, shape, data: { dtype, shape, data: bytesOf(data) } })
    } else if (value && (value.data || outputs.includes(name))) values.set(name, value)
  }
  const graph: Graph = { name: 'constants', inputs: [], outputs, nodes, values }
  const session = await ctx.runner.open({ ...model, graph, functions: [] }, { optimize: 'none' })
  try {
    const results = await session.run({})
    // The runtime's memory is its own: what stays is copied out.
    return new Map(Object.entries(results).map(([name, array]) => [name, copyOf(array)]))
  } finally {
    await session.close()
  }
}

const copyOf = (array: NdArray): NdArray => ({ ...array, data: viewAs(array.dtype, bytesOf(array.data).slice()) })
