// A convolution between two of single places, of which the first leaves fewer channels to read and the last makes more of those that are
// written (Kim et al., Compression of Deep Convolutional Neural Networks for Fast and Low Power Mobile Applications, 2016): the Tucker
// decomposition over inputs and outputs, each side's vectors from the unfolded weights by themselves (De Lathauwer et al., A Multilinear
// Singular Value Decomposition, 2000).

import { columnsOf, meanBlock, rowsOf, volume } from '../matrix.ts'
import type { Method, Ranks } from '../types.ts'
import { pointwise } from './svd.ts'

// Ranks of a side that are tried.
const steps = 24

export const tucker2: Method = {
  id: 'tucker2',
  label: 'A convolution of few channels between two of single places',
  unfit: ({ kernel }) => (volume(kernel) > 1 ? null : 'it has no kernel'),
  matrices({ shape: { channels, columns }, inputs, kernel }, weights, covariance) {
    const k = volume(kernel)
    const m = new Float64Array(channels * columns)
    for (let o = 0; o < channels; o++)
      for (let i = 0; i < inputs; i++)
        for (let x = 0; x < k; x++) m[(o * k + x) * inputs + i] = weights[o * columns + i * k + x]
    const metric = meanBlock(covariance, columns, inputs, k, (i, x) => i * k + x)
    return [
      { m, p: channels * k, q: inputs, metric },
      { m: weights, p: channels, q: columns, metric: covariance },
    ]
  },
  ways({ shape: { channels }, inputs, kernel }) {
    const most = (n: number, other: number): number => Math.min(n, other * volume(kernel))
    const ranks = (n: number): number[] => [
      ...new Set(Array.from({ length: steps }, (_, i) => Math.max(1, Math.round(((i + 1) * n) / steps)))),
    ]
    return ranks(most(inputs, channels)).flatMap(a => ranks(most(channels, inputs)).map((b): Ranks => [a, b]))
  },
  cost({ shape: { channels }, inputs, kernel, inSize, outSize }, [a, b]) {
    const parts = [inputs * a, a * b * volume(kernel), b * channels]
    return {
      parameters: parts[0] + parts[1] + parts[2],
      macs: parts[0] * volume(inSize) + (parts[1] + parts[2]) * volume(outSize),
    }
  },
  factors({ shape: { channels }, inputs, kernel }, [reading, writing], [a, b]) {
    const k = volume(kernel)
    const ones = kernel.map(() => 1)
    const n = reading.left.length / (channels * k)
    const last = columnsOf(writing.left, channels, b)
    const core = new Float32Array(b * a * k)
    for (let to = 0; to < b; to++)
      for (let from = 0; from < a; from++)
        for (let x = 0; x < k; x++) {
          let sum = 0
          for (let o = 0; o < channels; o++) sum += last[o * b + to] * reading.left[(o * k + x) * n + from]
          core[(to * a + from) * k + x] = sum
        }
    return [
      { weight: { shape: [a, inputs, ...ones], data: rowsOf(reading.right, inputs, a) }, attrs: pointwise(ones) },
      { weight: { shape: [b, a, ...kernel], data: core }, attrs: {} },
      { weight: { shape: [channels, b, ...ones], data: last }, attrs: pointwise(ones) },
    ]
  },
}
