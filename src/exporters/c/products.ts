// Convolutions and fully connected layers.
import { viewAs } from '../../base/dtype.ts'
import { multiplierOf } from '../../base/fixed-point.ts'
import type { Fused, NhwcOperator, NhwcTensor } from '../nhwc/types.ts'
import {
  type Context,
  codes,
  minus,
  type Parameters,
  plus,
  type Rule,
  row,
  type Table,
  times,
  type Use,
} from './kernel.ts'
import { bounded, images, type Window, windowOf } from './windows.ts'

type Weights = 'int8' | 'int4'

/** What products have in common: weights, a bias and factors for every output channel. `folded`: no window reaches outside the image. */
function layer(o: NhwcOperator & { options: { fused: Fused } }, c: Context, axis: number, folded: boolean) {
  const [x, w, b] = o.inputs.map(c.tensor)
  const y = c.tensor(o.outputs[0])
  const channels = w.shape[axis]
  const [from, to] = [codes(x), codes(y)]
  const factors = Array.from({ length: channels }, (_, i) => {
    const scale = w.quant!.scale
    return multiplierOf((from.scale * scale[scale.length > 1 ? i : 0]) / to.scale)
  })
  const bias = viewAs('int32', b.data!) as Int32Array
  const type = w.dtype as Weights
  const table: Table =
    type === 'int8'
      ? { name: `${w.name}_weights`, type: 'int8_t', values: viewAs('int8', w.data!) as Int8Array, secret: true }
      : { name: `${w.name}_weights`, type: 'uint8_t', values: w.data!, secret: true }
  // With no window outside, the zero point of the input is a part of the bias.
  const whole = folded && type === 'int8'
  return {
    type,
    whole,
    channels,
    numbers: {
      out_c: channels,
      ...(whole ? {} : { x_zero: from.zeroPoint }),
      y_zero: to.zeroPoint,
      ...bounded(o.options.fused, to),
    },
    tables: {
      weights: table,
      bias: { name: `${w.name}_bias`, type: 'int32_t', values: whole ? folding(w, bias, from.zeroPoint) : bias },
      multiplier: { name: `${w.name}_multiplier`, type: 'int32_t', values: factors.map(f => f.m) },
      shift: { name: `${w.name}_shift`, type: 'int8_t', values: factors.map(f => f.shift) },
    } satisfies Record<string, Table>,
  }
}

/** bias - zero * (sum of a channel's weights), for weights [O, ...]. */
function folding(w: NhwcTensor, bias: Int32Array, zero: number): Int32Array {
  const weights = viewAs('int8', w.data!) as Int8Array
  const depth = weights.length / bias.length
  return bias.map((b, i) => {
    let sum = 0
    for (let k = 0; k < depth; k++) sum += weights[i * depth + k]
    return (b - zero * sum) | 0
  })
}

/** Sum over `n` weights from `at` on. */
function sumOf(p: Parameters, type: Weights, whole: boolean, x: string, at: string, n: string): string {
  if (type !== 'int8') return `dot_${type}(${x}, ${p.weights}, ${at}, ${n}, ${p.x_zero})`
  const w = at === '0' ? p.weights : `${p.weights} + ${at}`
  return whole ? `dot(${x}, ${w}, ${n})` : `dot_from(${x}, ${w}, ${n}, ${p.x_zero})`
}

const coded = (p: Parameters, channel: string): string =>
  `code(sum, ${p.multiplier}[${channel}], ${p.shift}[${channel}], ${p.y_zero}, ${p.low}, ${p.high})`

const suffix = (type: Weights): string => (type === 'int8' ? '' : `_${type}`)
const ofWidth = (type: Weights): string => (type === 'int8' ? '' : ', weights of four bits')

export const conv: Rule<'CONV_2D'> = (o, c) => {
  const [x, w] = o.inputs.map(c.tensor)
  const [, kernelH, kernelW, perGroup] = w.shape
  const window = windowOf(
    x,
    c.tensor(o.outputs[0]),
    [kernelH, kernelW],
    o.options.strides,
    o.options.padding,
    o.options.dilations,
  )
  const inside = !window.reaches
  const { type, whole, numbers, tables } = layer(o, c, 0, inside)
  const grouped = perGroup !== x.shape[3] || o.options.dilations[1] !== 1
  const point = inside && kernelH === 1 && kernelW === 1 && !grouped
  const shape = { ...window.numbers, ...numbers }
  const use = { ...edges(o), numbers: shape, tables }
  if (grouped) {
    const groups = { per_group: perGroup, group_out: w.shape[0] / (x.shape[3] / perGroup) }
    return {
      ...use,
      kernel: `conv_2d_general${inside ? '_inside' : ''}${suffix(type)}`,
      about: `Convolution with groups or gaps${inside ? ', no window of which reaches outside' : ''}${ofWidth(type)}.`,
      numbers: { ...shape, ...groups },
      body: p => general(p, window, type, whole),
    }
  }
  return {
    ...use,
    kernel: `conv_2d${point ? '_1x1' : inside ? '_inside' : ''}${suffix(type)}`,
    about: `Convolution${point ? ' of single pixels' : inside ? ', no window of which reaches outside' : ''}${ofWidth(type)}.`,
    body: p => (point ? pointwise(p, type, whole) : rows(p, window, type, whole)),
  }
}

const edges = (o: NhwcOperator): Pick<Use, 'inputs' | 'output'> => ({
  inputs: [{ name: 'x', type: 'int8_t', tensor: o.inputs[0] }],
  output: { type: 'int8_t', tensor: o.outputs[0] },
})

const pointwise = (p: Parameters, type: Weights, whole: boolean): string => {
  const pixel = plus('x', times(plus(times(times('oy', p.stride_h), p.in_w), times('ox', p.stride_w)), p.in_c))
  return images(
    p,
    `
for (int oy = 0; oy < ${p.out_h}; oy++) {
for (int ox = 0; ox < ${p.out_w}; ox++) {
const int8_t *pixel = ${pixel};
for (int oc = 0; oc < ${p.out_c}; oc++) {
const int32_t sum = ${p.bias}[oc] + ${sumOf(p, type, whole, 'pixel', times('oc', p.in_c), p.in_c)};
*y++ = ${coded(p, 'oc')};
}
}
}`,
  )
}

/** The rows of a window are contiguous, in the image as in the weights. */
const rows = (p: Parameters, window: Window, type: Weights, whole: boolean): string => {
  const { reaches } = window
  const line = times(
    plus(times(plus('top', times('ky', p.dilation_h)), p.in_w), reaches ? 'left + from_x' : 'left'),
    p.in_c,
  )
  const at = times(plus(times(plus(times('oc', p.kernel_h), 'ky'), p.kernel_w), reaches ? 'from_x' : '0'), p.in_c)
  const n = reaches ? times('(to_x - from_x)', p.in_c) : times(p.kernel_w, p.in_c)
  return window.loops(
    p,
    `
for (int oc = 0; oc < ${p.out_c}; oc++) {
int32_t sum = ${p.bias}[oc];
for (int ky = ${reaches ? 'from_y' : '0'}; ky < ${reaches ? 'to_y' : p.kernel_h}; ky++) {
sum += ${sumOf(p, type, whole, `x + ${line}`, at, n)};
}
*y++ = ${coded(p, 'oc')};
}`,
  )
}

const general = (p: Parameters, window: Window, type: Weights, whole: boolean): string => {
  const iy = plus('top', times('ky', p.dilation_h))
  const ix = plus('left', times('kx', p.dilation_w))
  const pixel = plus(times(plus(times(`(${iy})`, p.in_w), ix), p.in_c), 'group')
  const at = times(plus(times(plus(times('oc', p.kernel_h), 'ky'), p.kernel_w), 'kx'), p.per_group)
  return window.loops(
    p,
    `
for (int oc = 0; oc < ${p.out_c}; oc++) {
const int group = ${times(`oc / ${p.group_out}`, p.per_group)};
int32_t sum = ${p.bias}[oc];
${window.taps(
  p,
  `
sum += ${sumOf(p, type, whole, `x + ${pixel}`, at, p.per_group)};`,
)}
*y++ = ${coded(p, 'oc')};
}`,
  )
}

export const depthwise: Rule<'DEPTHWISE_CONV_2D'> = (o, c) => {
  const [x, w] = o.inputs.map(c.tensor)
  const { padding, strides, dilations, multiplier } = o.options
  const window = windowOf(x, c.tensor(o.outputs[0]), [w.shape[1], w.shape[2]], strides, padding, dilations)
  const { type, numbers, tables } = layer(o, c, 3, false)
  return {
    ...edges(o),
    kernel: `depthwise_conv_2d${window.reaches ? '' : '_inside'}${suffix(type)}`,
    about: `Convolution of each channel by itself${window.reaches ? '' : ', no window of which reaches outside'}${ofWidth(type)}.`,
    numbers: { ...window.numbers, ...numbers, multiplier_c: multiplier },
    tables,
    body: p => {
      const iy = plus('top', times('ky', p.dilation_h))
      const ix = plus('left', times('kx', p.dilation_w))
      const ic = p.multiplier_c === '1' ? 'oc' : `oc / ${p.multiplier_c}`
      const pixel = plus(times(plus(times(`(${iy})`, p.in_w), ix), p.in_c), ic)
      const at = plus(times(`(${plus(times('ky', p.kernel_w), 'kx')})`, p.out_c), 'oc')
      const weight = type === 'int8' ? `${p.weights}[${at}]` : `${type}(${p.weights}, ${at})`
      return window.loops(
        p,
        `
for (int oc = 0; oc < ${p.out_c}; oc++) {
int32_t sum = ${p.bias}[oc];
${window.taps(
  p,
  `
sum += (${minus(`x[${pixel}]`, p.x_zero)}) * ${weight};`,
)}
*y++ = ${coded(p, 'oc')};
}`,
      )
    },
  }
}

export const dense: Rule<'FULLY_CONNECTED'> = (o, c) => {
  const [x, w] = o.inputs.map(c.tensor)
  const { type, whole, channels, numbers, tables } = layer(o, c, 0, true)
  const depth = w.shape[1]
  const count = x.shape.reduce((n, d) => n * d, 1) / depth
  return {
    ...edges(o),
    kernel: `fully_connected${suffix(type)}`,
    about: `Fully connected layer${ofWidth(type)}.`,
    numbers: { rows: count, depth, ...numbers, out_c: channels },
    tables,
    body: p => `
for (int r = 0; r < ${p.rows}; r++) {
for (int oc = 0; oc < ${p.out_c}; oc++) {
const int32_t sum = ${p.bias}[oc] + ${sumOf(p, type, whole, row('x', 'r', p.depth), times('oc', p.depth), p.depth)};
*y++ = ${coded(p, 'oc')};
}
}`,
  }
}
