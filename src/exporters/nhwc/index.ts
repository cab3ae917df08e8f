// From the graph to kernels on channels-last tensors: QuantizeLinear and DequantizeLinear folded into scales of tensors, layouts chosen
// so that transposes vanish, activation functions fused. What computes on codes is what the integer executor computes on codes
// (src/stages/simulate), so that its preview is what these kernels give.
import type { Model, Node, ValueName } from '../../ir/model.ts'
import { requiredInputs } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'
import { convolutions } from './convolutions.ts'
import { elementwises } from './elementwise.ts'
import { Kernel, type Rule } from './kernel.ts'
import { type Form, Lowering, quantOf, Refusal } from './lowering.ts'
import { movements } from './movement.ts'
import { isDequantize, isQuantize, type Params, type Unit } from './pairs.ts'
import type { NhwcProgram } from './types.ts'

const rules: Readonly<Record<string, Rule>> = { ...convolutions, ...elementwises, ...movements }

/** Operators of the standard domain that can be written. */
export const knownOps: readonly string[] = Object.keys(rules)

export interface Refused {
  node: Node
  why: string
  fix?: string
}

export interface Lowered {
  program: NhwcProgram
  /** Nodes that have no kernel; the program is whole only where there are none. */
  refused: readonly Refused[]
  /** The form in which the program takes and gives inputs and outputs of the model: channels last where images are computed on. */
  forms: ReadonlyMap<ValueName, Form>
  /** The form in which a tensor of the program holds a value of the model; null for what was added. */
  formOf(tensor: number): Form | null
}

export interface LowerOptions {
  /** 'integer': edges that are codes inside are codes outside too. */
  io: 'float' | 'integer'
  /** Weights of int8 go beside floats as they are: the kernels round activations as they go. */
  hybrid?: boolean
  read(tensor: Tensor): Uint8Array
}

/** `model` is inferred, and all its shapes are known. */
export function lower(model: Model, { io, hybrid = false, read }: LowerOptions): Lowered {
  const g = new Lowering(model, read, hybrid)
  const { graph } = model
  const refused: Refused[] = []
  const inputs = new Map<ValueName, number>()
  const codesGiven = new Set<ValueName>()
  const attempt = (node: Node, work: () => void): void => {
    g.begin(node)
    try {
      work()
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      refused.push({ node, why: error.why, fix: error.fix })
      // What reads it is not to blame.
      for (const name of node.outputs) if (name !== null) g.tensorOf(name, 'plain', null, g.dtypeOr(name, 'float32'))
    }
  }

  for (const name of requiredInputs(graph)) {
    const form: Form = isImage(g, name) ? 'nhwc' : 'plain'
    const readers = g.pairs.readersOf(name)
    const only = g.pairs.onlyReader(name)
    const quantizer = io === 'integer' && only && isQuantize(only) ? only : null
    if (quantizer) codesGiven.add(quantizer.outputs[0]!)
    const pair = quantizer ?? readers.find(isDequantize)
    const params = pair ? g.pairs.params(pair) : null
    const own = quantizer?.outputs[0] ?? name
    inputs.set(
      name,
      io === 'float' && g.dtype(name) === 'uint8' && params
        ? unsignedInput(g, name, form, params)
        : g.tensorOf(own, form, params, g.dtype(name)),
    )
  }

  const done = new Set<Node>()
  for (const node of graph.nodes) {
    if (done.has(node) || isDequantize(node)) continue
    if (isQuantize(node)) {
      if (!codesGiven.has(node.outputs[0]!)) attempt(node, () => quantize(g, node))
      continue
    }
    // Numbers of 16 bits behind weights: where they are read.
    if (node.op === 'Cast' && g.pairs.constant(node.inputs[0])?.dtype === 'float16') continue
    attempt(node, () => {
      for (const part of kernelOf(g, node)) done.add(part)
    })
  }

  const forms = new Map<ValueName, Form>(requiredInputs(graph).map(name => [name, isImage(g, name) ? 'nhwc' : 'plain']))
  const outputs = graph.outputs.map(name => {
    const operand = g.pairs.operand(name)
    const form = g.home(operand?.codes ?? name) === 'nhwc' && g.rank(name) === 4 ? 'nhwc' : 'plain'
    forms.set(name, form)
    if (io === 'integer' && operand && !operand.constant) return g.stored(operand.codes, form)
    const producer = g.pairs.producer(name)
    if (producer) g.begin(producer)
    return g.input(name, form, g.rank(name))
  })
  const program = { tensors: g.tensors, operators: g.operators, inputs: [...inputs.values()], outputs }
  return { program, refused, forms, formOf: g.formOf }
}

/** Pixels and other unsigned codes are taken as they are, and counted from the middle then. */
function unsignedInput(g: Lowering, name: ValueName, form: Form, params: Params): number {
  const shape = g.shapeIn(g.shape(name), form)
  const quant = { ...quantOf(params), zeroPoint: params.zeroPoint.map(z => z + 128) }
  const index = g.add({ name: g.fresh(name), shape, dtype: 'uint8', quant, data: null, value: name })
  g.emit('QUANTIZE', [index], [g.tensorOf(name, form, params, 'int8')], {})
  return index
}

/** Reals to codes, or codes to others. */
function quantize(g: Lowering, node: Node): void {
  const [from, output] = [node.inputs[0]!, node.outputs[0]!]
  const params = g.pairs.params(node)
  if (!params || params.scale.length > 1) throw new Refusal('its scale is computed at run time, or there are several')
  const operand = g.pairs.operand(from)
  const form = g.home(operand?.codes ?? from)
  const x = operand ? g.codes(operand, form, g.rank(from)) : g.real(from, form)
  g.flattenedAs(operand?.codes ?? from, output)
  const { quant, dtype } = g.tensors[x]
  if (
    dtype === params.dtype &&
    quant &&
    quant.scale[0] === params.scale[0] &&
    quant.zeroPoint[0] === params.zeroPoint[0]
  ) {
    g.alias(output, form, x)
    return
  }
  g.emit('QUANTIZE', [x], [g.tensorOf(output, form, params, params.dtype)], {})
}

/** Emits the kernel of a node; the nodes behind it that are part of it. */
function kernelOf(g: Lowering, node: Node): readonly Node[] {
  const rule = node.domain === '' || node.domain === 'ai.onnx' ? rules[node.op] : undefined
  if (!rule) throw new Refusal(`there is no kernel for ${node.op}`)
  const found = rule.data === undefined ? null : g.pairs.unit(node, rule.data, rule.alike)
  const unit = found && refusal(g, node, rule, found) === null ? found : null
  if (unit) {
    rule.lower(new Kernel(g, node, unit, unit.fused, unit.output, rule.fuses ?? false))
    return unit.parts
  }
  const output = node.outputs[0]!
  const next = rule.fuses && node.outputs.length === 1 ? g.pairs.onlyReader(output) : null
  const fused = next && (next.op === 'Relu' || next.op === 'Clip') ? g.pairs.fusedOf(next) : null
  // An activation function that is a kernel of integers behind it would be computed elsewhere then.
  const kernel =
    fused && next
      ? new Kernel(g, node, null, fused, next.outputs[0]!, true)
      : new Kernel(g, node, null, 'none', output, rule.fuses ?? false)
  rule.lower(kernel)
  return fused && next ? [next] : []
}

/** Why a kernel does not compute on the codes around it. */
function refusal(g: Lowering, node: Node, rule: Rule, unit: Unit): string | null {
  const { params } = unit
  const x = unit.inputs[0]!
  if (x.dtype !== 'int8' && x.dtype !== 'int16') return `its activations are ${x.dtype}`
  if (params.dtype !== x.dtype) return 'its input and output are of different types'
  if (x.dtype === 'int16' && (unit.inputs.some(o => o?.zeroPoint.some(z => z !== 0)) || params.zeroPoint[0] !== 0))
    return 'activations of 16 bits must be symmetric'
  if (unit.inputs.some((o, i) => o && !o.constant && i !== 2 && o.scale.length > 1))
    return 'an activation has several scales'
  return rule.refuses?.(new Kernel(g, node, unit, unit.fused, unit.output, false), unit) ?? null
}

const spatial = new Set([
  'Conv',
  'ConvTranspose',
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'GlobalMaxPool',
  'Resize',
  'Upsample',
  'DepthToSpace',
  'SpaceToDepth',
])
const through = new Set([
  'QuantizeLinear',
  'DequantizeLinear',
  'Relu',
  'Clip',
  'Sigmoid',
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Pad',
  'BatchNormalization',
  'Cast',
  'Identity',
  'PRelu',
  'LeakyRelu',
])

/** Whether an input of rank 4 is computed on as an image before its layout matters to anything else. */
function isImage(g: Lowering, name: ValueName, seen = new Set<ValueName>()): boolean {
  if (seen.has(name) || g.rank(name) !== 4) return false
  seen.add(name)
  return g.pairs
    .readersOf(name)
    .some(node => spatial.has(node.op) || (through.has(node.op) && isImage(g, node.outputs[0]!, seen)))
}
