// What a lowering of one OpenVINO layer may ask of it and make in its place.
import { bytesOf, type DType, elementCount, viewAs } from '../../base/dtype.ts'
import { fromBfloat16, fromHalf, toHalf } from '../../base/half.ts'
import type { Attr, Dim, ValueName } from '../../ir/model.ts'
import { type Tensor, unpacked } from '../../ir/tensor.ts'

/** One layer while it becomes nodes. Ports are counted from zero, inputs and outputs each. */
export interface Layer {
  readonly name: string
  readonly type: string
  readonly version: number // of the operator set that it is from
  readonly inputs: number
  readonly outputs: number
  /** The value at an input. */
  input(port: number): ValueName
  dims(port: number): readonly Dim[]
  outDims(port: number): readonly Dim[]
  dtype(port: number): DType | null
  outDtype(port: number): DType | null
  used(output: number): boolean
  /** The constant at an input, or null. */
  tensor(port: number): Tensor | null
  /** Its numbers, through a Convert too; null where it is no constant. */
  numbers(port: number): Promise<number[] | null>
  /** The output has the numbers of the constant at input 0. */
  passNumbers(): void
  /** Its numbers, which the layer cannot do without. */
  must(port: number, what: string): Promise<number[]>
  /** Packed weights that have not been written as nodes yet. */
  compressed(port: number): Compressed | null
  /** The output stands for packed weights; nodes are written when it is used as a value. */
  setCompressed(weights: Compressed): void
  text(key: string, fallback: string): string
  number(key: string, fallback: number): number
  list(key: string): number[]
  flag(key: string, fallback: boolean): boolean
  /** Whole numbers of an input as the int64 that ONNX asks for. */
  whole(port: number): Promise<ValueName>
  constant(tensor: Tensor): ValueName
  scalar(value: number, dtype?: DType | null): ValueName
  whole64(values: readonly number[]): ValueName
  /** A node on the way, with one output. */
  node(op: string, inputs: readonly (ValueName | null)[], attrs?: Attributes): ValueName
  /** A node on the way with several outputs. */
  nodes(op: string, inputs: readonly (ValueName | null)[], outputs: number, attrs?: Attributes): ValueName[]
  /** The node that makes the layer's outputs, in their order. */
  give(op: string, inputs: readonly (ValueName | null)[], attrs?: Attributes): void
  /** The node that makes one output of the layer. */
  giveAt(output: number, op: string, inputs: readonly (ValueName | null)[], attrs?: Attributes): void
  refuse(what: string, hint?: string): never
}

export type Attributes = Readonly<Record<string, Attr | number | readonly number[]>>
export type Lowering = (layer: Layer) => void | Promise<void>

/** Packed weights: a constant of integers with what has been done to it so far. */
export interface Compressed {
  /** The last layer of the chain so far. */
  layer: Layer
  /** The constant, and its value. */
  codes: Tensor
  name: ValueName
  read: () => Promise<number[]>
  /** What the chain gives. */
  dtype: 'float32' | 'float16'
  shape: readonly number[]
  zero: Numbers | null
  scale: Numbers | null
}

export interface Numbers {
  values: readonly number[]
  shape: readonly number[]
}

/** Every element as a number; whole numbers past 2^53 as the nearest double. */
export function numbersOf({ dtype, shape }: Tensor, bytes: Uint8Array): number[] {
  const count = elementCount(shape)
  if (dtype === 'uint4' || dtype === 'int4' || dtype === 'uint2') return Array.from(unpacked(dtype, bytes, count))
  const view = viewAs(dtype, bytes)
  if (dtype === 'float16') return Array.from(view as Uint16Array, fromHalf)
  if (dtype === 'bfloat16') return Array.from(view as Uint16Array, fromBfloat16)
  return Array.from(view as ArrayLike<number | bigint>, Number)
}

/** Numbers as a tensor of reals. */
export const realTensor = (
  dtype: 'float32' | 'float16',
  shape: readonly number[],
  numbers: readonly number[],
): Tensor => ({
  dtype,
  shape,
  data: bytesOf(dtype === 'float32' ? Float32Array.from(numbers) : Uint16Array.from(numbers, toHalf)),
})
