// Factors moved between what layers read and their weights: x W = (x / t)(t W), t one number an input channel. Layers that read one value
// (queries, keys and values of an attention) get one t. Where a LayerNormalization or the Add and Mul at its end make the value for them alone,
// t goes into their constants; else a Mul is put before the layers, so that other readers see what they saw.
import { each, inOrder } from '../../../ir/batches.ts'
import type { Bytes, Context } from '../../../ir/context.ts'
import { type Editor, edit } from '../../../ir/edit.ts'
import type { Graph, Model, ValueName } from '../../../ir/model.ts'
import { floats, tensorOf } from '../../../ir/tensor.ts'
import type { Choice } from '../choose.ts'
import { inputMoments, type Moment, type Moments } from './input-moments.ts'
import { floatsOf, type Product, productsOf, withConstants } from './products.ts'
import type { RepairData } from './types.ts'

/** Products that read one value, and nothing but they read their weights. */
export interface Readers {
  input: ValueName
  channels: number
  products: readonly Product[]
}

export function readersOf(graph: Graph, choice: Choice): Readers[] {
  const uses = new Map<ValueName, number>()
  for (const node of graph.nodes)
    for (const name of new Set(node.inputs)) if (name !== null) uses.set(name, (uses.get(name) ?? 0) + 1)
  const groups = new Map<ValueName, Product[]>()
  for (const product of productsOf(graph, choice)) {
    if (uses.get(product.weight) !== 1) continue
    const group = groups.get(product.input)
    if (group) group.push(product)
    else groups.set(product.input, [product])
  }
  return [...groups].map(([input, products]) => ({ input, channels: products[0].inputs, products }))
}

export interface Rescaling<M extends Moment> {
  /** What the method is called. */
  name: string
  moments: readonly M[]
  /** The factors of a group; null where none are better than none. */
  best(readers: Readers, seen: Moments<M>): Promise<Float64Array | null>
}

/** Looks for factors group by group, and moves those that were found. */
export async function rescaleGroups<M extends Moment>(
  model: Model,
  groups: readonly Readers[],
  { name, moments, best }: Rescaling<M>,
  samples: RepairData,
  ctx: Context,
): Promise<{ model: Model; notes: string[] }> {
  if (groups.length === 0) return { model, notes: [] }
  const asked = groups.map(g => ({ value: g.input, channels: g.channels }))
  const seen = await inputMoments(model, asked, moments, samples, ctx)
  const found: { readers: Readers; t: Float64Array }[] = []
  const looking = (readers: Readers): Promise<Float64Array | null> => best(readers, seen.get(readers.input)!)
  let done = 0
  for await (const { item: readers, result: t } of inOrder(each(groups), ctx.runner.threads, looking)) {
    ctx.signal.throwIfAborted()
    if (t) found.push({ readers, t })
    ctx.progress({ stage: 'quantize', done: ++done, total: groups.length, note: name })
  }
  const none = groups.length - found.length
  const notes = none > 0 ? [`${name} left ${none} of ${groups.length} groups of layers as they are.`] : []
  return { model: await rescaled(model, found, ctx.bytes), notes }
}

/** The same function, weights times `t` and their input divided by it. */
async function rescaled(
  model: Model,
  found: readonly { readers: Readers; t: Float64Array }[],
  bytes: Bytes,
): Promise<Model> {
  const constants = new Map<ValueName, Float32Array>()
  const before: { readers: Readers; t: Float64Array }[] = []
  for (const { readers, t } of found) {
    for (const product of readers.products)
      constants.set(product.weight, scaledRows(await floatsOf(model, product.weight, bytes), product, t))
    const makers = foldable(model.graph, readers)
    if (makers === null) before.push({ readers, t })
    else
      for (const name of makers)
        constants.set(
          name,
          (await floatsOf(model, name, bytes)).map((x, i) => x / t[i]),
        )
  }
  const scaled = withConstants(model, constants)
  if (before.length === 0) return scaled
  const graph = edit(scaled.graph, e => {
    for (const { readers, t } of before) putBefore(e, readers, t)
  })
  return { ...scaled, graph }
}

export function scaledRows(
  weights: Float32Array,
  { inputs, outputs, byRow }: Pick<Product, 'inputs' | 'outputs' | 'byRow'>,
  t: Float64Array,
): Float32Array {
  return weights.map((w, i) => w * t[byRow ? i % inputs : Math.floor(i / outputs)])
}

function putBefore(e: Editor, { input, channels, products }: Readers, t: Float64Array): void {
  const factors = tensorOf(
    floats(
      [channels],
      Float32Array.from(t, x => 1 / x),
    ),
  )
  const output = e.freshName(`${input}_smooth`)
  const inputs = [input, e.addInitializer(`${input}_factors`, factors)]
  e.addNode({ op: 'Mul', inputs, outputs: [output], origin: [] })
  const value = e.value(input)
  if (value) e.setValue({ name: output, dtype: value.dtype, shape: value.shape, data: null })
  for (const { node } of products) {
    const current = e.node(node.id)!
    e.updateNode(node.id, { inputs: current.inputs.map((name, i) => (i === 0 ? output : name)) })
  }
}

/** Constants of a normalisation that 1/t goes into; null where something else reads its output, or it is none. */
function foldable(graph: Graph, { input, channels, products }: Readers): ValueName[] | null {
  const readers = (name: ValueName) => graph.nodes.filter(n => n.inputs.includes(name))
  const maker = graph.nodes.find(n => n.outputs[0] === input)
  const own = new Set(products.map(p => p.node.id))
  if (!maker || graph.outputs.includes(input) || readers(input).some(n => !own.has(n.id))) return null
  const vector = (name: ValueName | null | undefined): name is ValueName => {
    const shape = name == null ? undefined : graph.values.get(name)?.data?.shape
    return shape?.length === 1 && shape[0] === channels && readers(name!).length === 1
  }
  if (maker.op === 'LayerNormalization') {
    const parts = maker.inputs.slice(1).filter(name => name !== null)
    return maker.outputs.length === 1 && parts.every(vector) ? parts : null
  }
  if (maker.op !== 'Add') return null
  const beta = maker.inputs.find(vector)
  const product = graph.nodes.find(n => n.op === 'Mul' && maker.inputs.some(name => name === n.outputs[0]))
  const gamma = product?.inputs.find(vector)
  if (!product || beta == null || gamma == null || readers(product.outputs[0]!).length !== 1) return null
  return [gamma, beta]
}
