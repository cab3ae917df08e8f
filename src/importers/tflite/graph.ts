// The graph in the making. A TFLite tensor may be there in several forms: as the file lays it, with channels first, or flattened from
// channels first (for fully connected layers alone). Each is made when it is first asked for, so that a chain of operators that agree on
// a form has no transposes in it.
import { type DType, elementCount, onnxCode, viewAs } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import { operatorName } from '../../formats/tflite.ts'
import { activations, type OperatorCode, type TfliteOperator } from '../../formats/tflite-schema.ts'
import { type Graph, int, ints, type ValueName } from '../../ir/model.ts'
import { floats, int64s, packed, type Tensor, tensorOf } from '../../ir/tensor.ts'
import { type Attrs, Nodes } from './nodes.ts'
import { type FileTensor, kept, permuted, type Quant } from './tensors.ts'

/** 'plain': as in the file; 'nchw': rank 4, channels first; 'chw': [N, C H W], flattened from channels first. */
export type Form = 'plain' | 'nchw' | 'chw'

export const toNchw = [0, 3, 1, 2]
export const toNhwc = [0, 2, 3, 1]

/** A value, and the scales with which integers of it stand for reals. */
interface Made {
  real: ValueName | null
  codes: ValueName | null
}

/** Of an operator by their names in the schema; none where the file has a table that is not read here. */
export type Options = Readonly<Record<string, number | ArrayLike<number> | null>>

/** An operator of the file. */
export interface Op {
  name: string
  id: string // of the nodes that stand for it
  inputs: readonly number[]
  outputs: readonly number[]
  options: Options
}

export class TfliteGraph extends Nodes {
  readonly notes: string[] = []
  private readonly made = new Map<string, Made>()
  private readonly homes = new Map<number, Form>()
  /** Constants behind a DEQUANTIZE: of whose constant they are the reals. */
  private readonly derived = new Map<number, number>()
  /** Height, width and channels of what was flattened from channels first. */
  private readonly flattened = new Map<number, readonly number[]>()
  private readonly readers = new Map<number, Op[]>()
  private op: Op = { name: '', id: '', inputs: [], outputs: [], options: {} }

  constructor(
    readonly tensors: readonly FileTensor[],
    private readonly inputs: readonly number[],
    private readonly outputs: readonly number[],
  ) {
    super(
      tensors.map(t => t.name),
      tensors.flatMap(t => (t.data ? [t.name] : [])),
    )
    for (const index of inputs) {
      const { name, dtype, dims, quant } = this.tensor(index)
      this.values.set(name, { name, dtype, shape: dims, data: null })
      this.homes.set(index, 'plain')
      this.made.set(`${index}/plain`, quant ? { real: null, codes: name } : { real: name, codes: null })
    }
  }

  /** Operators of the file in the words of the importer; -1, "left out", stays. */
  opOf(record: TfliteOperator, code: OperatorCode): Op {
    const [inputs, outputs] = [record.inputs, record.outputs].map(list => Array.from(list ?? []))
    for (const index of [...inputs, ...outputs]) if (index !== -1) this.tensor(index)
    if (outputs.length === 0 || outputs[0] === -1)
      throw new StudioError('malformed', `An operator ${operatorName(code)} gives nothing`, {
        hint: 'Copy or convert the model again: it is damaged.',
      })
    return { name: operatorName(code), id: this.tensor(outputs[0]).name, inputs, outputs, options: optionsOf(record) }
  }

  /** What is known of the operators before the first is translated. */
  announce(ops: readonly Op[]): void {
    for (const op of ops) {
      for (const index of new Set(op.inputs)) this.readers.set(index, [...(this.readers.get(index) ?? []), op])
      if (op.name === 'DEQUANTIZE' && this.tensor(op.inputs[0]).data) this.derived.set(op.outputs[0], op.inputs[0])
    }
  }

  /** Whether a flattened image is only read by layers whose weights can be put into another order. */
  isForLayers(index: number): boolean {
    const readers = this.readers.get(index) ?? []
    const layer = (op: Op): boolean =>
      op.name === 'FULLY_CONNECTED' && op.inputs[0] === index && this.isConstant(op.inputs[1])
    return !this.outputs.includes(index) && readers.length > 0 && readers.every(layer)
  }

  /** Height, width and channels of a tensor that is there with channels first. */
  spatial = (index: number): readonly number[] => this.flattened.get(index) ?? this.tensor(index).shape.slice(1)

  /** RESHAPE of an image to rows, from channels first. */
  flatten(x: number, y: number): void {
    const [, height, width, channels] = this.tensor(x).shape
    this.flattened.set(y, [height, width, channels])
    this.give(y, 'chw', 'Reshape', [this.real(x, 'nchw'), this.int64('shape', [-1, height * width * channels])])
  }

  /** Nodes that are added from now on stand for this operator. */
  begin(op: Op): void {
    this.op = op
  }

  tensor(index: number): FileTensor {
    const tensor = this.tensors[index]
    if (tensor) return tensor
    throw new StudioError('malformed', `The model refers to tensor ${index} of ${this.tensors.length}`, {
      hint: 'Copy or convert the model again: it is damaged.',
    })
  }

  rank = (index: number): number => this.tensor(index).shape.length
  isConstant = (index: number): boolean => this.tensor(index).data !== null || this.derived.has(index)

  /** Whether an axis has one size at every run. */
  isFixed = (index: number, axis: number): boolean => typeof this.tensor(index).dims[axis] === 'number'

  /** In which form a tensor was made. */
  home = (index: number): Form => this.homes.get(index) ?? 'plain'

  /** What operators that do not care work in: 'nchw' where a tensor of rank 4 was made so and the others can follow. */
  commonForm(inputs: readonly number[], output: number): Form {
    const given = inputs.filter(index => index !== -1)
    if (this.rank(output) !== 4) return 'plain'
    const follows = given.every(index => this.isConstant(index) || this.rank(index) === 4 || this.rank(index) === 0)
    return follows && given.some(index => this.home(index) === 'nchw') ? 'nchw' : 'plain'
  }

  /** Where an axis of the file's layout lies in a form. */
  axisIn(axis: number, rank: number, form: Form): number {
    const positive = axis < 0 ? axis + rank : axis
    if (positive < 0 || positive >= rank) throw this.refused(`has the axis ${axis} of ${rank}`)
    return form === 'nchw' ? toNchw.indexOf(positive) : positive
  }

  /** Values given per axis, as a form has its axes. */
  inForm = <T>(perAxis: readonly T[], form: Form): readonly T[] =>
    form === 'nchw' ? toNchw.map(axis => perAxis[axis]) : perAxis

  /** The tensor's reals in a form; integers without scales as they are. */
  real(index: number, form: Form = 'plain'): ValueName {
    const tensor = this.tensor(index)
    const known = this.made.get(`${index}/${form}`)
    if (known?.real) return known.real
    if (tensor.data || this.derived.has(index)) return this.constant(index, form)
    const made = known ?? this.moved(index, form)
    made.real ??= this.dequantized(tensor, made.codes!, this.fresh(`${tensor.name}_dq`))
    return made.real
  }

  /** Another form of what was made. */
  private moved(index: number, form: Form): Made {
    const tensor = this.tensor(index)
    const home = this.made.get(`${index}/${this.home(index)}`)
    if (!home)
      throw new StudioError('invalid-graph', `The tensor ${tensor.name} is used before it is made`, {
        where: { value: tensor.name },
        hint: 'Convert the model again.',
      })
    if (this.home(index) === 'chw' || form === 'chw' || tensor.shape.length !== 4)
      throw this.refused(`takes ${tensor.name} in a layout that it has not`)
    const from = (home.codes ?? home.real)!
    const to = this.nameOf(index, form)
    this.add('Transpose', [from], [to], { perm: ints(form === 'nchw' ? toNchw : toNhwc) })
    const made = home.codes ? { real: null, codes: to } : { real: to, codes: null }
    this.made.set(`${index}/${form}`, made)
    return made
  }

  private nameOf(index: number, form: Form): ValueName {
    const { name } = this.tensor(index)
    const own = form === (this.outputs.includes(index) ? 'plain' : this.home(index))
    return own ? name : this.fresh(`${name}_${form === 'plain' ? 'nhwc' : form}`)
  }

  /** The reals of a tensor in another shape; of one with scales the codes are reshaped. */
  reshaped(index: number, form: Form, shape: readonly number[]): ValueName {
    const tensor = this.tensor(index)
    const to = this.int64('shape', shape)
    if (!tensor.quant || this.isConstant(index)) return this.step('Reshape', [this.real(index, form), to])
    const codes = this.step('Reshape', [this.codes(index, form), to])
    return this.dequantized(tensor, codes, this.fresh(`${tensor.name}_dq`))
  }

  /** The integers of a tensor with scales; its value where it has none. */
  codes(index: number, form: Form = 'plain'): ValueName {
    const real = this.tensor(index).quant ? null : this.real(index, form)
    if (real !== null) return real
    const known = this.made.get(`${index}/${form}`) ?? this.moved(index, form)
    return known.codes!
  }

  /** Integers behind a name as reals, with the scales of a tensor. */
  dequantized(tensor: FileTensor, codes: ValueName, output: ValueName): ValueName {
    const { quant, dtype } = tensor
    this.add('DequantizeLinear', [codes, ...this.scales(tensor.name, quant!, dtype)], [output], axisAttr(quant!))
    return output
  }

  /** Scale and zero point as constants. */
  private scales(name: string, { scale, zeroPoint }: Quant, dtype: DType): ValueName[] {
    const shape = scale.length > 1 ? [scale.length] : []
    return [
      this.initializer(`${name}_scale`, tensorOf(floats(shape, scale))),
      this.initializer(`${name}_zero`, packed(dtype, shape, zeroPoint)),
    ]
  }

  private constant(index: number, form: Form): ValueName {
    const { shape } = this.tensor(this.derived.get(index) ?? index)
    const full =
      form === 'nchw' && shape.length < 4 ? [...new Array<number>(4 - shape.length).fill(1), ...shape] : shape
    const perm = form === 'nchw' && full.length === 4 ? toNchw : full.map((_, axis) => axis)
    // What is broadcast from a scalar needs no axes.
    const real = this.weight(index, elementCount(shape) === 1 ? null : perm, full)
    this.made.set(`${index}/${form}`, { real, codes: null })
    return real
  }

  /** Reals of a constant whose axes are permuted, seen in a shape and given another; a value made at run time goes through Transpose. */
  weight(index: number, perm: readonly number[] | null, shape?: readonly number[], to?: readonly number[]): ValueName {
    const source = this.derived.get(index) ?? index
    const tensor = this.tensor(source)
    if (!tensor.data) {
      const x = this.real(index)
      if (perm === null || perm.every((axis, i) => axis === i)) return x
      return this.add('Transpose', [x], [this.fresh(`${tensor.name}_moved`)], { perm: ints(perm) })
    }
    const { name, quant } = this.tensor(index).data ? tensor : { ...tensor, name: this.tensor(index).name }
    const data = perm === null ? kept(tensor) : permuted(tensor, perm, shape)
    const laid: Tensor = to ? { ...data, shape: to } : data
    if (quant) {
      const lead = (shape ?? tensor.shape).length - tensor.shape.length
      const axis = perm === null ? quant.axis : perm.indexOf(quant.axis + lead)
      return this.dequantizedConstant(name, laid, { ...quant, axis })
    }
    const initializer = this.initializer(name, laid)
    if (index === source || laid.dtype === 'float32') return initializer
    return this.add('Cast', [initializer], [this.fresh(`${name}_real`)], { to: int(onnxCode('float32')) })
  }

  private dequantizedConstant(name: string, codes: Tensor, quant: Quant): ValueName {
    const initializer = this.initializer(`${name}_q`, codes)
    const output = this.fresh(this.values.has(name) ? `${name}_dq` : name)
    this.add('DequantizeLinear', [initializer, ...this.scales(name, quant, codes.dtype)], [output], axisAttr(quant))
    return output
  }

  /** Whole numbers of a constant, or null where they are made at run time. */
  numbers(index: number | undefined): number[] | null {
    if (index === undefined || index === -1) return null
    const { dtype, data } = this.tensor(index)
    return data && /^u?int/.test(dtype) ? Array.from(viewAs(dtype, data.bytes), Number) : null
  }

  /** Numbers that must be constant. */
  needNumbers(index: number | undefined, what: string): number[] {
    const numbers = this.numbers(index)
    if (numbers) return numbers
    throw this.refused(`computes its ${what} at run time`)
  }

  int64 = (wish: string, values: readonly number[], shape?: readonly number[]): ValueName =>
    this.initializer(`${this.op.id}_${wish}`, int64s(values, shape))
  float = (wish: string, value: number): ValueName =>
    this.initializer(`${this.op.id}_${wish}`, tensorOf(floats([], [value])))

  /** A node whose one output has a name of its own making. */
  step = (op: string, inputs: readonly (ValueName | null)[], attrs: Attrs = {}): ValueName =>
    this.add(op, inputs, [this.fresh(`${this.op.id}_${op.toLowerCase()}`)], attrs)

  /** The node that gives an output of the operator, with its fused activation function and its rounding behind it. */
  give(
    index: number,
    form: Form,
    op: string,
    inputs: readonly (ValueName | null)[],
    attrs: Attrs = {},
    fused = 0,
  ): void {
    this.giveAll([index], form, op, inputs, attrs, fused)
  }

  giveAll(
    indices: readonly number[],
    form: Form,
    op: string,
    inputs: readonly (ValueName | null)[],
    attrs: Attrs = {},
    fused = 0,
  ): void {
    const activation = activations[fused] ?? `number ${fused}`
    const reals = indices.map(index => this.begun(index, form))
    const first = activation === 'NONE' ? reals : [this.fresh(`${this.op.id}_linear`)]
    this.add(op, inputs, first, attrs)
    if (activation !== 'NONE') this.activate(activation, first[0], reals[0])
    for (const [i, index] of indices.entries()) this.finish(index, form, reals[i])
  }

  activate(activation: string, from: ValueName, to: ValueName): void {
    if (activation === 'RELU') this.add('Relu', [from], [to])
    else if (activation === 'TANH') this.add('Tanh', [from], [to])
    else if (activation in bounds) {
      const [low, high] = bounds[activation]
      this.add('Clip', [from, this.float('low', low), this.float('high', high)], [to])
    } else throw this.refused(`has the fused activation ${activation}`)
  }

  /** The name for the reals of an output. */
  private begun(index: number, form: Form): ValueName {
    this.homes.set(index, form)
    const name = this.nameOf(index, form)
    const { quant } = this.tensor(index)
    // Where the graph gives codes, those have the name.
    return quant && this.outputs.includes(index) && form === 'plain' ? this.fresh(`${name}_real`) : name
  }

  private finish(index: number, form: Form, real: ValueName): void {
    const tensor = this.tensor(index)
    if (!tensor.quant) {
      this.made.set(`${index}/${form}`, { real, codes: null })
      return
    }
    const codes = this.outputs.includes(index) && form === 'plain' ? tensor.name : this.fresh(`${tensor.name}_q`)
    this.giveCodes(index, form, real, codes)
  }

  /** QuantizeLinear behind reals. */
  private giveCodes(index: number, form: Form, real: ValueName, codes: ValueName): void {
    const { name, quant, dtype } = this.tensor(index)
    this.add('QuantizeLinear', [real, ...this.scales(name, quant!, dtype)], [codes], axisAttr(quant!))
    this.made.set(`${index}/${form}`, { real: null, codes })
  }

  /** QUANTIZE: the output's codes are all there is of it. */
  quantize(x: number, y: number): void {
    const form = this.commonForm([x], y)
    this.homes.set(y, form)
    if (!this.tensor(y).quant) throw this.refused('gives a tensor without scales')
    this.giveCodes(y, form, this.real(x, form), this.nameOf(y, form))
  }

  /** DEQUANTIZE: of a constant it stays one. */
  dequantize(x: number, y: number): void {
    if (this.derived.has(y)) return
    const form = this.commonForm([x], y)
    this.homes.set(y, form)
    const tensor = this.tensor(x)
    const name = this.nameOf(y, form)
    if (tensor.quant) this.dequantized(tensor, this.codes(x, form), name)
    else this.add('Cast', [this.real(x, form)], [name], { to: int(onnxCode('float32')) })
    this.made.set(`${y}/${form}`, { real: name, codes: null })
  }

  /** An output that is a value that is there already. */
  alias(index: number, form: Form, of: { index: number; form: Form }): void {
    const quant = this.tensor(of.index).quant !== null
    const from = this.codes(of.index, of.form)
    this.homes.set(index, form)
    const name =
      this.outputs.includes(index) && form === 'plain' ? this.add('Identity', [from], [this.nameOf(index, form)]) : from
    this.made.set(`${index}/${form}`, quant ? { real: null, codes: name } : { real: name, codes: null })
  }

  refused(what: string): StudioError {
    return new StudioError('unsupported', `The operator ${this.op.name} that makes ${this.op.id} ${what}`, {
      where: { node: this.op.id },
      hint: 'Convert the model with fixed shapes and standard options, or leave this operator out.',
    })
  }

  /** The whole graph; outputs are given as the file lays them. */
  finished(name: string): Graph {
    const outputs = this.outputs.map(index => {
      const tensor = this.tensor(index)
      const given = tensor.data || this.derived.has(index) ? this.real(index) : this.codes(index)
      const dtype = given === tensor.name && tensor.quant && !tensor.data ? tensor.dtype : null
      if (!this.values.has(given))
        this.values.set(given, {
          name: given,
          dtype: dtype ?? (tensor.quant ? 'float32' : tensor.dtype),
          shape: tensor.dims,
          data: null,
        })
      return given
    })
    const inputs = this.inputs.map(index => this.tensor(index).name)
    return { name, inputs, outputs, nodes: this.nodes, values: this.values }
  }
}

const bounds: Readonly<Record<string, readonly [number, number]>> = {
  RELU6: [0, 6],
  RELU_N1_TO_1: [-1, 1],
  RELU_0_TO_1: [0, 1],
}

const optionsOf = ({ options }: TfliteOperator): Options => (options && 'value' in options ? options.value : {})

const axisAttr = ({ scale, axis }: Quant): Attrs => (scale.length > 1 ? { axis: int(axis) } : {})
