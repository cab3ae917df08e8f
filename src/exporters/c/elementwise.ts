// Sums, products, functions of one code, and softmax.
import {
  type Affine,
  exponentials,
  hardSwish,
  leakyRelu,
  relu,
  rescaled,
  sigmoid,
  tanh,
} from '../../base/code-curves.ts'
import { elementCount } from '../../base/dtype.ts'
import { multiplierOf } from '../../base/fixed-point.ts'
import type { Fused, NhwcOperator } from '../nhwc/types.ts'
import { type Context, codes, minus, type Parameters, plus, type Rule, times, type Use } from './kernel.ts'
import { loopsOver, merged, stridesOf } from './strides.ts'
import { bounded } from './windows.ts'

type Binary = Extract<NhwcOperator, { kind: 'ADD' | 'SUB' | 'MUL' }>

/** Of two arrays, each of which may be repeated along axes. */
function binary(o: Binary, c: Context, numbers: Record<string, number>, value: (p: Parameters) => string): Use {
  const [a, b, y] = [...o.inputs, ...o.outputs].map(c.tensor)
  const wide = (shape: readonly number[]): number[] => [
    ...new Array<number>(y.shape.length - shape.length).fill(1),
    ...shape,
  ]
  const strides = [a, b].map(({ shape }) => {
    const own = wide(shape)
    return stridesOf(own).map((s, i) => (own[i] === 1 ? 0 : s))
  })
  const axes = merged(y.shape.map((size, i) => ({ size, strides: [strides[0][i], strides[1][i]] })))
  const plain = axes.length === 1 && axes[0].strides.every(s => s === 1)
  const names = { ADD: 'add', SUB: 'subtract', MUL: 'multiply_codes' }
  const about = { ADD: 'Sum', SUB: 'Difference', MUL: 'Product' }[o.kind]
  return {
    kernel: `${names[o.kind]}${plain ? '' : `_${axes.length}d`}`,
    about: `${about} of two arrays${plain ? '' : ', repeated along axes'}.`,
    inputs: [
      { name: 'a', type: 'int8_t', tensor: o.inputs[0] },
      { name: 'b', type: 'int8_t', tensor: o.inputs[1] },
    ],
    output: { type: 'int8_t', tensor: o.outputs[0] },
    numbers: {
      ...Object.fromEntries(
        axes.flatMap(({ size, strides: [p, q] }, i) => [
          [`size_${i}`, size],
          ...(plain ? [] : [[`a_${i}`, p] as const, [`b_${i}`, q] as const]),
        ]),
      ),
      ...numbers,
    },
    body: p => {
      const at = (of: 'a' | 'b'): string =>
        plain ? 'i0' : axes.reduce((sum, _, i) => plus(sum, times(`i${i}`, p[`${of}_${i}`])), '0')
      const centred = (of: 'a' | 'b'): string => minus(`${of}[${at(of)}]`, p[`${of}_zero`])
      return loopsOver(
        axes.map((_, i) => [`i${i}`, p[`size_${i}`]]),
        `
const int32_t p_a = ${centred('a')};
const int32_t p_b = ${centred('b')};
${value(p)}`,
      )
    },
  }
}

const zeros = (o: NhwcOperator & { options: { fused: Fused } }, c: Context) => {
  const [a, b, y] = [...o.inputs, ...o.outputs].map(i => codes(c.tensor(i)))
  const numbers = { a_zero: a.zeroPoint, b_zero: b.zeroPoint, y_zero: y.zeroPoint, ...bounded(o.options.fused, y) }
  return { a, b, y, numbers }
}

/** add.h: both operands in 20 more bits, in units of twice the larger scale. */
export const sum: Rule<'ADD' | 'SUB'> = (o, c) => {
  const { a, b, y, numbers } = zeros(o, c)
  const largest = 2 * Math.max(a.scale, b.scale)
  const [ma, mb] = [multiplierOf(a.scale / largest), multiplierOf(b.scale / largest)]
  const my = multiplierOf(largest / (1048576 * y.scale))
  const factors = {
    a_multiplier: ma.m,
    a_shift: ma.shift,
    b_multiplier: mb.m,
    b_shift: mb.shift,
    y_multiplier: my.m,
    y_shift: my.shift,
  }
  const sign = o.kind === 'ADD' ? '+' : '-'
  return binary(
    o,
    c,
    { ...numbers, ...factors },
    p => `const int32_t first = multiply(p_a * 1048576, ${p.a_multiplier}, ${p.a_shift});
const int32_t second = multiply(p_b * 1048576, ${p.b_multiplier}, ${p.b_shift});
*y++ = code(first ${sign} second, ${p.y_multiplier}, ${p.y_shift}, ${p.y_zero}, ${p.low}, ${p.high});`,
  )
}

export const product: Rule<'MUL'> = (o, c) => {
  const { a, b, y, numbers } = zeros(o, c)
  const { m, shift } = multiplierOf((a.scale * b.scale) / y.scale)
  return binary(
    o,
    c,
    { ...numbers, multiplier: m, shift },
    p => `*y++ = code(p_a * p_b, ${p.multiplier}, ${p.shift}, ${p.y_zero}, ${p.low}, ${p.high});`,
  )
}

type Curve = (x: Affine, y: Affine, o: NhwcOperator) => (q: number) => number

const clamped =
  (fused: Fused): Curve =>
  (x, y) => {
    const { low, high } = bounded(fused, y)
    const code = rescaled(x, y)
    return q => Math.min(high, Math.max(low, code(q)))
  }

/** Functions of one code, from a table of all of them. */
const curves = {
  QUANTIZE: (x, y) => rescaled(x, y),
  RELU: (x, y) => relu(x, y),
  RELU6: clamped('relu6'),
  RELU_N1_TO_1: clamped('relu_n1_to_1'),
  LEAKY_RELU: (x, y, o) => {
    const alpha = Math.fround(o.kind === 'LEAKY_RELU' ? o.options.alpha : 0)
    return leakyRelu(x, y, x.scale / y.scale, (x.scale * alpha) / y.scale)
  },
  LOGISTIC: (x, y) => sigmoid(x, y),
  TANH: (x, y) => tanh(x, y),
  HARD_SWISH: (x, y) => hardSwish(x, y),
} satisfies Record<string, Curve>
export type CurveKind = keyof typeof curves

export const curve: Rule<CurveKind> = (o, c) => {
  const [x, y] = [c.tensor(o.inputs[0]), c.tensor(o.outputs[0])]
  const unsigned = x.dtype === 'uint8'
  // What is unsigned counts from the middle here, and its table from zero.
  const from = unsigned ? { ...codes(x), zeroPoint: codes(x).zeroPoint - 128 } : codes(x)
  const f = (c.functions.get(o) ?? (curves[o.kind] as Curve))(from, codes(y), o)
  return {
    kernel: unsigned ? 'lookup_unsigned' : 'lookup',
    about: 'A function of one code, from a table.',
    inputs: [{ name: 'x', type: unsigned ? 'uint8_t' : 'int8_t', tensor: o.inputs[0] }],
    output: { type: 'int8_t', tensor: o.outputs[0] },
    numbers: { size: elementCount(x.shape) },
    tables: {
      table: { name: `${y.name}_table`, type: 'int8_t', values: Int8Array.from({ length: 256 }, (_, i) => f(i - 128)) },
    },
    body: p => `
for (int i = 0; i < ${p.size}; i++) {
y[i] = ${p.table}[${unsigned ? 'x[i]' : 'x[i] + 128'}];
}`,
  }
}

/** softmax.h, with a table of exponentials. */
export const softmax: Rule<'SOFTMAX'> = (o, c) => {
  const x = c.tensor(o.inputs[0])
  const length = x.shape.at(-1)!
  const { farthest, exp } = exponentials(codes(x).scale)
  const size = Math.min(256, 1 - farthest)
  return {
    kernel: 'softmax',
    about: 'Softmax along the last axis, from a table of exponentials.',
    inputs: [{ name: 'x', type: 'int8_t', tensor: o.inputs[0] }],
    output: { type: 'int8_t', tensor: o.outputs[0] },
    numbers: { rows: elementCount(x.shape) / length, length, table_size: size },
    tables: {
      table: {
        name: `${x.name}_exponentials`,
        type: 'int32_t',
        values: Int32Array.from({ length: size }, (_, i) => exp(-i)),
      },
    },
    body: p => `
for (int r = 0; r < ${p.rows}; r++) {
int most = -128;
for (int i = 0; i < ${p.length}; i++) {
most = x[i] > most ? x[i] : most;
}
int32_t sum = 0;
for (int i = 0; i < ${p.length}; i++) {
if (most - x[i] < ${p.table_size}) {
sum += shift_right(${p.table}[most - x[i]], 12);
}
}
int headroom = 0;
while (headroom < 31 && ((uint32_t)sum << headroom) < 2147483648u) {
headroom++;
}
const int32_t scale = one_over_one_plus((int32_t)(((uint32_t)sum << headroom) - 2147483648u));
for (int i = 0; i < ${p.length}; i++) {
const int distance = most - x[i];
int32_t value = 0;
if (distance < ${p.table_size}) {
value = shift_right(high_multiply(scale, ${p.table}[distance]), 35 - headroom);
}
y[i] = (int8_t)clamp(value - 128, -128, 127);
}
x += ${p.length};
y += ${p.length};
}`,
  }
}
