// Images in other sizes.
import type { NhwcTensor } from '../nhwc/types.ts'
import { plus, type Rule, times } from './kernel.ts'
import { images } from './windows.ts'

interface Way {
  alignCorners: boolean
  halfPixelCenters: boolean
}

const sizesOf = (x: NhwcTensor, y: NhwcTensor) => ({
  batch: x.shape[0],
  in_h: x.shape[1],
  in_w: x.shape[2],
  in_c: x.shape[3],
  out_h: y.shape[1],
  out_w: y.shape[2],
})

export const nearest: Rule<'RESIZE_NEAREST_NEIGHBOR'> = (o, c) => {
  const [x, y] = [c.tensor(o.inputs[0]), c.tensor(o.outputs[0])]
  const table = (axis: 1 | 2, what: string) => ({
    name: `${y.name}_${what}`,
    type: 'int16_t' as const,
    values: neighbours(o.options, x.shape[axis], y.shape[axis]),
  })
  return {
    kernel: 'resize_nearest',
    about: 'Each pixel from the nearest one.',
    inputs: [{ name: 'x', type: 'int8_t', tensor: o.inputs[0] }],
    output: { type: 'int8_t', tensor: o.outputs[0] },
    numbers: sizesOf(x, y),
    tables: { rows: table(1, 'rows'), columns: table(2, 'columns') },
    body: p =>
      images(
        p,
        `
for (int oy = 0; oy < ${p.out_h}; oy++) {
for (int ox = 0; ox < ${p.out_w}; ox++) {
const int8_t *pixel = x + ${times(plus(times(`${p.rows}[oy]`, p.in_w), `${p.columns}[ox]`), p.in_c)};
for (int i = 0; i < ${p.in_c}; i++) {
*y++ = pixel[i];
}
}
}`,
      ),
  }
}

/** resize_nearest_neighbor.h. */
function neighbours({ alignCorners, halfPixelCenters }: Way, from: number, to: number): number[] {
  const scale = Math.fround(alignCorners && to > 1 ? (from - 1) / (to - 1) : from / to)
  const offset = halfPixelCenters ? 0.5 : 0
  return Array.from({ length: to }, (_, i) => {
    const at = Math.fround((i + offset) * scale)
    return Math.min(from - 1, alignCorners ? Math.round(at) : Math.floor(at))
  })
}

export const bilinear: Rule<'RESIZE_BILINEAR'> = (o, c) => {
  const [x, y] = [c.tensor(o.inputs[0]), c.tensor(o.outputs[0])]
  const [rows, columns] = [1, 2].map(axis => positions(o.options, x.shape[axis], y.shape[axis]))
  const table = (of: typeof rows, what: keyof (typeof rows)[0], name: string) => ({
    name: `${y.name}_${name}`,
    type: 'int16_t' as const,
    values: of.map(position => position[what]),
  })
  return {
    kernel: 'resize_bilinear',
    about: 'Each pixel from the four around it, in 1/1024 (resize_bilinear.h of TensorFlow Lite).',
    inputs: [{ name: 'x', type: 'int8_t', tensor: o.inputs[0] }],
    output: { type: 'int8_t', tensor: o.outputs[0] },
    numbers: sizesOf(x, y),
    tables: {
      top: table(rows, 'low', 'top'),
      bottom: table(rows, 'high', 'bottom'),
      down: table(rows, 'part', 'down'),
      left: table(columns, 'low', 'left'),
      right: table(columns, 'high', 'right'),
      across: table(columns, 'part', 'across'),
    },
    body: p => {
      const line = (edge: string): string => `x + ${times(times(`${edge}[oy]`, p.in_w), p.in_c)}`
      const pixel = (of: string, edge: string): string => `${of}[${plus(times(`${edge}[ox]`, p.in_c), 'i')}]`
      return images(
        p,
        `
for (int oy = 0; oy < ${p.out_h}; oy++) {
const int8_t *upper = ${line(p.top)};
const int8_t *lower = ${line(p.bottom)};
const int32_t v = ${p.down}[oy];
for (int ox = 0; ox < ${p.out_w}; ox++) {
const int32_t u = ${p.across}[ox];
for (int i = 0; i < ${p.in_c}; i++) {
const int32_t first = ${pixel('upper', p.left)} * (1024 - u) + ${pixel('upper', p.right)} * u;
const int32_t second = ${pixel('lower', p.left)} * (1024 - u) + ${pixel('lower', p.right)} * u;
const int32_t sum = first * (1024 - v) + second * v;
*y++ = (int8_t)clamp((sum + (sum > 0 ? 524288 : -524288)) / 1048576, -128, 127);
}
}
}`,
      )
    },
  }
}

const one = 1024

/** The two neighbours of each position, and how far it is from the lower one, in 1/1024. */
function positions({ alignCorners, halfPixelCenters }: Way, from: number, to: number) {
  const [input, output] = alignCorners && to > 1 ? [from - 1, to - 1] : [from, to]
  const step = Math.trunc((one * input + Math.trunc(output / 2)) / output)
  return Array.from({ length: to }, (_, i) => {
    const at = halfPixelCenters ? i * step + Math.trunc(step / 2) - one / 2 : i * step
    const low = Math.max(Math.trunc(at / one), 0)
    const high = Math.min(Math.trunc((at + one - 1) / one), from - 1)
    return { low, high, part: at - one * low }
  })
}
