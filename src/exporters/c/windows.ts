// Windows of convolutions and pools: where they lie, and the loops over them.
import { awayFromZero } from '../../base/fixed-point.ts'
import type { Fused, NhwcTensor, Padding, Pair } from '../nhwc/types.ts'
import { type codes, minus, type Parameters, plus, times } from './kernel.ts'

export interface Window {
  /** Whether some window reaches outside the image. */
  reaches: boolean
  numbers: Readonly<Record<string, number>>
  /** Over all windows, whose first row and column are `top` and `left`; inside are rows [from_y, to_y) and columns [from_x, to_x). */
  loops(p: Parameters, inner: string): string
  /** Over the elements ky, kx of a window that are inside. */
  taps(p: Parameters, inner: string): string
}

export function windowOf(
  x: NhwcTensor,
  y: NhwcTensor,
  kernel: Pair,
  strides: Pair,
  padding: Padding,
  dilations: Pair = [1, 1],
): Window {
  const [batch, ...size] = x.shape
  const out = y.shape.slice(1, 3)
  const total = [0, 1].map(i => Math.max(0, (out[i] - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1 - size[i]))
  const before = total.map(n => (padding === 'same' ? Math.floor(n / 2) : 0))
  const reaches = padding === 'same' && total.some(n => n > 0)
  return {
    reaches,
    numbers: {
      batch,
      in_h: size[0],
      in_w: size[1],
      in_c: size[2],
      out_h: out[0],
      out_w: out[1],
      kernel_h: kernel[0],
      kernel_w: kernel[1],
      stride_h: strides[0],
      stride_w: strides[1],
      dilation_h: dilations[0],
      dilation_w: dilations[1],
      pad_top: before[0],
      pad_left: before[1],
    },
    loops: (p, inner) =>
      images(
        p,
        `
for (int oy = 0; oy < ${p.out_h}; oy++) {
const int top = ${minus(times('oy', p.stride_h), p.pad_top)};${reaches ? within('top', 'y', p.kernel_h, p.in_h, p.dilation_h) : ''}
for (int ox = 0; ox < ${p.out_w}; ox++) {
const int left = ${minus(times('ox', p.stride_w), p.pad_left)};${reaches ? within('left', 'x', p.kernel_w, p.in_w, p.dilation_w) : ''}${inner}
}
}`,
      ),
    taps: (p, inner) => `for (int ky = ${reaches ? 'from_y' : '0'}; ky < ${reaches ? 'to_y' : p.kernel_h}; ky++) {
for (int kx = ${reaches ? 'from_x' : '0'}; kx < ${reaches ? 'to_x' : p.kernel_w}; kx++) {${inner}
}
}`,
  }
}

/** `inner` for every image of the batch; `y` runs on by itself. */
export const images = (p: Parameters, inner: string): string =>
  p.batch === '1'
    ? inner
    : `
for (int n = 0; n < ${p.batch}; n++) {${inner}
x += ${times(times(p.in_h, p.in_w), p.in_c)};
}`

/** Which elements of a window that starts at `first` are inside an axis. */
function within(first: string, axis: 'x' | 'y', kernel: string, size: string, dilation: string): string {
  if (dilation === '1')
    return `
const int from_${axis} = ${first} < 0 ? -${first} : 0;
const int to_${axis} = ${first} + ${kernel} > ${size} ? ${size} - ${first} : ${kernel};`
  const last = plus(first, times(`(${minus(kernel, '1')})`, dilation))
  return `
const int from_${axis} = ${first} < 0 ? (${minus(dilation, '1')} - ${first}) / ${dilation} : 0;
const int to_${axis} = ${last} >= ${size} ? (${plus(size, minus(dilation, '1'))} - ${first}) / ${dilation} : ${kernel};`
}

/** The codes that a fused activation function leaves (CalculateActivationRangeQuantized). */
export function bounded(fused: Fused, y: ReturnType<typeof codes>): { low: number; high: number } {
  const code = (x: number): number => y.zeroPoint + awayFromZero(Math.fround(x / y.scale))
  const [min, max] = { none: [null, null], relu: [0, null], relu6: [0, 6], relu_n1_to_1: [-1, 1] }[fused]
  return {
    low: min === null ? y.qmin : Math.max(y.qmin, code(min)),
    high: max === null ? y.qmax : Math.min(y.qmax, code(max)),
  }
}
