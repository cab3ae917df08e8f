// Products of two matrices of activations, for each matrix of their stacks.
import { multiplierOf } from '../../base/fixed-point.ts'
import { codes, minus, plus, type Rule, times } from './kernel.ts'
import { loopsOver, merged, stridesOf } from './strides.ts'

export const matmul: Rule<'BATCH_MATMUL'> = (o, c) => {
  const [a, b, y] = [...o.inputs, ...o.outputs].map(c.tensor)
  const [p, q, to] = [codes(a), codes(b), codes(y)]
  const stacks = y.shape.slice(0, -2)
  const strides = [a, b].map(({ shape }) => {
    const wide = [...new Array<number>(y.shape.length - shape.length).fill(1), ...shape]
    return stridesOf(wide).map((s, i) => (wide[i] === 1 ? 0 : s))
  })
  const axes = merged(stacks.map((size, i) => ({ size, strides: [strides[0][i], strides[1][i]] })))
  const { m, shift } = multiplierOf((p.scale * q.scale) / to.scale)
  return {
    kernel: `batch_matmul_${axes.length}d`,
    about: 'Product of two matrices, for each of a stack.',
    inputs: [
      { name: 'a', type: 'int8_t', tensor: o.inputs[0] },
      { name: 'b', type: 'int8_t', tensor: o.inputs[1] },
    ],
    output: { type: 'int8_t', tensor: o.outputs[0] },
    numbers: {
      ...Object.fromEntries(
        axes.flatMap((axis, i) => [
          [`size_${i}`, axis.size],
          [`a_${i}`, axis.strides[0]],
          [`b_${i}`, axis.strides[1]],
        ]),
      ),
      rows: a.shape.at(-2)!,
      depth: a.shape.at(-1)!,
      columns: b.shape.at(-1)!,
      a_zero: p.zeroPoint,
      b_zero: q.zeroPoint,
      y_zero: to.zeroPoint,
      multiplier: m,
      shift,
    },
    body: n => {
      const from = (of: 'a' | 'b'): string =>
        axes.reduce((at, _, i) => plus(at, times(`i${i}`, n[`${of}_${i}`])), of as string)
      const left = minus(`first[${plus(times('r', n.depth), 'k')}]`, n.a_zero)
      const right = minus(`second[${plus(times('k', n.columns), 'j')}]`, n.b_zero)
      return loopsOver(
        axes.map((_, i) => [`i${i}`, n[`size_${i}`]]),
        `
const int8_t *first = ${from('a')};
const int8_t *second = ${from('b')};
for (int r = 0; r < ${n.rows}; r++) {
for (int j = 0; j < ${n.columns}; j++) {
int32_t sum = 0;
for (int k = 0; k < ${n.depth}; k++) {
sum += (${left}) * (${right});
}
*y++ = code(sum, ${n.multiplier}, ${n.shift}, ${n.y_zero}, -128, 127);
}
}`,
      )
    },
  }
}
