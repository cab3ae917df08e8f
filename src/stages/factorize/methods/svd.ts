// A layer as one of few channels that reads what it read, and one of single places behind it (Denton et al., Exploiting Linear Structure
// Within Convolutional Networks, 2014; for kernels Zhang et al., Accelerating Very Deep Convolutional Networks for Classification and
// Detection, 2016): W [outputs, columns] = left [outputs, r] right [r, columns].
import { ints } from '../../../ir/model.ts'
import { columnsOf, rowsOf, upTo, volume } from '../matrix.ts'
import type { Method } from '../types.ts'

export const svd: Method = {
  id: 'svd',
  label: 'Two layers, the first of few channels',
  unfit: () => null,
  matrices: ({ shape: { channels: p, columns: q } }, m, metric) => [{ m, p, q, metric }],
  ways: ({ shape: { channels, columns } }) => upTo(Math.min(channels, columns)).map(r => [r]),
  cost({ shape: { channels, columns }, outSize }, [r]) {
    const parameters = r * (channels + columns)
    return { parameters, macs: parameters * volume(outSize) }
  },
  factors({ node, shape: { channels: p, columns: q }, kernel, inputs }, [{ left, right }], [r]) {
    const [first, last] = [rowsOf(right, q, r), columnsOf(left, p, r)]
    if (node.op === 'Conv') {
      const ones = kernel.map(() => 1)
      return [
        { weight: { shape: [r, inputs, ...kernel], data: first }, attrs: {} },
        { weight: { shape: [p, r, ...ones], data: last }, attrs: pointwise(ones) },
      ]
    }
    return [
      { weight: { shape: [r, q], data: first }, attrs: {} },
      { weight: { shape: [p, r], data: last }, attrs: {} },
    ]
  },
}

/** Of a convolution that reads single places. */
export const pointwise = (ones: readonly number[]) => ({
  kernel_shape: ints(ones),
  strides: ints(ones),
  dilations: ints(ones),
  pads: ints([...ones, ...ones].map(() => 0)),
  auto_pad: null,
})
