// Scales of weights. Each format has its rule: the largest magnitude at the end of the range where there are many levels, the scale of
// least squared error where there are few, the published ones for ternary and binary.
import { log2, pow } from '../../base/math.ts'
import type { KernelSet } from '../../ir/context.ts'
import { type FormatName, numberFormat } from '../../ir/format-names.ts'
import { levelsOf } from '../../ir/levels.ts'
import { coderOf, isInt, largestOf, type NumberFormat } from '../../ir/number-format.ts'
import {
  eachScale,
  type Granularity,
  paramsFromRange,
  type QuantParams,
  type QuantSpec,
  scaleShape,
  smallestScale,
} from '../../ir/quant.ts'

/**
 * How the weights of a layer are to be written. Unsigned integers are asked for with a zero point, which only weights that are
 * restored before they are multiplied can have: integer kernels take signed ones.
 */
export function weightSpec(
  name: FormatName,
  granularity: Granularity,
  weightOnly = false,
): QuantSpec<NumberFormat> | null {
  if (weightOnly && name.startsWith('uint') && name !== 'uint2')
    return { format: numberFormat(name, false)!, symmetric: false, granularity, restricted: false }
  const format = numberFormat(name, true)
  // The most negative code is left out, so that negation is safe; of only four codes every one counts.
  return format && { format, symmetric: true, granularity, restricted: name !== 'int2' && name !== 'uint2' }
}

/** Elements of a group that has one scale. */
type Group = Float32Array

/**
 * Scales, one a group; symmetric unless zero points are asked for. A group of zeros takes the median of the others' scales, so that a
 * bias in its unit keeps one.
 */
export function weightParams(
  data: Float32Array,
  shape: readonly number[],
  spec: QuantSpec<NumberFormat>,
  name: FormatName,
  kernels: Pick<KernelSet, 'scaleErrors'>,
): QuantParams {
  const groups = groupsOf(data, shape, spec)
  if (isInt(spec.format) && !spec.symmetric) return withZeroPoints(groups, spec as QuantSpec)
  const rule = ruleOf(name, spec, kernels)
  const scale = Float32Array.from(groups, rule)
  const alive = Array.from(scale).filter(s => s > 0)
  alive.sort((a, b) => a - b)
  const median = alive.length > 0 ? alive[alive.length >> 1] : 1
  for (let i = 0; i < scale.length; i++) scale[i] = Math.max(scale[i] > 0 ? scale[i] : median, smallestScale)
  return { spec, scale, zeroPoint: new Int32Array(scale.length) }
}

/** From the smallest to the largest element of each group, zero among them. */
function withZeroPoints(groups: readonly Group[], spec: QuantSpec): QuantParams {
  const found = groups.map(group => {
    const [min, max] = group.reduce(([low, high], x) => [Math.min(low, x), Math.max(high, x)], [0, 0])
    return paramsFromRange({ min, max }, spec)
  })
  return {
    spec,
    scale: Float32Array.from(found, f => f.scale),
    zeroPoint: Int32Array.from(found, f => f.zeroPoint),
  }
}

export function groupsOf(
  data: Float32Array,
  shape: readonly number[],
  spec: Pick<QuantSpec<NumberFormat>, 'granularity'>,
): Group[] {
  const count = scaleShape(shape, spec.granularity).reduce((n, d) => n * d, 1)
  const sizes = new Uint32Array(count)
  eachScale(shape, { spec }, (from, to, k) => {
    sizes[k] += to - from
  })
  // Views of one array: groups of 32 would be half a million arrays in a large matrix.
  const all = new Float32Array(data.length)
  let end = 0
  const groups = Array.from(sizes, size => {
    end += size
    return all.subarray(end - size, end)
  })
  sizes.fill(0)
  eachScale(shape, { spec }, (from, to, k) => {
    groups[k].set(data.subarray(from, to), sizes[k])
    sizes[k] += to - from
  })
  return groups
}

const largestIn = (group: Group): number => group.reduce((m, x) => Math.max(m, Math.abs(x)), 0)

/** Scale of a group; 0 where it is all zero. */
function ruleOf(
  name: FormatName,
  spec: QuantSpec<NumberFormat>,
  kernels: Pick<KernelSet, 'scaleErrors'>,
): (group: Group) => number {
  const { format } = spec
  const largest = largestOf(format, spec.restricted)
  if (format.kind === 'half') return () => 1
  if (name === 'ternary') return ternaryScale
  if (name === 'binary') return group => mean(group.map(Math.abs))
  if (format.kind === 'int') {
    if (format.bits > 4) return group => largestIn(group) / largest
    const coder = coderOf(format, spec.restricted)
    const errors = (group: Group, scales: Float32Array): Float64Array =>
      spec.restricted ? kernels.scaleErrors(group, scales, largest) : errorsOf(group, scales, coder)
    return group => leastError(largestIn(group) / largest, scales => errors(group, scales))
  }
  if (format.kind === 'levels') {
    const perOctave = levelsOf(format.name).scalesPerOctave
    if (perOctave !== null) return group => admissible(largestIn(group), perOctave)
    if (format.name === 'apot') {
      const coder = coderOf(format, spec.restricted)
      return group => leastError(largestIn(group), scales => errorsOf(group, scales, coder))
    }
  }
  return group => largestIn(group) / largest
}

const mean = (group: Group): number => group.reduce((sum, x) => sum + x, 0) / Math.max(1, group.length)

/** Ternary Weight Networks (2016): the mean magnitude of the elements beyond 0.7 times the mean magnitude. */
function ternaryScale(group: Group): number {
  const sizes = group.map(Math.abs)
  const threshold = 0.7 * mean(sizes)
  return mean(sizes.filter(x => x > threshold))
}

/** The smallest power of 2^(1/perOctave) that is not below. */
export function admissible(bound: number, perOctave: number): number {
  if (!(bound > 0)) return 0
  let n = Math.round(perOctave * log2(bound)) - 1
  while (pow(2, n / perOctave) < bound * (1 - 1e-7)) n++
  return pow(2, n / perOctave)
}

// From 0.3 to 1.0 of what the largest magnitude would take: beyond, rounding only grows; below, clipping costs more than is won.
const candidates = 71

function leastError(largest: number, errors: (scales: Float32Array) => Float64Array): number {
  if (!(largest > 0)) return 0
  const scales = Float32Array.from({ length: candidates }, (_, i) => largest * (1 - (0.7 * i) / (candidates - 1)))
  const found = errors(scales)
  let best = 0
  for (let i = 1; i < candidates; i++) if (found[i] < found[best]) best = i
  return scales[best]
}

function errorsOf(group: Group, scales: Float32Array, coder: ReturnType<typeof coderOf>): Float64Array {
  return Float64Array.from(scales, scale => {
    let sum = 0
    for (const x of group) {
      const e = x - coder.decode(coder.encode(x / scale)) * scale
      sum += e * e
    }
    return sum
  })
}
