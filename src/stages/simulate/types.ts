// The words of the integer executor: codes, units (an operator with the pairs around it), and what an arithmetic and an operator say.
import type { Affine } from '../../base/code-curves.ts'
import type { DType } from '../../base/dtype.ts'
import type { Bytes, KernelSet, Runner } from '../../ir/context.ts'
import type { Model, Node, ValueName } from '../../ir/model.ts'
import type { NdArray } from '../../ir/tensor.ts'

export type { Affine }

export type CodeArray = Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | BigInt64Array

/** Codes of a whole tensor in memory, row-major. */
export interface Codes {
  shape: readonly number[]
  data: CodeArray
}

/** Scale and zero point of a QuantizeLinear or DequantizeLinear with constant ones. */
export interface Params {
  dtype: DType // of the codes
  /** One entry, or one per index of `axis`. */
  scale: Float32Array
  zeroPoint: Int32Array
  axis: number | null
}

/** A quantised input of a unit: codes behind a DequantizeLinear. */
export interface Operand extends Params {
  codes: ValueName
  /** The codes themselves, where they are constant: weights and biases. */
  constant: Codes | null
}

/** What a target computes as one integer kernel: DequantizeLinear on the inputs, the operator, an activation, QuantizeLinear. */
export interface Unit {
  node: Node
  /** By position of the node's inputs; null where one is absent or not quantised (shapes, axes, bounds). */
  inputs: readonly (Operand | null)[]
  /** Relu or Clip between the operator and its QuantizeLinear. */
  activation: Node | null
  /** The QuantizeLinear behind it; null where the kernel gives floats. */
  quantize: Node | null
  /** Where the result goes: codes, or floats without `affine`. */
  output: { name: ValueName; dtype: DType; affine: Affine | null }
}

export const affineOf = (operand: Params): Affine => ({
  scale: operand.scale[0],
  zeroPoint: operand.zeroPoint[0],
  ...codesOf(operand.dtype),
})

/** The codes that an integer type has. */
export function codesOf(dtype: DType): { qmin: number; qmax: number } {
  const bits = Number(/\d+$/.exec(dtype)?.[0] ?? 8)
  const half = 2147483648 / (1 << (31 - (bits - 1))) // 2^(bits - 1), up to 32 bits
  return dtype.startsWith('u') ? { qmin: 0, qmax: 2 * half - 1 } : { qmin: -half, qmax: half - 1 }
}

/** Computes an output code from an accumulator of an output channel. */
export type Requantize = (accumulator: number, channel: number) => number

/** Kernels that multiply and add. */
export type Product = 'Conv' | 'FullyConnected' | 'MatMul'

/** Functions of one argument that kernels compute from a table or in fixed point. */
export type Curve = 'Sigmoid' | 'Tanh' | 'LeakyRelu' | 'HardSwish' | 'Relu' | 'Clip' | 'Identity'

/**
 * How a target's kernels turn numbers into codes. The loops are the operators'; every rounding is here. All but `id`, `refuses`,
 * `narrow`, `quantize` and `requantizer` may be left out: the operators that need them are then computed in float.
 */
export interface Arithmetic {
  readonly id: string
  /** Why this target would not compute a unit in integers; null where it does. Scales are known, constants are read. */
  refuses(unit: Unit, op: IntegerOp, model: Model): string | null
  /** Why the runtime itself is asked for the whole graph, since what it fuses hangs on more than a unit; null where it need not be. */
  asksRuntime?(model: Model, pairs: ReadonlyMap<Node, Params>): string | null
  /** Pairs around float operators may be fused with them by the runtime that computes those, and are left to it. */
  readonly fusesFloat: boolean
  /** Codes that an activation function leaves of `y`; null where the target does not fuse it. */
  narrow(activation: Node, y: Affine, model: Model): Affine | null
  quantize(x: number, y: Affine): number
  /** Accumulator to code, for products whose inputs have the scales x and w (one per channel, or one). */
  requantizer(x: Affine, w: Float32Array, y: Affine, kernel: Product): Requantize
  /** Accumulator to float, where a kernel may give floats. */
  scaler?(x: Affine, w: Float32Array): Requantize
  adder?(a: Affine, b: Affine, y: Affine, subtract: boolean): (a: number, b: number) => number
  multiplier?(a: Affine, b: Affine, y: Affine): (a: number, b: number) => number
  /** Code to code, for one input of a Concat. */
  rescaler?(x: Affine, y: Affine): (q: number) => number
  curve?(kind: Curve, node: Node, x: Affine, y: Affine): (q: number) => number
  /** Mean of the first `count` codes of `window`, over `size` elements; `whole`: the window is the whole map. */
  averager?(x: Affine, y: Affine, whole: boolean): (window: Int32Array, count: number, size: number) => number
  /** Mean over whole axes, from the sum of `size` codes. */
  globalAverager?(x: Affine, y: Affine, size: number): (sum: number) => number
  /** Code from a weighted sum of four codes whose weights add up to 2^20. */
  interpolator?(y: Affine): (sum: number) => number
  /** Writes the softmax of `row` into `out`. */
  softmax?(x: Affine, y: Affine, length: number): (row: Int32Array, out: Int32Array) => void
}

/** What the executor lends to operators. */
export interface Lent {
  bytes: Bytes
  kernels: KernelSet
  runner: Runner
}

/** Computes a unit; `inputs` by position: codes where they are quantised and not constant, other arrays as they are. */
export type Run = (inputs: readonly (NdArray | null)[]) => Promise<NdArray> | NdArray

/** An operator that is computed on integers. */
export interface IntegerOp {
  readonly types: readonly string[]
  /** Positions of the inputs that must be quantised where they are present; the others are shapes and the like. Default: all. */
  readonly data?: readonly number[]
  /** All inputs are alike, so that a constant may come first. */
  readonly alike?: true
  /** Output codes are input codes, so that scales must be equal. */
  readonly moves?: true
  /** Can give floats, straight from its accumulators. */
  readonly floats?: true
  /** Why the executor cannot compute a unit, whatever the target; null where it can. */
  refuses?(unit: Unit, model: Model): string | null
  /** Packs constants and makes tables, once. */
  prepare(unit: Unit, arithmetic: Arithmetic, lent: Lent, model: Model): Promise<Run> | Run
}
