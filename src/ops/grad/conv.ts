// Conv over one or two axes, by the kernels that lay patches beside each other and multiply.
import type { ConvShape } from '../../ir/context.ts'
import { attrInt, type Node } from '../../ir/model.ts'
import { floats } from '../../ir/tensor.ts'
import { windowOf } from '../conv.ts'
import { addBias, biasGradient } from './bias.ts'
import { count, floatsOf, single } from './types.ts'

/** One axis is two of which the first has length 1. */
export const asTwo = (values: readonly number[], fill: number): [number, number] =>
  values.length === 1 ? [fill, values[0]] : [values[0], values[1]]

/** The window of a node over these axes: where it starts, and how many places it has; both of one axis or two. */
export function placed(node: Node, size: readonly number[], kernel: readonly number[]) {
  const { strides, dilations, pads, autoPad } = windowOf(node, size.length)
  const span = kernel.map((k, i) => (k - 1) * dilations[i] + 1)
  const padding = size.map((n, i) => {
    if (autoPad === 'VALID') return [0, 0]
    if (!autoPad.startsWith('SAME')) return [pads[i], pads[size.length + i]]
    const all = Math.max(0, (Math.ceil(n / strides[i]) - 1) * strides[i] + span[i] - n)
    const less = Math.floor(all / 2)
    return autoPad === 'SAME_UPPER' ? [less, all - less] : [all - less, less]
  })
  const out = size.map((n, i) => Math.floor((n + padding[i][0] + padding[i][1] - span[i]) / strides[i]) + 1)
  return {
    size: asTwo(size, 1),
    out: asTwo(out, 1),
    kernel: asTwo(kernel, 1),
    strides: asTwo(strides, 1),
    dilations: asTwo(dilations, 1),
    pads: asTwo(
      padding.map(p => p[0]),
      0,
    ),
  }
}

function shapeOf(node: Node, x: readonly number[], w: readonly number[]): ConvShape {
  const groups = attrInt(node, 'group', 1)
  return {
    samples: x[0],
    groups,
    channels: w[1],
    outputs: w[0] / groups,
    ...placed(node, x.slice(2), w.slice(2)),
  }
}

export const convGrad = single({
  type: 'Conv',
  forward(node, [x, w, bias], kernels) {
    const shape = shapeOf(node, x!.shape, w!.shape)
    const y = kernels.conv(floatsOf(x!), floatsOf(w!), shape)
    const out = x!.shape.length === 3 ? [shape.out[1]] : shape.out
    if (bias) addBias(y, floatsOf(bias), count(out))
    return floats([x!.shape[0], w!.shape[0], ...out], y)
  },
  backward(node, { inputs: [x, w, bias], output }, dy, wanted, kernels) {
    const shape = shapeOf(node, x!.shape, w!.shape)
    const { x: dx, w: dw } = kernels.convGradient(floatsOf(x!), floatsOf(w!), dy, shape, { x: wanted[0], w: wanted[1] })
    const places = count(output.shape.slice(2))
    return [dx, dw, wanted[2] ? biasGradient(dy, bias!.data.length, places) : null]
  },
})
