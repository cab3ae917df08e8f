// Entropy: the threshold at which the distribution of |x|, clipped and put into as many levels as the format has, differs least from
// itself by the Kullback-Leibler divergence (8-bit Inference with TensorRT, 2017). Zeros are left out: after a rectifier they would
// outweigh all else. Sums over prefixes make a candidate cost one logarithm a level instead of one a bin. The forms of the runtimes' own
// tools are in `originals`.

import { log } from '../../base/math.ts'
import { choice } from '../../base/options.ts'
import { type Cells, linearBins, magnitudes, quantile } from '../../ir/histogram.ts'
import type { Observation, QuantSpec, Range } from '../../ir/quant.ts'
import { histogramCells, magnitudeBins, signedBins } from './cells.ts'
import { type Form, formOption } from './forms.ts'
import * as ncnn from './originals/ncnn.ts'
import * as onnxruntime from './originals/onnxruntime.ts'
import * as tensorrt from './originals/tensorrt.ts'
import { lastOfLeast, prefixSums, xlogx } from './prefixes.ts'
import type { CalibrationMethod } from './types.ts'

export const kl: CalibrationMethod = {
  id: 'kl',
  label: 'Entropy (KL)',
  needs: 'histogram',
  options: {
    bins: choice('Bins', ['2048', '4096', '8192'], '2048'),
    form: formOption('tensorrt', 'ncnn', 'onnxruntime'),
  },
  range(observation, spec, options) {
    const cells = histogramCells(observation)
    if (cells === null) return { min: 0, max: 0 }
    const bins = Number(options.bins ?? 2048)
    const form = (options.form ?? 'auto') as Form
    if (form !== 'auto') return inForm(form, observation, cells, spec, bins)
    const largest = Math.max(-observation.min, observation.max)
    return within(observation, threshold(magnitudes(cells), largest, levelsOf(observation, spec), bins))
  },
}

const within = ({ min, max }: Range, bound: number, low = -bound): Range => ({
  min: Math.min(max, Math.max(min, low)),
  max: Math.max(min, Math.min(max, bound)),
})

/**
 * As a runtime's own tool has it, over bins that reach to the largest element. On data far from zero the tools may keep nearly nothing
 * (ncnn cuts a constant to a sixteenth, TensorRT's divides zero by zero): what would keep less than half is not followed.
 */
function inForm(
  form: Exclude<Form, 'auto'>,
  observation: Observation,
  cells: Cells,
  spec: QuantSpec,
  bins: number,
): Range {
  const { min, max } = observation
  const largest = Math.max(-min, max)
  if (largest === 0) return { min: 0, max: 0 }
  const unsigned = !spec.symmetric && min >= 0
  const levels = 1 << (spec.format.bits - (unsigned ? 0 : 1))
  const range = within(observation, ...boundsOf(form, cells, largest, levels, bins))
  return keptOf(cells, range) < 0.5 * observation.count ? { min, max } : range
}

function boundsOf(
  form: Exclude<Form, 'auto'>,
  cells: Cells,
  largest: number,
  levels: number,
  bins: number,
): [high: number, low?: number] {
  const width = largest / bins
  switch (form) {
    case 'tensorrt':
      return [width * tensorrt.klBins(magnitudeBins(cells, largest, bins), levels)]
    case 'ncnn':
      return [width * ncnn.klBins(magnitudeBins(cells, largest, bins))]
    case 'onnxruntime': {
      const [low, high] = onnxruntime.klEdges(signedBins(cells, largest, bins))
      return [2 * high * width - largest, 2 * low * width - largest]
    }
  }
}

/** Elements of the cells that lie within a range, by their middles. */
function keptOf({ low, high, count }: Cells, { min, max }: Range): number {
  return count.reduce((n, c, i) => {
    const middle = low[i] + (high[i] - low[i]) / 2
    return middle >= min && middle <= max ? n + c : n
  }, 0)
}

const occupiedOf = (counts: Float64Array): number => counts.reduce((n, c) => n + (c > 0 ? 1 : 0), 0)

/** Levels that the larger side of the range has: half of all where the format is symmetric, all where the data have one sign. */
function levelsOf({ min, max }: Observation, spec: QuantSpec): number {
  const all = 1 << spec.format.bits
  if (spec.symmetric) return all / 2
  const span = Math.max(max, 0) - Math.min(min, 0)
  return span > 0 ? Math.max(1, Math.round((all * Math.max(-min, max)) / span)) : all
}

function threshold(sizes: Cells, largest: number, levels: number, bins: number): number {
  if (sizes.count.length === 0 || bins <= levels) return largest
  // Bins reach to 8 times what holds 99.9 % of the elements: one wild value beyond counts as clipped and does not squeeze the rest
  // into a few bins, where every threshold looks alike.
  const top = Math.min(largest, 8 * quantile(sizes, 0.999))
  if (!(top > 0)) return largest
  const { counts, beyond: past } = linearBins(sizes, top, bins)
  // Nothing lies beyond the largest: what saturates there (white pixels, a bounded activation) belongs to the last bin.
  const beyond = top < largest ? past : 0
  counts[bins - 1] += past - beyond
  if (occupiedOf(counts) <= levels) return largest
  const kept = bestPrefix(counts, beyond, levels)
  return Math.min(largest, ((kept + 0.5) * top) / bins)
}

// Share of the mass that a level without elements is lent, so that the outliers gathered in the last bin never divide by zero.
const epsilon = 1e-4

// Both sides are normalised, so that keeping one heap of several alone looks perfect (the original does so: data far from zero, a
// background that most pixels share). What cuts more than a hundredth of the elements is therefore no candidate.
const leastKept = 0.99

/** How many of the bins to keep, at least `levels`; the last of those that are equally good. */
export function bestPrefix(counts: Float64Array, beyond: number, levels: number): number {
  const bins = counts.length
  const { mass, occupied, entropy } = prefixSums(counts)
  const total = mass[bins] + beyond
  // What is no candidate has no divergence: NaN is never the least.
  return lastOfLeast(levels, bins, kept => (mass[kept] < leastKept * total ? Number.NaN : divergence(kept)))

  // P: the kept bins, what is cut added to the last. Q: each level's mass (without the cut one) spread over its occupied bins.
  // sum P ln(P/Q) / total + ln(sum Q / total); a level covers whole bins, from floor(j kept / levels) on.
  function divergence(kept: number): number {
    const cut = total - mass[kept]
    const last = counts[kept - 1]
    const lastP = last + cut
    let crossed = 0
    let start = 0
    for (let j = 1; j <= levels; j++) {
      const end = Math.floor((j * kept) / levels)
      const own = mass[end] - mass[start]
      const cells = occupied[end] - occupied[start]
      if (cells > 0) crossed += own * log(own / cells)
      start = end
    }
    // The last bin's extra mass meets Q there, which is the last level's mean, or next to nothing where the bin was empty.
    const lastStart = Math.floor(((levels - 1) * kept) / levels)
    const lastCells = occupied[kept] - occupied[lastStart]
    const q = last > 0 ? (mass[kept] - mass[lastStart]) / lastCells : epsilon
    if (cut > 0) crossed += cut * log(q)
    const own = entropy[kept] - xlogx(last) + xlogx(lastP)
    return (own - crossed) / total + log(mass[kept] / total)
  }
}
