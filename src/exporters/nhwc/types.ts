// A network as a list of kernels on channels-last tensors: what TensorFlow Lite's files hold and what C code is written from. Plain
// records that know of neither.
import type { DType } from '../../base/dtype.ts'
import type { NodeId, ValueName } from '../../ir/model.ts'

/** real = (code - zeroPoint) * scale, for the whole tensor or for each index of `axis`. */
export interface NhwcQuant {
  scale: readonly number[] // float32
  zeroPoint: readonly number[]
  axis: number
}

export interface NhwcTensor {
  name: string // unique
  shape: readonly number[]
  dtype: DType
  quant: NhwcQuant | null
  /** A constant's bytes: row-major, little-endian, types below 8 bits packed low bits first. */
  data: Uint8Array | null
  /** The value of the model that it is, possibly in another layout; null for what was added. */
  value: ValueName | null
}

/** [height, width] */
export type Pair = readonly [number, number]
export type Padding = 'same' | 'valid'
export type Fused = 'none' | 'relu' | 'relu6' | 'relu_n1_to_1'
type Nothing = Readonly<Record<string, never>>

interface Windows {
  padding: Padding
  strides: Pair
  fused: Fused
}

/** Inputs in the order of TensorFlow Lite's operators, whose names these are; an index of -1 is left out. */
export interface Options {
  CONV_2D: Windows & { dilations: Pair } // x, filter [O, H, W, I / groups], bias
  DEPTHWISE_CONV_2D: Windows & { dilations: Pair; multiplier: number } // x, filter [1, H, W, C m], bias
  TRANSPOSE_CONV: Windows // output shape, filter [O, H, W, I], x, bias
  FULLY_CONNECTED: { fused: Fused; keepDims: boolean } // x, weights [O, I], bias
  BATCH_MATMUL: Nothing
  AVERAGE_POOL_2D: Windows & { kernel: Pair }
  MAX_POOL_2D: Windows & { kernel: Pair }
  ADD: { fused: Fused }
  SUB: { fused: Fused }
  MUL: { fused: Fused }
  DIV: { fused: Fused }
  CONCATENATION: { axis: number; fused: 'none' }
  MEAN: { keepDims: boolean } // x, axes
  SUM: { keepDims: boolean }
  REDUCE_MAX: { keepDims: boolean }
  REDUCE_MIN: { keepDims: boolean }
  SOFTMAX: Nothing // along the last axis
  LEAKY_RELU: { alpha: number }
  RESHAPE: Nothing // x, shape
  TRANSPOSE: Nothing // x, permutation
  PAD: Nothing // x, [[before, after], ...]
  PADV2: Nothing // x, paddings, value
  MIRROR_PAD: Nothing // reflects, without the edge
  SLICE: Nothing // x, begin, size
  STRIDED_SLICE: Nothing // x, begin, end, strides
  SPLIT_V: Nothing // x, sizes, axis
  GATHER: { axis: number } // x, indices
  TILE: Nothing // x, repeats
  BROADCAST_TO: Nothing // x, shape
  RESIZE_BILINEAR: { alignCorners: boolean; halfPixelCenters: boolean } // x, [height, width]
  RESIZE_NEAREST_NEIGHBOR: { alignCorners: boolean; halfPixelCenters: boolean }
  DEPTH_TO_SPACE: { blockSize: number }
  SPACE_TO_DEPTH: { blockSize: number }
  QUANTIZE: Nothing // from reals or from other codes
  DEQUANTIZE: Nothing
  CAST: Nothing
  RELU: Nothing
  RELU6: Nothing
  RELU_N1_TO_1: Nothing
  LOGISTIC: Nothing
  TANH: Nothing
  HARD_SWISH: Nothing
  ELU: Nothing
  PRELU: Nothing
  EXP: Nothing
  LOG: Nothing
  SQRT: Nothing
  RSQRT: Nothing
  SQUARE: Nothing
  ABS: Nothing
  NEG: Nothing
  SIN: Nothing
  COS: Nothing
  FLOOR: Nothing
  CEIL: Nothing
  ROUND: Nothing
  GELU: { approximate: boolean }
  POW: Nothing
  MAXIMUM: Nothing
  MINIMUM: Nothing
  ARG_MAX: Nothing // x, axis
  LOG_SOFTMAX: Nothing
}
export type Kind = keyof Options

export type NhwcOperator = {
  [K in Kind]: {
    kind: K
    inputs: readonly number[]
    outputs: readonly number[]
    options: Options[K]
    /** The node of the model that it stands for, or is there for. */
    node: NodeId
  }
}[Kind]

export interface NhwcProgram {
  tensors: readonly NhwcTensor[]
  /** In an order in which each reads only what was made before it. */
  operators: readonly NhwcOperator[]
  /** Of the model's inputs and outputs, in their order. */
  inputs: readonly number[]
  outputs: readonly number[]
}
