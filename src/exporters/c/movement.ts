// Kernels that move codes: into a dense array from places in another (`take`), or from a dense one into places (`put`).
import { elementCount, viewAs } from '../../base/dtype.ts'
import type { NhwcOperator, NhwcTensor } from '../nhwc/types.ts'
import { type Context, codes, plus, type Rule, times, type Use } from './kernel.ts'
import { type Axis, loopsOver, merged, stridesOf } from './strides.ts'

const numbersOf = (tensor: NhwcTensor): number[] => Array.from(viewAs('int32', tensor.data!) as Int32Array)

/** y is dense; x is read from `base` on. */
export function take(x: number, y: number, axes: readonly Axis[], base = 0): Use {
  const walk = merged(axes)
  return {
    kernel: `take_${walk.length}d`,
    about: `Elements of an array, from places that ${walk.length === 1 ? 'one stride leads' : `${walk.length} strides lead`} to.`,
    inputs: [{ name: 'x', type: 'int8_t', tensor: x }],
    output: { type: 'int8_t', tensor: y },
    numbers: { base, ...sized(walk) },
    body: p =>
      loopsOver(
        walk.map((_, i) => [`i${i}`, p[`size_${i}`]]),
        `
*y++ = x[${walk.reduce((at, _, i) => plus(at, times(`i${i}`, p[`stride_${i}`])), p.base)}];`,
      ),
  }
}

/** x is dense; y is written from `base` on. With `fill`, all of y is that before. */
function put(x: number, y: number, axes: readonly Axis[], base: number, fill?: { size: number; value: number }): Use {
  const walk = merged(axes)
  return {
    kernel: `put_${walk.length}d${fill ? '_filled' : ''}`,
    about: `Elements of an array to places in another${fill ? ', the rest of which is filled' : ''}.`,
    inputs: [{ name: 'x', type: 'int8_t', tensor: x }],
    output: { type: 'int8_t', tensor: y },
    numbers: { base, ...sized(walk), ...(fill ? { size: fill.size, value: fill.value } : {}) },
    body: p =>
      `${
        fill
          ? `
for (int i = 0; i < ${p.size}; i++) {
y[i] = ${p.value};
}`
          : ''
      }${loopsOver(
        walk.map((_, i) => [`i${i}`, p[`size_${i}`]]),
        `
y[${walk.reduce((at, _, i) => plus(at, times(`i${i}`, p[`stride_${i}`])), p.base)}] = *x++;`,
      )}`,
  }
}

const sized = (walk: readonly Axis[]): Record<string, number> =>
  Object.fromEntries(
    walk.flatMap((d, i) => [
      [`size_${i}`, d.size],
      [`stride_${i}`, d.strides[0]],
    ]),
  )

const axesOf = (sizes: readonly number[], strides: readonly number[]): Axis[] =>
  sizes.map((size, i) => ({ size, strides: [strides[i]] }))

export const transpose: Rule<'TRANSPOSE'> = (o, c) => {
  const [x, y] = [c.tensor(o.inputs[0]), c.tensor(o.outputs[0])]
  const strides = stridesOf(x.shape)
  return take(
    o.inputs[0],
    o.outputs[0],
    axesOf(
      y.shape,
      numbersOf(c.tensor(o.inputs[1])).map(axis => strides[axis]),
    ),
  )
}

const part = (o: NhwcOperator, c: Context, begin: readonly number[], steps: readonly number[]): Use => {
  const [x, y] = [c.tensor(o.inputs[0]), c.tensor(o.outputs[0])]
  const strides = stridesOf(x.shape)
  const base = begin.reduce((at, from, i) => at + from * strides[i], 0)
  return take(
    o.inputs[0],
    o.outputs[0],
    axesOf(
      y.shape,
      strides.map((s, i) => s * steps[i]),
    ),
    base,
  )
}

export const slice: Rule<'SLICE'> = (o, c) => {
  const begin = numbersOf(c.tensor(o.inputs[1]))
  return part(
    o,
    c,
    begin,
    begin.map(() => 1),
  )
}

export const stridedSlice: Rule<'STRIDED_SLICE'> = (o, c) =>
  part(o, c, numbersOf(c.tensor(o.inputs[1])), numbersOf(c.tensor(o.inputs[3])))

export const broadcast: Rule<'BROADCAST_TO'> = (o, c) => {
  const [x, y] = [c.tensor(o.inputs[0]), c.tensor(o.outputs[0])]
  const strides = stridesOf(x.shape)
  return take(
    o.inputs[0],
    o.outputs[0],
    axesOf(
      y.shape,
      x.shape.map((size, i) => (size === 1 ? 0 : strides[i])),
    ),
  )
}

export const tile: Rule<'TILE'> = (o, c) => {
  const x = c.tensor(o.inputs[0])
  const strides = stridesOf(x.shape)
  const repeats = numbersOf(c.tensor(o.inputs[1]))
  const axes = x.shape.flatMap((size, i): Axis[] => [
    { size: repeats[i], strides: [0] },
    { size, strides: [strides[i]] },
  ])
  return take(o.inputs[0], o.outputs[0], axes)
}

/** [N, H, W, b b C] to [N, H b, W b, C]. */
export const depthToSpace: Rule<'DEPTH_TO_SPACE'> = (o, c) => {
  const [n, h, w, depth] = c.tensor(o.inputs[0]).shape
  const b = o.options.blockSize
  const channels = depth / (b * b)
  const sizes = [n, h, b, w, b, channels]
  return take(o.inputs[0], o.outputs[0], axesOf(sizes, [h * w * depth, w * depth, b * channels, depth, channels, 1]))
}

/** [N, H b, W b, C] to [N, H, W, b b C]. */
export const spaceToDepth: Rule<'SPACE_TO_DEPTH'> = (o, c) => {
  const [n, h, w, channels] = c.tensor(o.inputs[0]).shape
  const b = o.options.blockSize
  const line = w * channels
  return take(
    o.inputs[0],
    o.outputs[0],
    axesOf([n, h / b, w / b, b, b, channels], [h * line, b * line, b * channels, line, channels, 1]),
  )
}

/** Whole rows of one axis, by constant indices. */
export const gather: Rule<'GATHER'> = (o, c) => {
  const [x, indices] = o.inputs.map(c.tensor)
  const { axis } = o.options
  const inner = elementCount(x.shape.slice(axis + 1))
  const list = numbersOf(indices)
  return {
    kernel: 'gather',
    about: 'Rows by number.',
    inputs: [{ name: 'x', type: 'int8_t', tensor: o.inputs[0] }],
    output: { type: 'int8_t', tensor: o.outputs[0] },
    numbers: { outer: elementCount(x.shape.slice(0, axis)), rows: x.shape[axis], count: list.length, length: inner },
    tables: { indices: { name: `${c.tensor(o.outputs[0]).name}_rows`, type: 'int32_t', values: list } },
    body: p => `
for (int n = 0; n < ${p.outer}; n++) {
for (int k = 0; k < ${p.count}; k++) {
const int8_t *row = x + ${times(plus(times('n', p.rows), `${p.indices}[k]`), p.length)};
for (int i = 0; i < ${p.length}; i++) {
*y++ = row[i];
}
}
}`,
  }
}

/** The parts of a concatenation, one after the other. */
export function concatenation(o: Extract<NhwcOperator, { kind: 'CONCATENATION' }>, c: Context): Use[] {
  const y = c.tensor(o.outputs[0])
  const strides = stridesOf(y.shape)
  let from = 0
  return o.inputs.map(x => {
    const { shape } = c.tensor(x)
    const use = put(x, o.outputs[0], axesOf(shape, strides), from * strides[o.options.axis])
    from += shape[o.options.axis]
    return use
  })
}

/** With the zero point around, or a constant of its own. */
export const pad: Rule<'PAD' | 'PADV2'> = (o, c) => {
  const [x, y] = [c.tensor(o.inputs[0]), c.tensor(o.outputs[0])]
  const before = numbersOf(c.tensor(o.inputs[1])).filter((_, i) => i % 2 === 0)
  const strides = stridesOf(y.shape)
  const base = before.reduce((at, n, i) => at + n * strides[i], 0)
  const filling = o.kind === 'PADV2' ? c.tensor(o.inputs[2]).data : null
  const value = filling ? (viewAs('int8', filling) as Int8Array)[0] : codes(y).zeroPoint
  return put(o.inputs[0], o.outputs[0], axesOf(x.shape, strides), base, { size: elementCount(y.shape), value })
}
