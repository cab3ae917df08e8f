// ConvTranspose over one or two axes: what takes the gradient of a convolution's output back to its input, so that the kernels are those
// of Conv with input and output exchanged.
import type { ConvShape } from '../../ir/context.ts'
import { attrInt, attrInts, type Node } from '../../ir/model.ts'
import { floats } from '../../ir/tensor.ts'
import { windowOf } from '../conv.ts'
import { addBias, biasGradient } from './bias.ts'
import { asTwo } from './conv.ts'
import { count, floatsOf, single } from './types.ts'

/** The convolution that goes from the output back to the input x [N, C, ...], by w [C, M / group, ...]. */
function shapeOf(node: Node, x: readonly number[], w: readonly number[]): ConvShape {
  const groups = attrInt(node, 'group', 1)
  const size = x.slice(2)
  const kernel = w.slice(2)
  const { strides, dilations, pads, autoPad } = windowOf(node, size.length)
  const extra = attrInts(node, 'output_padding') ?? size.map(() => 0)
  const wanted = attrInts(node, 'output_shape')?.slice(-size.length)
  const same = autoPad.startsWith('SAME')
  const axes = size.map((n, i) => {
    const whole = strides[i] * (n - 1) + extra[i] + dilations[i] * (kernel[i] - 1) + 1
    if (!wanted && !same)
      return autoPad === 'VALID'
        ? { out: whole, before: 0 }
        : { out: whole - pads[i] - pads[size.length + i], before: pads[i] }
    const out = wanted ? wanted[i] : n * strides[i]
    const all = Math.max(0, whole - out)
    return { out, before: autoPad === 'SAME_UPPER' ? Math.floor(all / 2) : all - Math.floor(all / 2) }
  })
  return {
    samples: x[0],
    groups,
    channels: w[1],
    outputs: w[0] / groups,
    size: asTwo(
      axes.map(a => a.out),
      1,
    ),
    out: asTwo(size, 1),
    kernel: asTwo(kernel, 1),
    strides: asTwo(strides, 1),
    dilations: asTwo(dilations, 1),
    pads: asTwo(
      axes.map(a => a.before),
      0,
    ),
  }
}

export const convTransposeGrad = single({
  type: 'ConvTranspose',
  forward(node, [x, w, bias], kernels) {
    const shape = shapeOf(node, x!.shape, w!.shape)
    const channels = shape.groups * shape.channels
    const given = new Float32Array(shape.samples * channels * count(shape.size))
    const y = kernels.convGradient(given, floatsOf(w!), floatsOf(x!), shape, { x: true, w: false }).x!
    const size = x!.shape.length === 3 ? [shape.size[1]] : shape.size
    if (bias) addBias(y, floatsOf(bias), count(size))
    return floats([shape.samples, channels, ...size], y)
  },
  backward(node, { inputs: [x, w, bias], output }, dy, wanted, kernels) {
    const shape = shapeOf(node, x!.shape, w!.shape)
    const places = count(output.shape.slice(2))
    return [
      wanted[0] ? kernels.conv(dy, floatsOf(w!), shape) : null,
      wanted[1] ? kernels.convGradient(dy, floatsOf(w!), floatsOf(x!), shape, { x: false, w: true }).w : null,
      wanted[2] ? biasGradient(dy, bias!.data.length, places) : null,
    ]
  },
})
