// Quantisation: what is wanted (spec), what was seen (observation), what was decided (params, plan).
import { roundHalfEven } from '../base/round.ts'
import type { NodeId, ValueName } from './model.ts'

/** A number format. Further kinds (tables, small floats) join here. */
export type Format = { kind: 'int'; bits: number; signed: boolean } | { kind: 'float16' } | { kind: 'float32' }

export type Granularity = { kind: 'tensor' } | { kind: 'channel'; axis: number }

export interface QuantSpec {
  format: { kind: 'int'; bits: number; signed: boolean }
  symmetric: boolean
  granularity: Granularity
  /** Weights: leave out the most negative code, so that negation is safe. */
  restricted: boolean
}

/** real = (q - zeroPoint) * scale; one entry per tensor or per channel. */
export interface QuantParams {
  spec: QuantSpec
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
export interface FloatReason {
  node: NodeId
  op: string
  why: string
}

export interface QuantPlan {
  activations: ReadonlyMap<ValueName, QuantParams>
  weights: ReadonlyMap<ValueName, QuantParams> // by initializer name
  biases: ReadonlyMap<NodeId, { bias: ValueName; input: ValueName; weight: ValueName }> // int32, scale = input scale * weight scale
  quantized: ReadonlySet<NodeId> // with the activation functions that are fused behind one
  float: readonly FloatReason[]
  shared: readonly (readonly ValueName[])[] // sets of values with one scale
}

// Exact, unlike the engine's own power function.
const powerOfTwo = (n: number): number => 1 << n

export const codeRange = (spec: QuantSpec): { qmin: number; qmax: number } => {
  const { bits, signed } = spec.format
  const span = powerOfTwo(bits)
  if (!signed) return { qmin: 0, qmax: span - 1 }
  return { qmin: spec.restricted ? 1 - span / 2 : -span / 2, qmax: span / 2 - 1 }
}

// GPUs may flush denormals, so that no scale is let fall below 2^-100.
const smallestScale = 7.888609052210118e-31

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

/** Real value to code: division in float32, half to even, zero point after rounding, clamped; NaN becomes the zero point. */
export function quantizeValue(x: number, scale: number, zeroPoint: number, qmin: number, qmax: number): number {
  if (Number.isNaN(x)) return zeroPoint
  return Math.min(qmax, Math.max(qmin, roundHalfEven(Math.fround(x / scale)) + zeroPoint))
}

/** Codes of a tensor, one scale and zero point per tensor or per index of the channel axis. */
export function quantizeTensor(
  data: Float32Array,
  shape: readonly number[],
  params: QuantParams,
): Int8Array | Uint8Array {
  const { qmin, qmax } = codeRange(params.spec)
  const { channels, inner } = channelsOf(data, shape, params)
  const codes = params.spec.format.signed ? new Int8Array(data.length) : new Uint8Array(data.length)
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / inner) % channels
    codes[i] = quantizeValue(data[i], params.scale[channel], params.zeroPoint[channel], qmin, qmax)
  }
  return codes
}

/** A tensor through its codes and back. */
export function roundTripTensor(data: Float32Array, shape: readonly number[], params: QuantParams): Float32Array {
  const codes = quantizeTensor(data, shape, params)
  const { channels, inner } = channelsOf(data, shape, params)
  return Float32Array.from(codes, (q, i) => {
    const channel = Math.floor(i / inner) % channels
    return (q - params.zeroPoint[channel]) * params.scale[channel]
  })
}

/** Channel of element i is floor(i / inner) mod channels. */
function channelsOf(
  data: Float32Array,
  shape: readonly number[],
  { spec }: QuantParams,
): { channels: number; inner: number } {
  if (spec.granularity.kind === 'tensor') return { channels: 1, inner: data.length }
  const { axis } = spec.granularity
  return { channels: shape[axis], inner: shape.slice(axis + 1).reduce((n, d) => n * d, 1) }
}
