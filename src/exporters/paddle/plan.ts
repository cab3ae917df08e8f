// A graph as operators of a Paddle program: those that networks for images are made of. Every shape is known.
import { knows, type PaddleAttr, type PaddleOp, type PaddleProgram, type PaddleVar } from '../../formats/paddle.ts'
import {
  attrFloat,
  attrInt,
  attrInts,
  attrString,
  type Model,
  type Node,
  requiredInputs,
  type ValueName,
} from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'
import { GraphView, Refused, refusalOf } from '../graph-view.ts'
import type { Problem } from '../types.ts'
import { type Window, windowOf } from '../window.ts'

const source = 'github.com/PaddlePaddle/Paddle/blob/develop/paddle/phi/ops/yaml/op_compat.yaml'

/** A tensor of the graph under its name in the file. */
export interface Parameter {
  name: string
  tensor: Tensor
}

export interface Planned {
  program: PaddleProgram
  parameters: readonly Parameter[]
  names: ReadonlyMap<ValueName, string>
  problems: readonly Problem[]
}

const int = (value: number): PaddleAttr => ({ int: value })
const ints = (values: readonly number[]): PaddleAttr => ({ ints: values })
const float = (value: number): PaddleAttr => ({ float: value })
const flag = (value: boolean): PaddleAttr => ({ flag: value })
const text = (value: string): PaddleAttr => ({ text: value })

class Plan {
  readonly vars: PaddleVar[] = []
  readonly ops: PaddleOp[] = []
  readonly parameters: Parameter[] = []
  readonly names = new Map<ValueName, string>()
  private readonly taken = new Set(['feed', 'fetch'])

  constructor(
    readonly view: GraphView,
    readonly opset: number,
  ) {}

  fresh(wish: string): string {
    const plain = wish.replace(/[^\w.]/g, '_') || 'value'
    let name = plain
    for (let i = 1; this.taken.has(name); i++) name = `${plain}_${i}`
    this.taken.add(name)
    return name
  }

  /** The variable that a value is; constants become parameters when they are first read. */
  variable(value: ValueName): string {
    const known = this.names.get(value)
    if (known !== undefined) return known
    const tensor = this.view.constant(value)
    if (!tensor) throw new Refused(`no node gives ${value}`, 'Check the model and export it again.')
    const name = this.parameter(value, tensor)
    this.names.set(value, name)
    return name
  }

  private parameter(wish: string, tensor: Tensor): string {
    if (!knows(tensor.dtype))
      throw new Refused(`its constant ${wish} is of ${tensor.dtype}`, 'Export the model in floats.')
    const name = this.fresh(wish)
    this.parameters.push({ name, tensor })
    this.vars.push({ name, dtype: tensor.dtype, shape: tensor.shape, parameter: true })
    return name
  }

  /** A variable for what a node gives, or for what is on the way to it. */
  give(wish: string, shape: readonly number[], value: ValueName | null = null): string {
    const dtype = (value !== null && this.view.graph.values.get(value)?.dtype) || 'float32'
    if (!knows(dtype)) throw new Refused(`it gives ${dtype}`, 'Export the model in floats.')
    const name = this.fresh(wish)
    this.vars.push({ name, dtype, shape, parameter: false })
    if (value !== null) this.names.set(value, name)
    return name
  }

  add(type: string, inputs: PaddleOp['inputs'], outputs: PaddleOp['outputs'], attrs: PaddleOp['attrs'] = {}): void {
    this.ops.push({ type, inputs, outputs, attrs })
  }
}

/** One node and what a rule asks of it. */
class At {
  constructor(
    readonly node: Node,
    readonly plan: Plan,
  ) {}
  name(input: number): ValueName {
    return this.node.inputs[input] ?? this.refuse(`its input ${input} is missing`)
  }
  has(input: number): boolean {
    return this.node.inputs[input] != null
  }
  x(input = 0): string {
    return this.plan.variable(this.name(input))
  }
  shape(input = 0): number[] {
    return this.plan.view.shape(this.name(input))
  }
  get to(): number[] {
    return this.plan.view.shape(this.node.outputs[0]!)
  }
  numbers(input: number, what: string): readonly number[] {
    return (
      this.plan.view.numbers(this.node.inputs[input]) ??
      this.refuse(`its ${what} is computed, where a constant is needed`)
    )
  }
  list(attribute: string, input: number): readonly number[] | null {
    return attrInts(this.node, attribute) ?? (this.has(input) ? this.numbers(input, attribute) : null)
  }
  axis(value: number): number {
    return value < 0 ? value + this.shape().length : value
  }
  /** The operator that makes the node's first output. */
  give(type: string, inputs: PaddleOp['inputs'], attrs: PaddleOp['attrs'] = {}, output = 'Out'): void {
    const value = this.node.outputs[0]!
    const out = this.plan.give(value, this.to, value)
    this.plan.add(type, inputs, { [output]: [out], ...this.shadow(type) }, attrs)
  }
  /** An operator on the way to it. */
  step(
    type: string,
    inputs: PaddleOp['inputs'],
    shape: readonly number[],
    attrs: PaddleOp['attrs'],
    output = 'Out',
  ): string {
    const out = this.plan.give(`${this.node.outputs[0]}_${type}`, shape)
    this.plan.add(type, inputs, { [output]: [out] }, attrs)
    return out
  }
  /** Operators that only rename axes keep the shape that was, for gradients. */
  private shadow(type: string): PaddleOp['outputs'] {
    if (!/2$/.test(type)) return {}
    return { XShape: [this.plan.give(`${this.node.outputs[0]}_shape`, [0, ...this.shape()])] }
  }
  refuse(why: string, fix?: string): never {
    throw new Refused(why, fix)
  }
}

type Rule = (n: At) => void

const unary =
  (type: string, attrs: PaddleOp['attrs'] = {}): Rule =>
  n =>
    n.give(type, { X: [n.x()] }, attrs)

/** The one of higher rank comes first: Paddle broadcasts the second. */
const binary =
  (type: string): Rule =>
  n =>
    n.give(`elementwise_${type}`, { X: [n.x(0)], Y: [n.x(1)] }, { axis: int(-1) })

/** One number an axis where both sides are padded alike, as most programs have it. */
const sides = ({ begins, ends }: Window): readonly number[] =>
  begins.every((b, i) => b === ends[i]) ? begins : begins.flatMap((b, i) => [b, ends[i]])

function twoAxes(n: At): void {
  if (n.shape().length !== 4) n.refuse('it is not over images of height and width')
}

/** The product, and the bias added along the channels. */
function biased(n: At, type: string, inputs: PaddleOp['inputs'], attrs: PaddleOp['attrs']): void {
  if (!n.has(2)) n.give(type, inputs, attrs, 'Output')
  else {
    const product = n.step(type, inputs, n.to, attrs, 'Output')
    n.give('elementwise_add', { X: [product], Y: [n.x(2)] }, { axis: int(1) })
  }
}

const conv: Rule = n => {
  twoAxes(n)
  if (!n.plan.view.constant(n.name(1))) n.refuse('its weights are computed, where constants are needed')
  const window = windowOf(n.node, n.shape(1).slice(2), n.shape().slice(2), n.to.slice(2))
  const group = attrInt(n.node, 'group', 1)
  const depthwise = group > 1 && group === n.shape()[1]
  biased(
    n,
    depthwise ? 'depthwise_conv2d' : 'conv2d',
    { Input: [n.x()], Filter: [n.x(1)] },
    {
      strides: ints(window.strides),
      paddings: ints(sides(window)),
      dilations: ints(window.dilations),
      groups: int(group),
      data_format: text('NCHW'),
      padding_algorithm: text('EXPLICIT'),
    },
  )
}

function pooled(n: At, attrs: PaddleOp['attrs']): void {
  twoAxes(n)
  const kernel = attrInts(n.node, 'kernel_shape') ?? n.refuse('it has no kernel_shape')
  const window = windowOf(n.node, kernel, n.shape().slice(2), n.to.slice(2))
  if (window.dilations.some(d => d !== 1)) n.refuse('it has dilations')
  const up = window.over.some(o => o > 0)
  n.give(
    'pool2d',
    { X: [n.x()] },
    {
      ksize: ints(kernel),
      strides: ints(window.strides),
      paddings: ints(sides(window)),
      ceil_mode: flag(up),
      global_pooling: flag(false),
      adaptive: flag(false),
      data_format: text('NCHW'),
      padding_algorithm: text('EXPLICIT'),
      ...attrs,
    },
  )
}

const globalPool =
  (type: 'avg' | 'max'): Rule =>
  n => {
    twoAxes(n)
    const whole = n.shape().slice(2)
    n.give(
      'pool2d',
      { X: [n.x()] },
      {
        pooling_type: text(type),
        ksize: ints(whole),
        strides: ints([1, 1]),
        paddings: ints([0, 0]),
        exclusive: flag(true),
        global_pooling: flag(true),
        adaptive: flag(false),
        ceil_mode: flag(false),
        data_format: text('NCHW'),
        padding_algorithm: text('EXPLICIT'),
      },
    )
  }

const gemm: Rule = n => {
  if (attrFloat(n.node, 'alpha', 1) !== 1 || (n.has(2) && attrFloat(n.node, 'beta', 1) !== 1))
    n.refuse('it scales its product or its bias', 'Optimise the model first.')
  const attrs = { trans_x: flag(attrInt(n.node, 'transA', 0) === 1), trans_y: flag(attrInt(n.node, 'transB', 0) === 1) }
  const inputs = { X: [n.x()], Y: [n.x(1)] }
  if (!n.has(2)) return n.give('matmul_v2', inputs, attrs)
  n.give('elementwise_add', { X: [n.step('matmul_v2', inputs, n.to, attrs)], Y: [n.x(2)] }, { axis: int(-1) })
}

const reshape: Rule = n => n.give('reshape2', { X: [n.x()] }, { shape: ints(n.to) })

const clip: Rule = n => {
  const bound = (name: string, input: number, none: number): number =>
    n.node.attrs.has(name) ? attrFloat(n.node, name, none) : n.has(input) ? n.numbers(input, name)[0] : none
  n.give('clip', { X: [n.x()] }, { min: float(bound('min', 1, -3.4e38)), max: float(bound('max', 2, 3.4e38)) })
}

const softmax: Rule = n => {
  const axis = n.axis(attrInt(n.node, 'axis', n.plan.opset < 13 ? 1 : -1))
  if (
    n.plan.opset < 13 &&
    n
      .shape()
      .slice(axis + 1)
      .some(size => size !== 1)
  )
    n.refuse('it goes over several axes')
  n.give('softmax', { X: [n.x()] }, { axis: int(axis) })
}

const slice: Rule = n => {
  const starts = n.list('starts', 1)
  const ends = n.list('ends', 2)
  if (starts === null || ends === null) return n.refuse('it has no bounds')
  const axes = (n.list('axes', 3) ?? starts.map((_, i) => i)).map(axis => n.axis(axis))
  const steps = n.list('steps', 4) ?? starts.map(() => 1)
  if (steps.some(step => step < 1)) n.refuse('it goes backwards')
  const within = (value: number, axis: number): number => {
    const size = n.shape()[axis]
    return Math.min(size, Math.max(0, value < 0 ? value + size : value))
  }
  const bounds = {
    axes: ints(axes),
    starts: ints(starts.map((value, i) => within(value, axes[i]))),
    ends: ints(ends.map((value, i) => within(value, axes[i]))),
    infer_flags: ints(axes.map(() => 1)),
    decrease_axis: ints([]),
  }
  if (steps.every(step => step === 1)) n.give('slice', { Input: [n.x()] }, bounds)
  else n.give('strided_slice', { Input: [n.x()] }, { ...bounds, strides: ints(steps) })
}

const pad: Rule = n => {
  const mode = attrString(n.node, 'mode', 'constant')
  if (mode !== 'constant' || n.has(3)) n.refuse(`it pads in the mode ${mode}`)
  const pads = n.list('pads', 1) ?? n.refuse('its pads are not known')
  const rank = n.shape().length
  if (pads.some(p => p < 0)) n.refuse('it pads by less than nothing', 'Crop before it.')
  const value = n.has(2) ? n.numbers(2, 'value')[0] : attrFloat(n.node, 'value', 0)
  const each = Array.from({ length: rank }, (_, i) => [pads[i], pads[rank + i]]).flat()
  n.give('pad', { X: [n.x()] }, { paddings: ints(each), pad_value: float(value) })
}

const batchNorm: Rule = n => {
  const parts = { Scale: [n.x(1)], Bias: [n.x(2)], Mean: [n.x(3)], Variance: [n.x(4)] }
  const attrs = {
    epsilon: float(attrFloat(n.node, 'epsilon', 1e-5)),
    is_test: flag(true),
    use_global_stats: flag(true),
    data_layout: text('NCHW'),
  }
  n.give('batch_norm', { X: [n.x()], ...parts }, attrs, 'Y')
}

const reduce =
  (type: string): Rule =>
  n => {
    const axes = (n.list('axes', 1) ?? []).map(axis => n.axis(axis))
    const keep = attrInt(n.node, 'keepdims', 1) === 1
    n.give(type, { X: [n.x()] }, { dim: ints(axes), keep_dim: flag(keep), reduce_all: flag(axes.length === 0) })
  }

const identity: Rule = n => {
  n.plan.names.set(n.node.outputs[0]!, n.x())
}

export const rules: Readonly<Record<string, Rule>> = {
  Add: binary('add'),
  AveragePool: n =>
    pooled(n, {
      pooling_type: text('avg'),
      exclusive: flag(attrInt(n.node, 'count_include_pad', 0) === 0),
    }),
  BatchNormalization: batchNorm,
  Clip: clip,
  Concat: n =>
    n.give('concat', { X: n.node.inputs.map((_, i) => n.x(i)) }, { axis: int(n.axis(attrInt(n.node, 'axis', 0))) }),
  Conv: conv,
  Div: binary('div'),
  Dropout: identity,
  Flatten: reshape,
  Gemm: gemm,
  GlobalAveragePool: globalPool('avg'),
  GlobalMaxPool: globalPool('max'),
  HardSigmoid: n =>
    n.give(
      'hard_sigmoid',
      { X: [n.x()] },
      { slope: float(attrFloat(n.node, 'alpha', 0.2)), offset: float(attrFloat(n.node, 'beta', 0.5)) },
    ),
  HardSwish: unary('hard_swish', { threshold: float(6), scale: float(6), offset: float(3) }),
  Identity: identity,
  LeakyRelu: n => n.give('leaky_relu', { X: [n.x()] }, { alpha: float(attrFloat(n.node, 'alpha', 0.01)) }),
  MatMul: n => n.give('matmul_v2', { X: [n.x()], Y: [n.x(1)] }, { trans_x: flag(false), trans_y: flag(false) }),
  MaxPool: n => {
    if (n.node.outputs[1] != null) n.refuse('its indices are used')
    pooled(n, { pooling_type: text('max'), exclusive: flag(true) })
  },
  Mul: binary('mul'),
  Pad: pad,
  ReduceMean: reduce('reduce_mean'),
  ReduceSum: reduce('reduce_sum'),
  Relu: unary('relu'),
  Reshape: reshape,
  Sigmoid: unary('sigmoid'),
  Slice: slice,
  Softmax: softmax,
  Squeeze: reshape,
  Sub: binary('sub'),
  Tanh: unary('tanh'),
  Transpose: n => {
    const rank = n.shape().length
    const order = attrInts(n.node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
    n.give('transpose2', { X: [n.x()] }, { axis: ints(order) })
  },
  Unsqueeze: reshape,
}

/** `model` is inferred, and all its shapes are known. */
export function planPaddle(model: Model): Planned {
  const { graph } = model
  const view = new GraphView(model)
  const plan = new Plan(view, model.opsets[''] ?? 1)
  const problems: Problem[] = []
  for (const name of requiredInputs(graph)) plan.give(name, view.shape(name), name)
  for (const node of graph.nodes) {
    const n = new At(node, plan)
    const problem = refusalOf(node, source, () => {
      if ((node.domain !== '' && node.domain !== 'ai.onnx') || !Object.hasOwn(rules, node.op))
        n.refuse('there is no rule for it here', 'Cut the graph before it with --outputs, or replace it.')
      rules[node.op](n)
    })
    if (!problem) continue
    problems.push(problem)
    // What reads it is not to blame.
    for (const name of node.outputs) if (name !== null && !plan.names.has(name)) plan.names.set(name, plan.fresh(name))
  }
  const outputs = graph.outputs.map(name => plan.names.get(name) ?? plan.variable(name))
  const inputs = requiredInputs(graph).map(name => plan.names.get(name)!)
  return {
    program: { vars: plan.vars, ops: plan.ops, inputs, outputs },
    parameters: plan.parameters,
    names: plan.names,
    problems,
  }
}
