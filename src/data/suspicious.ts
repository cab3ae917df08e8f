// The checks that name bad samples before they spoil a calibration: what is fed is looked at as it streams by.
//
// A sample with NaN or Inf, or with a value far beyond all others, is left out, since one such value decides a tensor's whole range:
// far beyond the other samples, or beyond the rest of its own picture.
// Zero, constant and repeated samples are named and kept. Whole sets are held against what the input spec can give (range), against
// the smoothness of pictures (layout: a step of one row down changes less than a step of three), and against the usual order of
// mean colours (natural photographs have more red than blue).
import { median } from '../base/median.ts'
import type { Skip, Suspicion } from '../ir/context.ts'
import type { NdArray } from '../ir/tensor.ts'

/** What is known of an input that arrays are fed to. */
export interface Expectation {
  /** The values that the input spec can give. */
  readonly low: number
  readonly high: number
  /** The spec was proposed by the studio, so the data may well be right. */
  readonly assumed: boolean
}

/** Colour pictures as they lie in memory, before a spec is applied. */
export interface ColorLook {
  readonly data: ArrayLike<number>
  readonly width: number
  readonly layout: 'NCHW' | 'NHWC'
  /** Means of the channels called first and last in `color`, in any unit of 0..255; null where colour cannot be judged. */
  readonly redMinusBlue: number | null
}

/** One sample, as it is looked at. */
export interface Look {
  readonly name: string
  readonly arrays: readonly {
    input: string
    array: NdArray
    expected: Expectation | null
    mended?: string | null // what was wrong with it, and has been put right
  }[]
  readonly color: ColorLook | null
}

/** Samples that are looked at together before the first is let through, so that it has others to be held against. */
export const lookahead = 8

const wild = 1000 // times the largest value of the typical sample
const lone = 16 // times the same, where hardly any other element of the sample is so large: half of the 8 bits
const few = 1 / 1000 // of a sample's elements: so many may be 'lone'
const fewest = 16 // elements below which constancy means nothing, samples below which colour means nothing
const named = 20 // samples named one by one before they are only counted

interface Facts {
  min: number
  max: number
  absMax: number
  body: number // a power of two that all but a few elements stay below; absMax where there are too few to tell
  finite: boolean
  hash: number
  varies: boolean
}

/** Of floats and pixels; null for other integers, which are ids or masks. */
function factsOf({ dtype, data }: NdArray): Facts | null {
  if (
    !(data instanceof Float32Array || data instanceof Float64Array || (data instanceof Uint8Array && dtype === 'uint8'))
  )
    return null
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  let finite = true
  for (const x of data) {
    if (x < min) min = x
    if (x > max) max = x
    if (x - x !== 0) finite = false
  }
  const { buffer, byteOffset, byteLength } = data.byteOffset % 4 === 0 ? data : data.slice()
  const words = new Uint32Array(buffer, byteOffset, byteLength >> 2)
  let hash = words.length
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ words[i], 0x85ebca6b) ^ (hash >>> 13)
  const absMax = Math.max(-min, max)
  const body = data instanceof Float32Array ? Math.min(absMax, bodyOf(words)) : absMax
  return { min, max, absMax, body, finite, hash, varies: min < max }
}

/** The smallest power of two above all but a few float32 magnitudes, from their exponents. */
function bodyOf(words: Uint32Array): number {
  const exponents = new Uint32Array(256)
  for (let i = 0; i < words.length; i++) exponents[(words[i] >>> 23) & 255]++
  let exponent = 255
  for (let above = 0; exponent > 0; exponent--) {
    above += exponents[exponent]
    if (above > words.length * few) break
  }
  return new Float32Array(Uint32Array.of(Math.min(exponent + 1, 255) << 23).buffer)[0]
}

/** Is the largest value alone, among elements that are all much smaller? */
const isLone = ({ absMax, body }: Facts): boolean => body > 0 && absMax > lone * body

const short = (x: number): string => (Math.abs(x) >= 1e5 ? x.toExponential(1) : String(Number(x.toPrecision(3))))

/** Everything found in one or more sweeps over the same samples. */
export interface Screen {
  /** Looks at samples that come one after the other; for each the reason to leave it out, or null. */
  look(samples: readonly Look[]): (string | null)[]
  /** Judges the whole set, after its last sample. */
  finish(): void
  readonly skipped: readonly Skip[]
  readonly suspicious: readonly Suspicion[]
  /** Leaves a sample out for a reason found elsewhere. */
  skip(sample: string, why: string): void
}

export function createScreen(): Screen {
  const skipped = new Map<string, string>()
  const found = new Map<string, string[]>() // what → samples
  const whole = new Set<string>()
  const peaks = new Map<string, number[]>() // input → largest values of the first samples
  const ranges = new Map<string, { min: number; max: number; expected: Expectation | null }>()
  const loners = new Map<string, number>() // input → samples with values far beyond the rest of them
  const seen = new Map<string, string>() // hash → sample
  const repeated = new Map<string, string>() // sample → the earlier one that it equals
  const rows = { one: 0, three: 0, layout: 'NCHW' as ColorLook['layout'], samples: 0 }
  const colors: number[] = []
  let judged = 0

  const note = (what: string, sample: string): void => {
    const samples = found.get(what) ?? []
    if (!samples.includes(sample)) samples.push(sample)
    found.set(what, samples)
  }
  const skip = (sample: string, why: string): void => void skipped.set(sample, why)

  function judge(look: Look, facts: readonly (Facts | null)[]): string | null {
    for (const [i, { input, array, expected }] of look.arrays.entries()) {
      const f = facts[i]
      if (f === null) continue
      if (!f.finite) return `NaN or infinite values in '${input}'`
      const typical = median(peaks.get(input) ?? [f.absMax])
      const value = short(f.max === f.absMax ? f.max : f.min)
      const alone = isLone(f)
      const far = f.absMax > (alone ? lone : wild) * typical || (expected !== null && f.absMax > wild * f.body)
      if (far && typical > 0 && f.body > 0)
        return f.absMax > lone * typical
          ? `'${input}' has a value of ${value}, ${short(f.absMax / typical)} times what others reach (${short(typical)})`
          : `'${input}' has a value of ${value}, ${short(f.absMax / f.body)} times what the rest of it reaches (${short(f.body)})`
      if (alone && expected) loners.set(input, (loners.get(input) ?? 0) + 1)
      // A spec that was given is sharper than any comparison. Where most samples are beyond it as a whole, it is the set or the spec.
      if (!expected || expected.assumed) continue
      const { low, high } = toleranceOf(expected)
      if (f.min >= low && f.max <= high) continue
      const outside = (array.data as Float32Array).reduce((n: number, x) => (x < low || x > high ? n + 1 : n), 0)
      if (outside <= Math.max(1, array.data.length * few) || typical <= Math.max(-low, high))
        return `'${input}' has a value of ${value} where the input spec gives ${short(expected.low)} to ${short(expected.high)}`
    }
    return null
  }

  function remember(look: Look, facts: readonly (Facts | null)[]): void {
    for (const [i, { input, expected, array, mended }] of look.arrays.entries()) {
      const f = facts[i]
      if (mended) note(mended, look.name)
      if (f === null) continue
      const range = ranges.get(input) ?? { min: f.min, max: f.max, expected }
      ranges.set(input, { min: Math.min(range.min, f.min), max: Math.max(range.max, f.max), expected })
      if (!f.varies && array.data.length >= fewest)
        note(f.max === 0 ? `all values of '${input}' are 0` : `all values of '${input}' are ${short(f.max)}`, look.name)
      else if (look.arrays.length === 1 && array.data.length >= fewest) {
        const key = `${f.hash}/${f.min}/${f.max}`
        const earlier = seen.get(key)
        if (earlier === undefined) seen.set(key, look.name)
        else if (earlier !== look.name) repeated.set(look.name, earlier)
      }
    }
    if (look.color) measure(look.color)
  }

  function measure(color: ColorLook): void {
    rows.one += step(color.data, color.width)
    rows.three += step(color.data, color.width * 3)
    rows.layout = color.layout
    rows.samples++
    if (color.redMinusBlue !== null) colors.push(color.redMinusBlue)
  }

  return {
    look(samples) {
      const facts = samples.map(sample => sample.arrays.map(({ array }) => factsOf(array)))
      for (const [s, sample] of samples.entries()) {
        for (const [i, { input }] of sample.arrays.entries()) {
          const f = facts[s][i]
          const known = peaks.get(input) ?? []
          if (f?.finite && f.varies && known.length < 256) peaks.set(input, [...known, f.absMax])
        }
      }
      judged += samples.length
      return samples.map((sample, s) => {
        const why = judge(sample, facts[s])
        if (why === null) remember(sample, facts[s])
        else {
          skip(sample.name, `${why}: left out`)
          note(why, sample.name)
        }
        return why
      })
    },
    finish() {
      whole.clear()
      for (const [input, { min, max, expected }] of ranges) {
        const what = expected && rangeFault(input, min, max, expected)
        if (what) whole.add(what)
        if (2 * (loners.get(input) ?? 0) > judged)
          whole.add(
            `single values of '${input}' reach ${short(Math.max(-min, max))}, ${lone} times the rest or more: broken pixels?`,
          )
      }
      const layout = layoutFault(rows)
      if (layout) whole.add(layout)
      // The mean colours of values in a wrong range, or of colours in wrong places, mean nothing.
      const color = whole.size === 0 ? colorFault(colors) : null
      if (color) whole.add(color)
    },
    get skipped() {
      return [...skipped].map(([sample, why]) => ({ sample, why }))
    },
    get suspicious() {
      const list: Suspicion[] = [...whole].map(what => ({ sample: 'all samples', what }))
      for (const [what, samples] of found) {
        if (samples.length > 1 && samples.length === judged) {
          list.push({ sample: 'all samples', what })
          continue
        }
        for (const sample of samples.slice(0, named)) list.push({ sample, what })
        if (samples.length > named) list.push({ sample: `${samples.length - named} more samples`, what })
      }
      // A few are in most collections; many weigh some pictures more than others.
      if (repeated.size > seen.size / 20) {
        const [[sample, earlier]] = repeated
        list.push({ sample, what: `the same as ${earlier}, one of ${repeated.size} repeated samples` })
      }
      return list
    },
    skip,
  }
}

/** Mean change over `lag` elements. */
function step(data: ArrayLike<number>, lag: number): number {
  let sum = 0
  const count = data.length - lag
  for (let i = 0; i < count; i++) sum += Math.abs(data[i + lag] - data[i])
  return count > 0 ? sum / count : 0
}

/** What is let pass without a word: resizing overshoots, and pictures are made brighter to train on. */
function toleranceOf({ low, high }: Expectation): { low: number; high: number } {
  return { low: low - (high - low) / 4, high: high + (high - low) / 4 }
}

function rangeFault(input: string, min: number, max: number, expected: Expectation): string | null {
  if (min === max) return null // constant, and named as such
  const { low, high, assumed } = expected
  const span = high - low
  const run = `values of '${input}' run from ${short(min)} to ${short(max)}, the input spec gives ${short(low)} to ${short(high)}`
  if (assumed)
    return high < 20 && min >= 0 && max > 100 && max <= 255
      ? `${run} (assumed): maybe these are pixels that were not normalised; saved as uint8 (N, H, W, C) they would be`
      : null
  const tolerance = toleranceOf(expected)
  if (max > tolerance.high || min < tolerance.low)
    return `${run}: the data look un-normalised, or normalised in another way`
  if (max - min < span / 10) return `${run}: the data look scaled twice`
  if (min >= 0 && low < -0.1 * span) return `${run}: the data look scaled, but no mean was subtracted`
  return null
}

/** With rows of W values, a plane's neighbour below is W away; with interleaved colours it is 3 W away. */
function layoutFault({ one, three, layout, samples }: { one: number; three: number; layout: string; samples: number }) {
  if (samples === 0 || one === 0 || three === 0) return null
  const ratio = one / three
  if (layout === 'NCHW' && ratio > 1.25)
    return 'swapped layout: the values lie as NHWC (colours interleaved), but are fed as NCHW; reshape to (N, H, W, C), then transpose(0, 3, 1, 2)'
  if (layout === 'NHWC' && ratio < 0.8)
    return 'swapped layout: the values lie as NCHW (one plane per colour), but are fed as NHWC; reshape to (N, C, H, W), then transpose(0, 2, 3, 1)'
  return null
}

/** Mean of red minus blue, at least 1 of 255 and three standard errors below zero. */
function colorFault(differences: readonly number[]): string | null {
  const n = differences.length
  if (n < fewest) return null
  const mean = differences.reduce((a, b) => a + b, 0) / n
  const variance = differences.reduce((sum, d) => sum + (d - mean) * (d - mean), 0) / (n - 1)
  if (mean > -1 || mean > -3 * Math.sqrt(variance / n)) return null
  return 'maybe swapped colours: there is more blue than red, which is rare in photographs (RGB where BGR is meant, or the reverse?)'
}
