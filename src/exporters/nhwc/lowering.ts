// The program in the making. A value of the model may be there in several forms: as the model lays it, with channels last, or flattened
// from channels last (for fully connected layers alone). Each is made when it is first asked for, so that a chain of kernels that agree
// on a form has no transposes in it.
import { bytesOf, type DType, elementCount } from '../../base/dtype.ts'
import type { Model, Node, ValueName } from '../../ir/model.ts'
import { permutedBytes, type Tensor } from '../../ir/tensor.ts'
import { type Operand, Pairs, type Params } from './pairs.ts'
import type { Kind, NhwcOperator, NhwcQuant, NhwcTensor, Options } from './types.ts'

/** 'plain': as in the model; 'nhwc': an image or, of rank 3, a row of one; 'flat': [N, H W C]. */
export type Form = 'plain' | 'nhwc' | 'flat'

/** What has no kernel: the reason. */
export class Refusal extends Error {
  constructor(
    readonly why: string,
    readonly fix?: string,
  ) {
    super(why)
  }
}

/** How a constant is laid: seen in `shape`, its axes permuted, given the shape `to`, in which its scales lie along `axis`. */
export interface Layout {
  perm: readonly number[]
  shape: readonly number[]
  to: readonly number[]
  axis: number
}

export const toNhwc = [0, 2, 3, 1]
export const toNchw = [0, 3, 1, 2]
const rowToNhwc = [0, 2, 1]

export class Lowering {
  readonly tensors: NhwcTensor[] = []
  readonly operators: NhwcOperator[] = []
  readonly pairs: Pairs
  private readonly made = new Map<string, number>()
  private readonly homes = new Map<ValueName, Form>()
  /** Height, width and channels of what was flattened. */
  private readonly flattened = new Map<ValueName, readonly number[]>()
  private readonly names = new Set<string>()
  private readonly constants = new Map<string, number>()
  private readonly restored = new Map<number, number>()
  private node = ''

  /** `hybrid`: weights of int8 go beside floats as they are, and the runtime rounds activations as it goes. */
  constructor(
    model: Model,
    read: (tensor: Tensor) => Uint8Array,
    readonly hybrid: boolean,
  ) {
    this.pairs = new Pairs(model, read)
  }

  begin(node: Node): void {
    this.node = node.id
  }

  /** The shape in the model, which must be fixed. */
  shape(name: ValueName): readonly number[] {
    const value = this.pairs.graph.values.get(name)
    const shape = value?.data?.shape ?? value?.shape
    if (!shape?.every(d => typeof d === 'number'))
      throw new Refusal(
        `the shape of ${name} is not known before it runs`,
        'Fix the shapes of the inputs with --shape.',
      )
    return shape as readonly number[]
  }

  dtype(name: ValueName): DType {
    const value = this.pairs.graph.values.get(name)
    const dtype = value?.data?.dtype ?? value?.dtype
    if (!dtype) throw new Refusal(`the type of ${name} is not known before it runs`)
    return dtype
  }

  dtypeOr = (name: ValueName, fallback: DType): DType => this.pairs.graph.values.get(name)?.dtype ?? fallback

  rank = (name: ValueName): number => this.shape(name).length

  /** The form in which a value was made; what a DequantizeLinear gives lies as its codes do. */
  home(name: ValueName): Form {
    return this.homes.get(name) ?? this.homes.get(this.pairs.operand(name)?.codes ?? name) ?? 'plain'
  }

  /** The form in which a tensor holds a value of the model; null for what was added. */
  formOf = (index: number): Form | null =>
    ([...this.made]
      .find(([, made]) => made === index)?.[0]
      .split('/')
      .at(-1) as Form | undefined) ?? null

  isConstant(name: ValueName): boolean {
    return this.pairs.constant(name) !== null || this.pairs.operand(name)?.constant != null
  }

  /** What kernels that do not care work in: channels last where an image was made so and the others can follow. */
  commonForm(inputs: readonly (ValueName | null)[], output: ValueName): Form {
    const given = inputs.filter(name => name !== null)
    if (given.length === 1 && this.home(given[0]) === 'flat') return 'flat'
    const rank = this.rank(output)
    if (rank !== 4 && rank !== 3) return 'plain'
    const follows = given.every(name => this.isConstant(name) || this.rank(name) === rank || this.rank(name) === 0)
    return follows && given.some(name => this.home(name) === 'nhwc') ? 'nhwc' : 'plain'
  }

  axisIn(axis: number, rank: number, form: Form): number {
    const positive = axis < 0 ? axis + rank : axis
    if (form !== 'nhwc') return positive
    return rank === 4 ? toNhwc.indexOf(positive) : [0, 3, 2][positive]
  }

  shapeIn(shape: readonly number[], form: Form): readonly number[] {
    if (form !== 'nhwc') return shape
    return shape.length === 4 ? toNhwc.map(axis => shape[axis]) : [shape[0], 1, shape[2], shape[1]]
  }

  /** Values given per axis of the model, as a form has its axes; a row gets `one` for its height. */
  perAxis<T>(values: readonly T[], form: Form, one: T): readonly T[] {
    if (form !== 'nhwc') return values
    return values.length === 4 ? toNhwc.map(axis => values[axis]) : [values[0], one, values[2], values[1]]
  }

  // Tensors.

  /** A value that is given or made: its codes where it has scales, else its numbers. */
  tensorOf(name: ValueName, form: Form, params: Params | null, dtype: DType): number {
    const shape = this.shapeIn(this.shape(name), form)
    const index = this.add({
      name: this.fresh(name),
      shape: form === 'flat' ? [shape[0], elementCount(shape.slice(1))] : shape,
      // Numbers of 16 bits are kept so in constants alone.
      dtype: params?.dtype ?? (dtype === 'float16' ? 'float32' : dtype),
      quant: params && quantOf(params),
      data: null,
      value: name,
    })
    this.made.set(`${name}/${form}`, index)
    if (!this.homes.has(name)) this.homes.set(name, form)
    return index
  }

  add(tensor: NhwcTensor): number {
    return this.tensors.push(tensor) - 1
  }

  fresh(wish: string): string {
    let name = wish
    for (let i = 1; this.names.has(name); i++) name = `${wish}_${i}`
    this.names.add(name)
    return name
  }

  /** A stored value in a form: codes, or numbers that no DequantizeLinear gives. */
  stored(name: ValueName, form: Form): number {
    const known = this.made.get(`${name}/${form}`)
    if (known !== undefined) return known
    const tensor = this.pairs.constant(name)
    if (tensor) return this.kept(name, form, this.constantIn(name, tensor, null, form, this.rank(name)))
    const home = this.home(name)
    const from = this.made.get(`${name}/${home}`)
    if (from === undefined) throw new Refusal(`${name}, which it reads, could not be made`)
    return this.kept(name, form, this.moved(name, from, home, form))
  }

  private kept(name: ValueName, form: Form, index: number): number {
    this.made.set(`${name}/${form}`, index)
    return index
  }

  /** Another form of what was made. */
  private moved(name: ValueName, from: number, home: Form, form: Form): number {
    const shape = this.shape(name)
    const to = (f: string, tensor: number, perm: readonly number[]): number =>
      this.permuted(tensor, perm, `${name}_${f}`)
    if (home === 'nhwc' && form === 'plain')
      return shape.length === 4
        ? to(form, from, toNchw)
        : to(form, this.reshaped(from, [shape[0], shape[2], shape[1]], `${name}_row`), rowToNhwc)
    if (home === 'plain' && form === 'nhwc' && (shape.length === 4 || shape.length === 3))
      return shape.length === 4
        ? to(form, from, toNhwc)
        : this.reshaped(to('row', from, rowToNhwc), this.shapeIn(shape, form), `${name}_nhwc`)
    throw new Refusal(`it takes ${name} in a layout that it has not`)
  }

  permuted(from: number, perm: readonly number[], wish: string): number {
    const tensor = this.tensors[from]
    const shape = perm.map(axis => tensor.shape[axis])
    const rest = perm.filter(axis => tensor.shape[axis] !== 1)
    // Axes of length 1 may go anywhere.
    if (rest.every((axis, i) => i === 0 || rest[i - 1] < axis)) return this.reshaped(from, shape, wish)
    const index = this.add({ ...tensor, name: this.fresh(wish), shape, data: null })
    this.emit('TRANSPOSE', [from, this.int32s(perm)], [index], {})
    return index
  }

  reshaped(from: number, shape: readonly number[], wish: string): number {
    const tensor = this.tensors[from]
    if (tensor.shape.join() === shape.join()) return from
    const index = this.add({ ...tensor, name: this.fresh(wish), shape, data: null })
    this.emit('RESHAPE', [from, this.int32s(shape)], [index], {})
    return index
  }

  /** Numbers of a value in a form, through a DEQUANTIZE where it has scales. */
  real(name: ValueName, form: Form): number {
    const operand = this.pairs.operand(name)
    if (!operand) return this.stored(name, form)
    const known = this.made.get(`${name}/${form}`)
    if (known !== undefined) return known
    const codes = this.codes(operand, form, this.rank(name))
    const { shape } = this.tensors[codes]
    const index = this.add({ name: this.fresh(name), shape, dtype: 'float32', quant: null, data: null, value: name })
    this.emit('DEQUANTIZE', [codes], [index], {})
    this.homes.set(name, form)
    return this.kept(name, form, index)
  }

  /** Codes in a form; a constant is broadcast to `rank` axes. */
  codes(operand: Operand, form: Form, rank: number): number {
    const { codes, constant } = operand
    return constant ? this.constantIn(codes, constant, operand, form, rank) : this.stored(codes, form)
  }

  /** Whatever an input is to an operator of the float kind: a constant is broadcast to `rank` axes. */
  input(name: ValueName, form: Form, rank: number): number {
    const tensor = this.pairs.constant(name)
    if (!tensor) return this.real(name, form)
    const index = this.constantIn(name, tensor, null, form, rank)
    return tensor.dtype === 'float16' ? this.dequantized(index) : index
  }

  private constantIn(name: ValueName, tensor: Tensor, params: Params | null, form: Form, rank: number): number {
    const { shape } = tensor
    if (form !== 'nhwc' || shape.length === 0 || (rank !== 4 && rank !== 3)) return this.constant(name, tensor, params)
    const lead = rank - shape.length
    const full = [...new Array<number>(lead).fill(1), ...shape]
    const axis = this.axisIn((params?.axis ?? 0) + lead, rank, 'nhwc')
    const to = this.shapeIn(full, 'nhwc')
    return this.constant(name, tensor, params, { perm: rank === 4 ? toNhwc : rowToNhwc, shape: full, to, axis })
  }

  /** A constant in another layout. The same twice is there once. */
  constant(name: ValueName, tensor: Tensor, params: Params | null, layout: Partial<Layout> = {}): number {
    const { perm = tensor.shape.map((_, axis) => axis), shape = tensor.shape, axis = params?.axis ?? 0 } = layout
    const { to = perm.map(a => shape[a]) } = layout
    const key = JSON.stringify([name, perm, shape, to, params])
    const known = this.constants.get(key)
    if (known !== undefined) return known
    const bytes = permutedBytes(tensor.dtype, this.pairs.bytesOf(tensor), shape, perm)
    const centred = tensor.dtype === 'uint8' && params?.dtype === 'int8'
    const index = this.add({
      name: this.fresh(name),
      shape: to,
      dtype: params?.dtype ?? tensor.dtype,
      quant: params && { ...quantOf(params), axis: params.scale.length > 1 ? axis : 0 },
      data: centred ? bytes.map(code => code ^ 128) : bytes,
      value: name,
    })
    this.constants.set(key, index)
    return index
  }

  /** A bias for accumulators of 64 bits. */
  wideBias(name: ValueName, tensor: Tensor, params: Params): number {
    const wide = BigInt64Array.from(this.pairs.numbersOf(tensor), BigInt)
    const data = bytesOf(wide)
    return this.constant(
      name,
      { dtype: 'int64', shape: tensor.shape, data },
      { ...params, dtype: 'int64' },
      { axis: 0 },
    )
  }

  /** A constant's numbers, as the runtime restores them. */
  dequantized(from: number): number {
    const known = this.restored.get(from)
    if (known !== undefined) return known
    const { name, shape } = this.tensors[from]
    const index = this.add({
      name: this.fresh(`${name}_real`),
      shape,
      dtype: 'float32',
      quant: null,
      data: null,
      value: null,
    })
    this.emit('DEQUANTIZE', [from], [index], {})
    this.restored.set(from, index)
    return index
  }

  int32s = (values: readonly number[], shape: readonly number[] = [values.length]): number =>
    this.own('int32', shape, bytesOf(Int32Array.from(values)))
  floats = (values: readonly number[], shape: readonly number[] = []): number =>
    this.own('float32', shape, bytesOf(Float32Array.from(values)))

  /** A constant that the model does not have; equal ones are there once. */
  own(dtype: DType, shape: readonly number[], data: Uint8Array, quant: NhwcQuant | null = null): number {
    const key = JSON.stringify([dtype, shape, Array.from(data), quant])
    const known = this.constants.get(key)
    if (known !== undefined) return known
    const name = this.fresh(`const_${this.constants.size}`)
    const index = this.add({ name, shape, dtype, quant, data, value: null })
    this.constants.set(key, index)
    return index
  }

  // Operators.

  emit<K extends Kind>(kind: K, inputs: readonly number[], outputs: readonly number[], options: Options[K]): void {
    this.operators.push({ kind, inputs, outputs, options, node: this.node } as NhwcOperator)
  }

  /** A step in between, whose result lies as its first input unless `shape` says otherwise. */
  step<K extends Kind>(
    kind: K,
    inputs: readonly number[],
    options: Options[K],
    shape = this.tensors[inputs[0]].shape,
  ): number {
    const index = this.add({
      ...this.tensors[inputs[0]],
      name: this.fresh(`${this.node}_${kind.toLowerCase()}`),
      shape,
      data: null,
      value: null,
    })
    this.emit(kind, inputs, [index], options)
    return index
  }

  // Aliases and flattening.

  /** An output that is, in a form, a tensor that is there already. */
  alias(name: ValueName, form: Form, index: number): void {
    this.homes.set(name, form)
    this.kept(name, form, index)
  }

  /** Rows of an image: [N, H W C]. */
  flatten(from: number, name: ValueName, params: Params | null, dtype: DType): void {
    const { shape } = this.tensors[from]
    this.flattened.set(name, shape.slice(1))
    const index = this.tensorOf(name, 'flat', params, dtype)
    this.emit('RESHAPE', [from, this.int32s(this.tensors[index].shape)], [index], {})
  }

  /** Passes on what a value was flattened from. */
  flattenedAs(name: ValueName, as: ValueName): void {
    const spatial = this.spatial(name)
    if (spatial) this.flattened.set(as, spatial)
  }

  spatial = (name: ValueName): readonly number[] | null =>
    this.flattened.get(name) ?? this.flattened.get(this.pairs.operand(name)?.codes ?? name) ?? null
}

export const quantOf = ({ scale, zeroPoint, axis }: Params): NhwcQuant => ({ scale, zeroPoint, axis })
