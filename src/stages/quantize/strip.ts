// The float model that a quantised one stands for, and the ranges that its scales say: pairs on activations go, constants behind a
// DequantizeLinear become the reals that they restore. So a model that comes in quantised can be quantised by another target's rules.
import { StudioError } from '../../base/errors.ts'
import { powerOfTwo } from '../../base/math.ts'
import { readFloats } from '../../ir/bytes.ts'
import type { Bytes } from '../../ir/context.ts'
import { type Editor, edit } from '../../ir/edit.ts'
import { attrInt, type Model, type Node, type ValueName } from '../../ir/model.ts'
import type { Range } from '../../ir/quant.ts'
import { elements, floats, type Tensor, tensorOf, unpacked } from '../../ir/tensor.ts'

/** All that the codes of a value can stand for, and the step from one to the next. */
export interface Grid extends Range {
  scale: number
}

export interface Stripped {
  model: Model
  /** By value of the float model. */
  ranges: ReadonlyMap<ValueName, Grid>
  /** Scales of constants whose codes lie around zero, by the constant's name in the float model. */
  scales: ReadonlyMap<ValueName, Float32Array>
}

/** `model` must be inferred. Integer inputs and outputs that only codes reach become floats of the same name. */
export async function stripPairs(model: Model, bytes: Bytes): Promise<Stripped> {
  const { graph } = model
  const constants = new Map<ValueName, Tensor>()
  const scales = new Map<ValueName, Float32Array>()
  const spans = new Map<string, Grid>() // by node
  for (const node of graph.nodes) {
    if (!isPair(node)) continue
    const source = node.inputs[0]!
    const scale = await scaleOf(model, node, bytes)
    const codes = graph.inputs.includes(source) ? null : (graph.values.get(source)?.data ?? null)
    if (node.op === 'DequantizeLinear' && codes) {
      const name = node.outputs[0]!
      constants.set(name, await restored(node, codes, scale, bytes))
      if (Array.from(scale.zeroPoint).every(z => z === 0)) scales.set(name, scale.scale)
    } else spans.set(node.id, gridOf(scale))
  }
  const ranges = new Map<ValueName, Grid>()
  const see = (name: ValueName, range: Grid): void => {
    const known = ranges.get(name)
    // Of two scales for one value the finer one is that of its reader, which loses nothing more.
    if (!known || range.max - range.min < known.max - known.min) ranges.set(name, range)
  }
  const stripped = edit(graph, e => {
    for (const [name, tensor] of constants) {
      const node = e.producer(name)!
      const value = e.value(name)
      e.removeNode(node.id)
      e.setValue({ ...(value ?? { name }), name, dtype: 'float32', shape: tensor.shape, data: tensor })
      dropUnread(e, node)
    }
    for (const [id, span] of spans) {
      const node = e.node(id)!
      // Codes that are moved on their way stand for the same reals; in the float model it is these that are moved.
      for (const name of moved(e, node.op === 'QuantizeLinear' ? node.outputs[0]! : node.inputs[0]!)) {
        const value = e.value(name)
        if (value) e.setValue({ ...value, type: undefined, dtype: 'float32' })
        see(name, span)
      }
      const [from, left] = [node.inputs[0]!, dissolve(e, node)]
      const known = ranges.get(from)
      ranges.delete(from)
      if (known) see(left, known)
      see(left, span)
    }
  })
  const there = new Set([...stripped.inputs, ...stripped.nodes.flatMap(node => node.outputs)])
  return {
    model: { ...model, graph: stripped },
    ranges: new Map([...ranges].filter(([name]) => there.has(name))),
    scales,
  }
}

const isPair = ({ op, domain }: Node): boolean =>
  domain === '' && (op === 'QuantizeLinear' || op === 'DequantizeLinear')

/** Values that hold the codes of `name`, as it is or moved: back to what makes them and on to what restores them. */
function moved(e: Editor, name: ValueName): ReadonlySet<ValueName> {
  const found = new Set<ValueName>()
  const waiting = [name]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (found.has(at) || e.constant(at)) continue
    found.add(at)
    const maker = e.producer(at)
    if (maker && moves.has(maker.op)) waiting.push(...dataOf(maker))
    for (const reader of e.consumers(at))
      if (moves.has(reader.op) && dataOf(reader).includes(at)) waiting.push(...reader.outputs.filter(o => o !== null))
  }
  return found
}

/** Operators that hand codes on as they are. */
export const moves: ReadonlySet<string> = new Set([
  'Identity',
  'Transpose',
  'Reshape',
  'Flatten',
  'Squeeze',
  'Unsqueeze',
  'Slice',
  'Split',
  'Concat',
  'Pad',
  'MaxPool',
  'Gather',
  'Expand',
  'Tile',
  'DepthToSpace',
  'SpaceToDepth',
])

const dataOf = (node: Node): ValueName[] =>
  (node.op === 'Concat' ? node.inputs : node.inputs.slice(0, 1)).filter(name => name !== null)

/** Takes a node out whose output is its input but for the type; the name that is left of the two. */
function dissolve(e: Editor, node: Node): ValueName {
  const [from, to] = [node.inputs[0]!, node.outputs[0]!]
  const asFloat = (name: ValueName): void => {
    const value = e.value(name)
    if (value) e.setValue({ ...value, type: undefined, dtype: 'float32' })
  }
  asFloat(from)
  asFloat(to)
  if (e.isOutput(to)) {
    const maker = e.producer(from)
    const free = maker !== null && !e.isOutput(from)
    e.removeNode(node.id)
    dropUnread(e, node)
    if (!free) {
      e.addNode({ op: 'Identity', name: node.name, inputs: [from], outputs: [to], origin: node.origin })
      return from
    }
    e.replaceUses(from, to)
    e.updateNode(maker.id, { outputs: maker.outputs.map(name => (name === from ? to : name)) })
    return to
  }
  e.replaceUses(to, from)
  e.removeNode(node.id)
  dropUnread(e, node)
  return from
}

function dropUnread(e: Editor, { inputs }: Node): void {
  for (const name of inputs) if (name !== null && e.constant(name) && e.consumers(name).length === 0) e.dropValue(name)
}

interface Scale {
  dtype: string
  scale: Float32Array
  zeroPoint: ArrayLike<number>
}

async function scaleOf({ graph }: Model, node: Node, bytes: Bytes): Promise<Scale> {
  const [, scaleName, zeroName] = node.inputs
  const scale = scaleName ? graph.values.get(scaleName)?.data : null
  const zero = zeroName ? graph.values.get(zeroName)?.data : null
  if (!scale || attrInt(node, 'block_size', 0) > 0)
    throw new StudioError('unsupported', `The scale of ${node.id} is computed at run time, or is one of blocks`, {
      where: { node: node.id },
      hint: 'Convert to a target that takes ONNX as it is: --target onnx.',
    })
  const codes = graph.values.get(node.op === 'QuantizeLinear' ? node.outputs[0]! : node.inputs[0]!)
  const values = await readFloats(bytes, scale)
  return {
    dtype: zero?.dtype ?? codes?.data?.dtype ?? codes?.dtype ?? 'uint8',
    scale: values,
    zeroPoint: zero ? unpacked(zero.dtype, await bytes.read(zero), elements(zero)) : new Int32Array(values.length),
  }
}

function gridOf({ dtype, scale, zeroPoint }: Scale): Grid {
  const bits = Number(/\d+$/.exec(dtype)?.[0] ?? 8)
  const half = powerOfTwo(bits - 1)
  const [least, most] = dtype.startsWith('u') ? [0, 2 * half - 1] : [-half, half - 1]
  return { min: (least - zeroPoint[0]) * scale[0], max: (most - zeroPoint[0]) * scale[0], scale: scale[0] }
}

async function restored(node: Node, codes: Tensor, { scale, zeroPoint }: Scale, bytes: Bytes): Promise<Tensor> {
  const { shape } = codes
  const data = unpacked(codes.dtype, await bytes.read(codes), elements(codes))
  const axis = attrInt(node, 'axis', 1)
  const inner =
    scale.length === 1
      ? data.length
      : shape.slice(((axis + shape.length) % shape.length) + 1).reduce((n, d) => n * d, 1)
  const reals = Float32Array.from(data as ArrayLike<number>, (q, i) => {
    const k = Math.floor(i / inner) % scale.length
    return (q - zeroPoint[k]) * scale[k]
  })
  return tensorOf(floats(shape, reals))
}
