// A convolution as one down the columns and one along the rows of its map (Jaderberg et al., Speeding up Convolutional Neural Networks with
// Low Rank Expansions, 2014): W as a matrix [outputs x width, inputs x height] = left [outputs x width, r] right [r, inputs x height].
// What its columns are like on the samples is taken for each column of the kernel by itself, as if neighbours told nothing of each other.
import { attrInts, attrString, ints } from '../../../ir/model.ts'
import { meanBlock, rowsOf, upTo, volume } from '../matrix.ts'
import type { Layer, Method } from '../types.ts'

export const spatialSvd: Method = {
  id: 'spatial-svd',
  label: 'Two convolutions, one down and one along',
  unfit: ({ kernel }) => (kernel.length === 2 && kernel.every(k => k > 1) ? null : 'it has no kernel of two axes'),
  matrices({ shape: { channels, columns }, inputs, kernel: [kh, kw] }, weights, covariance) {
    const [p, q] = [channels * kw, inputs * kh]
    const m = new Float64Array(p * q)
    for (let o = 0; o < channels; o++)
      for (let row = 0; row < q; row++)
        for (let x = 0; x < kw; x++) m[(o * kw + x) * q + row] = weights[o * columns + row * kw + x]
    return [{ m, p, q, metric: meanBlock(covariance, columns, q, kw, (i, x) => i * kw + x) }]
  },
  ways: ({ shape: { channels }, inputs, kernel: [kh, kw] }) => upTo(Math.min(channels * kw, inputs * kh)).map(r => [r]),
  cost({ shape: { channels }, inputs, kernel: [kh, kw], inSize, outSize }, [r]) {
    const [down, along] = [r * inputs * kh, r * channels * kw]
    return { parameters: down + along, macs: down * outSize[0] * inSize[1] + along * volume(outSize) }
  },
  factors(layer, [{ left, right }], [r]) {
    const {
      shape: { channels },
      inputs,
      kernel: [kh, kw],
    } = layer
    const n = left.length / (channels * kw)
    const last = new Float32Array(channels * r * kw)
    for (let o = 0; o < channels; o++)
      for (let x = 0; x < kw; x++) for (let c = 0; c < r; c++) last[(o * r + c) * kw + x] = left[(o * kw + x) * n + c]
    return [
      { weight: { shape: [r, inputs, kh, 1], data: rowsOf(right, inputs * kh, r) }, attrs: along(layer, 0) },
      { weight: { shape: [channels, r, 1, kw], data: last }, attrs: along(layer, 1) },
    ]
  },
}

/** The layer's attributes along one axis, and nothing along the other. */
function along({ node, kernel }: Layer, axis: 0 | 1) {
  const one = (list: readonly number[], rest: number) => ints(list.map((d, i) => (i % 2 === axis ? d : rest)))
  const given = attrString(node, 'auto_pad', 'NOTSET') !== 'NOTSET'
  return {
    kernel_shape: one(kernel, 1),
    strides: one(attrInts(node, 'strides') ?? [1, 1], 1),
    dilations: one(attrInts(node, 'dilations') ?? [1, 1], 1),
    ...(given ? {} : { pads: one(attrInts(node, 'pads') ?? [0, 0, 0, 0], 0) }),
  }
}
