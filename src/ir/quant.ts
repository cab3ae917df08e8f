// Quantisation: what is wanted (spec), what was seen (observation), what was decided (params, plan).
import { powerOfTwo } from '../base/math.ts'
import { roundHalfEven } from '../base/round.ts'
import type { NodeId, ValueName } from './model.ts'
import { coderOf, codesOf, containerOf, type IntFormat, isInt, type NumberFormat } from './number-format.ts'

export type Granularity =
  | { kind: 'tensor' }
  | { kind: 'channel'; axis: number }
  | { kind: 'block'; axis: number; size: number }

export interface QuantSpec<F extends NumberFormat = IntFormat> {
  format: F
  symmetric: boolean
  granularity: Granularity
  /** Weights: leave out the most negative code, so that negation is safe. */
  restricted: boolean
}

/**
 * real = (q - zeroPoint) * scale. One entry per tensor, per channel, or per block: blocks lie as the tensor does, with the axis
 * shortened to the number of blocks.
 */
export interface QuantParams {
  spec: QuantSpec<NumberFormat>
  scale: Float32Array
  zeroPoint: Int32Array
}

export interface Range {
  min: number
  max: number
}

/**
 * What one sweep over the samples gathered of one value. Everything but `ema` is independent of order.
 * `histogram` counts finite elements by the upper bits of their float32 pattern: see src/ir/histogram.ts.
 */
export interface Observation {
  value: ValueName
  count: number // finite elements
  nan: number
  infinite: number
  zeros: number // where there is a histogram; else 0
  min: number // of finite elements; 0 when there is none
  max: number
  ema: Range | null // moving average over batches in their order
  histogram: Histogram | null
}

/** Counts keyed by float bits: `keys` ascending in real order, only those that occur. Edges: `edgesOf` in ir/histogram.ts. */
export interface Histogram {
  mantissaBits: number
  keys: Uint32Array
  counts: Float64Array
}

/** Why a node is computed in float. */
/** Why a layer that could be in integers is not. */
export const keptInFloat = 'kept in float by the recipe'

export interface FloatReason {
  node: NodeId
  op: string
  why: string
}

export interface QuantPlan {
  activations: ReadonlyMap<ValueName, QuantParams>
  weights: ReadonlyMap<ValueName, QuantParams> // by initializer name
  biases: ReadonlyMap<NodeId, { bias: ValueName; input: ValueName; weight: ValueName }> // int32, scale = input scale * weight scale; where both are integers
  floatBias: boolean // the target adds biases in float, also to sums of integers
  floatOutputs?: true // what integer nodes make is float, and only integer readers see it rounded
  roundsUnasked?: readonly string[] // float operators that a pair right before them would get rounded too
  quantized: ReadonlySet<NodeId> // with the activation functions that are fused behind one
  integer: ReadonlySet<NodeId> // those of `quantized` that the target computes in integers, whose output nobody sees but rounded
  weightOnly: ReadonlySet<NodeId> // float nodes whose weights are in `weights`
  float: readonly FloatReason[]
  shared: readonly (readonly ValueName[])[] // sets of values with one scale
}

/**
 * The format of a layer's input, where the layer multiplies integers by integers of one scale an output, so that its bias is one too;
 * null for all others, also where the input has a format for another reader's sake.
 */
export function integerInput(
  { activations, quantized, floatBias }: Pick<QuantPlan, 'activations' | 'quantized' | 'floatBias'>,
  node: NodeId,
  input: ValueName,
  weight: QuantParams | undefined,
): QuantParams | null {
  const params = activations.get(input)
  if (floatBias || !quantized.has(node) || !params || !weight || weight.spec.granularity.kind === 'block') return null
  return isInt(params.spec.format) && isInt(weight.spec.format) ? params : null
}

/** A bias of more units would leave no room in an int32 accumulator. */
export const largestBias = 1073741824

export const codeRange = (spec: QuantSpec): { qmin: number; qmax: number } => codesOf(spec.format, spec.restricted)

// GPUs may flush denormals, so that no scale is let fall below 2^-100.
export const smallestScale = 7.888609052210118e-31

/**
 * Range to scale and zero point (Jacob et al. 2018, section 2; algorithms 0 and 1): the range is first extended to hold zero, so
 * that zero is exact. A range of zero alone gives scale 1, zero point 0 for signed and unsigned alike.
 */
export function paramsFromRange(range: Range, spec: QuantSpec): { scale: number; zeroPoint: number } {
  const { qmin, qmax } = codeRange(spec)
  const min = Math.min(range.min, 0)
  const max = Math.max(range.max, 0)
  if (min === 0 && max === 0)
    return { scale: 1, zeroPoint: spec.symmetric && !spec.format.signed ? powerOfTwo(spec.format.bits - 1) : 0 }
  if (spec.symmetric) {
    const bound = Math.max(-min, max)
    const zeroPoint = spec.format.signed ? 0 : powerOfTwo(spec.format.bits - 1)
    const scale = spec.restricted && spec.format.signed ? bound / qmax : bound / ((qmax - qmin) / 2)
    return { scale: Math.fround(Math.max(scale, smallestScale)), zeroPoint }
  }
  const scale = Math.fround(Math.max((max - min) / (qmax - qmin), smallestScale))
  const zeroPoint = Math.min(qmax, Math.max(qmin, roundHalfEven(qmin - min / scale)))
  return { scale, zeroPoint }
}

// 1.5 * 2^52: what is added to it has no room for a fraction, and is rounded half to even.
const toWhole = 6755399441055744

/** Real value to code: division in float32, half to even, zero point after rounding, clamped; NaN becomes the zero point. */
export function quantizeValue(x: number, scale: number, zeroPoint: number, qmin: number, qmax: number): number {
  const unit = Math.fround(x / scale)
  if (unit < qmin - zeroPoint) return qmin
  if (unit > qmax - zeroPoint) return qmax
  return Number.isNaN(unit) ? zeroPoint : unit + toWhole - toWhole + zeroPoint
}

/** Codes of a tensor, in the array that holds its container's elements one by one (packing is the writer's). */
export function quantizeTensor(data: Float32Array, shape: readonly number[], params: QuantParams): CodeArray {
  const { spec, scale, zeroPoint } = params
  const codes = codeArray(spec.format, data.length)
  if (isInt(spec.format) && spec.format.bits > 1) {
    const { qmin, qmax } = codesOf(spec.format, spec.restricted)
    eachScale(shape, params, (from, to, k) => {
      const [step, zero] = [scale[k], zeroPoint[k]]
      for (let i = from; i < to; i++) codes[i] = quantizeValue(data[i], step, zero, qmin, qmax)
    })
    return codes
  }
  const coder = coderOf(spec.format, spec.restricted)
  eachScale(shape, params, (from, to, k) => {
    for (let i = from; i < to; i++) codes[i] = coder.encode(Math.fround(data[i] / scale[k]))
  })
  return codes
}

/** The reals that codes stand for. */
export function dequantizeTensor(codes: CodeArray, shape: readonly number[], params: QuantParams): Float32Array {
  const { spec, scale, zeroPoint } = params
  const reals = new Float32Array(codes.length)
  const { decode } = coderOf(spec.format, spec.restricted)
  const isWhole = isInt(spec.format)
  eachScale(shape, params, (from, to, k) => {
    const [step, zero] = [scale[k], zeroPoint[k]]
    if (isWhole) for (let i = from; i < to; i++) reals[i] = (codes[i] - zero) * step
    else for (let i = from; i < to; i++) reals[i] = decode(codes[i] - zero) * step
  })
  return reals
}

/** A tensor through its codes and back. */
export const roundTripTensor = (data: Float32Array, shape: readonly number[], params: QuantParams): Float32Array =>
  dequantizeTensor(quantizeTensor(data, shape, params), shape, params)

export type CodeArray = Int8Array | Uint8Array | Int16Array | Uint16Array

function codeArray(format: NumberFormat, length: number): CodeArray {
  const container = containerOf(format)
  if (container === 'int16') return new Int16Array(length)
  if (container === 'uint16' || container === 'float16' || container === 'bfloat16') return new Uint16Array(length)
  return container.startsWith('int') ? new Int8Array(length) : new Uint8Array(length)
}

/** Calls `visit` with each run of elements, `from` to before `to`, that has one scale, and with that scale's index. */
export function eachScale(
  shape: readonly number[],
  { spec: { granularity } }: { spec: Pick<QuantSpec<NumberFormat>, 'granularity'> },
  visit: (from: number, to: number, scale: number) => void,
): void {
  const count = shape.reduce((n, d) => n * d, 1)
  if (granularity.kind === 'tensor') {
    visit(0, count, 0)
    return
  }
  const { axis } = granularity
  const length = shape[axis]
  const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1)
  const size = granularity.kind === 'block' ? granularity.size : 1
  const blocks = Math.ceil(length / size)
  for (let run = 0, from = 0; from < count; run++, from += inner) {
    const at = run % length
    if (granularity.kind === 'channel') visit(from, from + inner, at)
    else {
      const first = (Math.floor(run / length) * blocks + Math.floor(at / size)) * inner
      for (let i = 0; i < inner; i++) visit(from + i, from + i + 1, first + i)
    }
  }
}

/** Shape of the scales of a tensor. */
export function scaleShape(shape: readonly number[], granularity: Granularity): number[] {
  if (granularity.kind === 'tensor') return []
  if (granularity.kind === 'channel') return [shape[granularity.axis]]
  return shape.map((d, i) => (i === granularity.axis ? Math.ceil(d / granularity.size) : d))
}
