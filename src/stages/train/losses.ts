// What is to become small, and its gradient by a value of the network. Every term is a mean over samples, of which a shard has some.
//
// Soft targets: Hinton et al., "Distilling the Knowledge in a Neural Network", 2015, section 2. Attention: Zagoruyko and Komodakis,
// "Paying More Attention to Attention", 2017, equation 2, whose maps have no channels, so that a network with fewer of them can follow.
import { exp, log } from '../../base/math.ts'
import type { ValueName } from '../../ir/model.ts'
import type { NdArray } from '../../ir/tensor.ts'

export type Term =
  /** T^2 times the divergence from the target's shares at temperature T. Classes lie along `axis`. */
  | { kind: 'soft'; value: ValueName; weight: number; temperature: number; axis: number }
  /** Squared error over `unit`, the mean square of the target. */
  | { kind: 'square'; value: ValueName; weight: number; unit: number }
  /** Squared distance of the normalised maps of activity. */
  | { kind: 'attention'; value: ValueName; weight: number }
  /** Cross entropy with the sample's class; `smoothing` is spread over all classes. */
  | { kind: 'label'; value: ValueName; weight: number; smoothing: number }

export interface Lost {
  /** Summed over the samples of the shard, divided by `of`. */
  loss: number
  gradient: Float32Array
}

/** `of` samples are in the whole batch. `labels` has a mix of classes for each sample: their numbers and shares. */
export function lossOf(
  term: Term,
  y: NdArray,
  target: NdArray | null,
  labels: readonly (readonly [number, number][])[] | null,
  of: number,
): Lost {
  switch (term.kind) {
    case 'soft':
      return softTargets(y, target!, term.temperature, term.axis, term.weight / of)
    case 'square':
      return square(y, target!, term.weight / (of * term.unit * (y.data.length / samplesOf(y))))
    case 'attention':
      return attention(y, target!, term.weight / of)
    case 'label':
      return crossEntropy(y, labels!, term.smoothing, term.weight / of)
  }
}

const samplesOf = ({ shape }: NdArray): number => shape[0] ?? 1

/** Natural logarithms of the shares of one distribution, by its elements' positions, at a temperature. */
function logShares(x: Float32Array, at: (k: number) => number, length: number, temperature: number): Float64Array {
  const logs = new Float64Array(length)
  let largest = Number.NEGATIVE_INFINITY
  for (let k = 0; k < length; k++) {
    logs[k] = x[at(k)] / temperature
    largest = Math.max(largest, logs[k])
  }
  let sum = 0
  for (let k = 0; k < length; k++) sum += exp(logs[k] - largest)
  const shift = largest + log(sum)
  for (let k = 0; k < length; k++) logs[k] -= shift
  return logs
}

function softTargets(y: NdArray, target: NdArray, temperature: number, axis: number, weight: number): Lost {
  const [x, t] = [y.data as Float32Array, target.data as Float32Array]
  const length = y.shape[axis]
  const inner = y.shape.slice(axis + 1).reduce((n, d) => n * d, 1)
  // Where a sample has several distributions, as a line of text has one a step, their mean counts.
  const each = weight / (x.length / length / samplesOf(y))
  const gradient = new Float32Array(x.length)
  let loss = 0
  for (let run = 0; run < x.length / length; run++) {
    const first = Math.floor(run / inner) * length * inner + (run % inner)
    const at = (k: number): number => first + k * inner
    const own = logShares(x, at, length, temperature)
    const wanted = logShares(t, at, length, temperature)
    for (let k = 0; k < length; k++) {
      const share = exp(wanted[k])
      loss += each * temperature * temperature * share * (wanted[k] - own[k])
      gradient[at(k)] = each * temperature * (exp(own[k]) - share)
    }
  }
  return { loss, gradient }
}

function square(y: NdArray, target: NdArray, weight: number): Lost {
  const [x, t] = [y.data as Float32Array, target.data as Float32Array]
  const gradient = new Float32Array(x.length)
  let loss = 0
  for (let i = 0; i < x.length; i++) {
    const e = x[i] - t[i]
    loss += weight * e * e
    gradient[i] = 2 * weight * e
  }
  return { loss, gradient }
}

/** Sum over channels of squares at each place of each sample, as a vector of length 1. */
function activity({ data, shape }: NdArray): { maps: Float64Array; norms: Float64Array; places: number } {
  const x = data as Float32Array
  const [samples, channels] = shape
  const places = x.length / (samples * channels)
  const maps = new Float64Array(samples * places)
  for (let i = 0; i < x.length; i++) maps[Math.floor(i / (channels * places)) * places + (i % places)] += x[i] * x[i]
  const norms = new Float64Array(samples)
  for (let i = 0; i < maps.length; i++) norms[Math.floor(i / places)] += maps[i] * maps[i]
  for (let s = 0; s < samples; s++) norms[s] = Math.sqrt(norms[s])
  return { maps, norms, places }
}

function attention(y: NdArray, target: NdArray, weight: number): Lost {
  const [own, wanted] = [activity(y), activity(target)]
  const { places } = own
  const samples = samplesOf(y)
  const ofMap = new Float64Array(own.maps.length)
  let loss = 0
  for (let s = 0; s < samples; s++) {
    if (!(own.norms[s] > 0 && wanted.norms[s] > 0)) continue
    let dot = 0
    for (let i = s * places; i < (s + 1) * places; i++) {
      const [a, b] = [own.maps[i] / own.norms[s], wanted.maps[i] / wanted.norms[s]]
      loss += weight * (a - b) * (a - b)
      ofMap[i] = 2 * weight * (a - b)
      dot += ofMap[i] * a
    }
    for (let i = s * places; i < (s + 1) * places; i++)
      ofMap[i] = (ofMap[i] - (dot * own.maps[i]) / own.norms[s]) / own.norms[s]
  }
  const channels = y.shape[1]
  const gradient = (y.data as Float32Array).map(
    (x, i) => 2 * x * ofMap[Math.floor(i / (channels * places)) * places + (i % places)],
  )
  return { loss, gradient }
}

function crossEntropy(
  y: NdArray,
  labels: readonly (readonly [number, number][])[],
  smoothing: number,
  weight: number,
): Lost {
  const x = y.data as Float32Array
  const classes = x.length / samplesOf(y)
  const gradient = new Float32Array(x.length)
  let loss = 0
  for (const [s, mix] of labels.entries()) {
    const own = logShares(x, k => s * classes + k, classes, 1)
    const wanted = new Float64Array(classes).fill(smoothing / classes)
    for (const [label, share] of mix) wanted[label] += (1 - smoothing) * share
    for (let k = 0; k < classes; k++) {
      loss -= weight * wanted[k] * own[k]
      gradient[s * classes + k] = weight * (exp(own[k]) - wanted[k])
    }
  }
  return { loss, gradient }
}
