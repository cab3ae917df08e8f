// Where the windows of a convolution or pool lie, over one or two spatial axes; one axis is taken as an image of height 1.
import { StudioError } from '../../base/errors.ts'
import { attrInt, type Node } from '../../ir/model.ts'
import { windowOf } from '../../ops/conv.ts'

export interface Axis {
  size: number
  kernel: number
  stride: number
  dilation: number
  /** Padding before the first element. */
  begin: number
  out: number
}

/** An image's two axes. `shape` [N, C, (H,) W], `kernel` [(kh,) kw]. */
export function windowsOf(node: Node, shape: readonly number[], kernel: readonly number[]): [Axis, Axis] {
  const rank = shape.length - 2
  if (rank < 1 || rank > 2)
    throw new StudioError('unsupported', `${node.op} ${node.id} has ${rank} spatial axes`, {
      where: { node: node.id },
      hint: 'The integer executor knows one and two; keep the layer in float.',
    })
  const w = windowOf(node, rank)
  const ceil = attrInt(node, 'ceil_mode', 0) === 1
  const axes = kernel.map((k, i): Axis => {
    const size = shape[i + 2]
    const stride = w.strides[i]
    const dilation = w.dilations[i]
    const span = dilation * (k - 1) + 1
    if (w.autoPad.startsWith('SAME')) {
      const out = Math.ceil(size / stride)
      const padding = Math.max(0, (out - 1) * stride + span - size)
      const begin = w.autoPad === 'SAME_LOWER' ? Math.ceil(padding / 2) : Math.floor(padding / 2)
      return { size, kernel: k, stride, dilation, begin, out }
    }
    const begin = w.autoPad === 'VALID' ? 0 : w.pads[i]
    const end = w.autoPad === 'VALID' ? 0 : w.pads[rank + i]
    const steps = (size + begin + end - span) / stride
    let out = Math.max(0, Math.floor(steps) + 1)
    // A window that would start in the padding at the end is left out.
    if (ceil && !Number.isInteger(steps) && out * stride < size + begin) out++
    return { size, kernel: k, stride, dilation, begin, out }
  })
  return rank === 2 ? [axes[0], axes[1]] : [{ size: 1, kernel: 1, stride: 1, dilation: 1, begin: 0, out: 1 }, axes[0]]
}
