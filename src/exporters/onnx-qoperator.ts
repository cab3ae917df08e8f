// QDQ as operators on codes, which is what ONNX Runtime's optimiser makes of the pairs when it loads a model. Written out, the file says by
// itself what is computed in integers, and runtimes that look for no pairs run it so too. The values are the same to the bit.
//
// https://onnx.ai/onnx/operators/ (QLinearConv, QLinearMatMul), https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md

import { viewAs } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import type { Bytes } from '../ir/context.ts'
import { type Editor, edit } from '../ir/edit.ts'
import { int, type Model, type Node, type ValueName } from '../ir/model.ts'
import { packed, type Tensor } from '../ir/tensor.ts'
import { outputBounds } from '../ops/bounds.ts'

/** A pair's scale and zero point, as initializers of the graph. */
interface Pair {
  codes: ValueName
  scale: ValueName
  zero: ValueName
}

/** An operator with the pairs around it. */
interface Unit {
  node: Node
  inputs: readonly (Pair | null)[]
  /** The function that the codes' bounds stand for. */
  fused: Node | null
  quantize: Node | null
}

const own = 'com.microsoft'

/** By operator: its twin on codes, and whether inputs and output share one scale, so that the operator itself takes codes. */
const twins: Readonly<Record<string, { op: string; domain: string } | 'moves'>> = {
  Conv: { op: 'QLinearConv', domain: '' },
  MatMul: { op: 'QLinearMatMul', domain: '' },
  Gemm: { op: 'QGemm', domain: own },
  Add: { op: 'QLinearAdd', domain: own },
  Mul: { op: 'QLinearMul', domain: own },
  Concat: { op: 'QLinearConcat', domain: own },
  AveragePool: { op: 'QLinearAveragePool', domain: own },
  GlobalAveragePool: { op: 'QLinearGlobalAveragePool', domain: own },
  LeakyRelu: { op: 'QLinearLeakyRelu', domain: own },
  Sigmoid: { op: 'QLinearSigmoid', domain: own },
  ...Object.fromEntries(
    ['MaxPool', 'Flatten', 'Gather', 'Reshape', 'Slice', 'Squeeze', 'Tile', 'Transpose', 'Unsqueeze', 'Expand'].map(
      op => [op, 'moves' as const],
    ),
  ),
}

/** The model with its integer layers as operators on codes. Names of values that stay are kept. */
export async function withQOperators(model: Model, bytes: Bytes): Promise<Model> {
  const narrow = await narrowed(model, bytes)
  let rewritten = 0
  const graph = edit(model.graph, e => {
    for (const node of e.nodes()) {
      const unit = unitOf(node, e, narrow)
      if (!unit || !write(unit, e)) continue
      rewritten++
    }
    dropUnused(e)
  })
  if (rewritten === 0)
    throw new StudioError('bad-recipe', 'No layer can be written in the form qoperator', {
      where: { step: 'export' },
      hint: 'It is for models whose weights and activations have 8 bits.',
    })
  return { ...model, graph, opsets: { ...model.opsets, [own]: 1 } }
}

/** Ids of Relu and Clip nodes whose bounds lie beyond all that the codes behind them can stand for. */
async function narrowed({ graph }: Model, bytes: Bytes): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  const one = async (name: ValueName | null | undefined): Promise<Tensor | null> =>
    (name && graph.values.get(name)?.data) || null
  for (const quantize of graph.nodes.filter(n => n.op === 'QuantizeLinear')) {
    const node = graph.nodes.find(n => n.outputs[0] === quantize.inputs[0])
    const bounds = node && (node.op === 'Relu' || node.op === 'Clip') ? outputBounds(node, graph) : null
    const [scale, zero] = [await one(quantize.inputs[1]), await one(quantize.inputs[2])]
    if (!bounds || !scale || !zero || !/^u?int8$/.test(zero.dtype)) continue
    const [unit] = viewAs('float32', await bytes.read(scale)) as Float32Array
    const [z] = viewAs(zero.dtype, await bytes.read(zero)) as Int8Array
    const [least, most] = zero.dtype === 'uint8' ? [0, 255] : [-128, 127]
    const real = (q: number): number => Math.fround((q - z) * unit)
    if (real(least) >= bounds.min && real(most) <= bounds.max) found.add(node!.id)
  }
  return found
}

function pairOf(name: ValueName | null, e: Editor): Pair | null {
  const node = name === null ? null : e.producer(name)
  if (node?.op !== 'DequantizeLinear' || node.attrs.has('block_size')) return null
  const [codes, scale, zero] = node.inputs
  const type = (e.constant(codes) ?? e.constant(zero ?? null))?.dtype
  if (!codes || !scale || !type || !/^u?int8$/.test(type)) return null
  return { codes, scale, zero: zero ?? zerosBeside(scale, e) }
}

/** Codes of a bias. */
function biasOf(name: ValueName | null, e: Editor): ValueName | null {
  const node = name === null ? null : e.producer(name)
  const codes = node?.op === 'DequantizeLinear' ? node.inputs[0] : null
  return codes && e.constant(codes)?.dtype === 'int32' ? codes : null
}

/** A zero point of zeros beside scales; one initializer serves all of one shape. */
function zerosBeside(scale: ValueName, e: Editor): ValueName {
  const { shape } = e.constant(scale)!
  const name = `zeros_${shape.join('x')}`
  const count = shape.reduce((n, d) => n * d, 1)
  if (!e.constant(name)) e.addInitializer(name, packed('int8', shape, new Int8Array(count)))
  return name
}

function unitOf(node: Node, e: Editor, narrow: ReadonlySet<string>): Unit | null {
  if (!(node.op in twins) || node.domain !== '' || node.outputs.length !== 1) return null
  const inputs = node.inputs.map(name => pairOf(name, e))
  const output = node.outputs[0]!
  const [next, ...others] = e.consumers(output)
  const fused = next && narrow.has(next.id) && others.length === 0 && !e.isOutput(output) ? next : null
  const last = fused?.outputs[0] ?? output
  const readers = e.consumers(last)
  const quantize = readers.length === 1 && readers[0].op === 'QuantizeLinear' && !e.isOutput(last) ? readers[0] : null
  return { node, inputs, fused: quantize ? fused : null, quantize }
}

/** Writes a unit as an operator on codes; false where it has to stay. */
function write({ node, inputs, fused, quantize }: Unit, e: Editor): boolean {
  const twin = twins[node.op]
  const needed = twin === 'moves' ? inputs.slice(0, 1) : inputs.slice(0, node.op === 'Concat' ? undefined : 2)
  if (needed.some(pair => pair === null)) return false
  const [x, w] = inputs
  const [scale, zero] = quantize ? [quantize.inputs[1]!, quantize.inputs[2]!] : [null, null]
  if (scale === null && node.op !== 'Gemm' && node.op !== 'MatMul') return false
  const product = node.op === 'Conv' || node.op === 'Gemm'
  const bias = product ? biasOf(node.inputs[2] ?? null, e) : null
  if (product && node.inputs[2] && bias === null) return false
  const of = (pair: Pair): ValueName[] => [pair.codes, pair.scale, pair.zero]
  const patch = (op: string, domain: string, given: (ValueName | null)[], attrs = node.attrs): boolean => {
    e.removeNode(node.id)
    const outputs = quantize ? [quantize.outputs[0]] : node.outputs
    if (quantize) {
      if (fused) e.removeNode(fused.id)
      e.removeNode(quantize.id)
    }
    e.addNode({ op, domain, name: node.name, inputs: given, outputs, attrs, origin: node.origin })
    return true
  }
  if (twin === 'moves') return patch(node.op, '', [x!.codes, ...node.inputs.slice(1)])
  const { op, domain } = twin
  switch (node.op) {
    case 'Conv':
      return patch(op, domain, [...of(x!), ...of(w!), scale, zero, ...(bias ? [bias] : [])])
    case 'Gemm':
      // The only attributes of QGemm are those that are left at their defaults but for transB.
      return patch(op, domain, [...of(x!), ...of(w!), bias, ...(scale ? [scale, zero] : [])], gemm(node))
    case 'MatMul':
      if (scale === null) {
        const [a, c] = [x!, w!]
        return patch('MatMulIntegerToFloat', own, [a.codes, c.codes, a.scale, c.scale, a.zero, c.zero])
      }
      return patch(op, domain, [...of(x!), ...of(w!), scale, zero])
    case 'Add':
    case 'Mul':
      return patch(op, domain, [...of(x!), ...of(w!), scale, zero])
    case 'Concat':
      return patch(op, domain, [scale, zero, ...inputs.flatMap(pair => of(pair!))])
    default:
      return patch(op, domain, [...of(x!), scale, zero])
  }
}

const gemm = ({ attrs }: Node): Node['attrs'] =>
  new Map([...attrs].filter(([name]) => name === 'transB').concat(attrs.has('transB') ? [] : [['transB', int(0)]]))

/** What restored codes that nobody restores any more, and constants that only that read. */
function dropUnused(e: Editor): void {
  for (const node of e.nodes().reverse()) {
    if (node.op !== 'DequantizeLinear') continue
    const output = node.outputs[0]!
    if (e.consumers(output).length > 0 || e.isOutput(output)) continue
    e.removeNode(node.id)
    for (const name of node.inputs)
      if (name !== null && e.constant(name) && e.consumers(name).length === 0) e.dropValue(name)
  }
}
