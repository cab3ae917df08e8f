// Pools over windows, and means over axes.
import { elementCount, viewAs } from '../../base/dtype.ts'
import { multiplierOf } from '../../base/fixed-point.ts'
import type { NhwcOperator } from '../nhwc/types.ts'
import { type Context, codes, type Parameters, plus, type Rule, times, type Use } from './kernel.ts'
import { loopsOver, merged, stridesOf } from './strides.ts'
import { bounded, windowOf } from './windows.ts'

type Pool = Extract<NhwcOperator, { kind: 'AVERAGE_POOL_2D' | 'MAX_POOL_2D' }>

function pool(o: Pool, c: Context) {
  const [x, y] = [c.tensor(o.inputs[0]), c.tensor(o.outputs[0])]
  const { kernel, strides, padding, fused } = o.options
  const window = windowOf(x, y, kernel, strides, padding)
  const bounds = bounded(fused, codes(y))
  const free = bounds.low === -128 && bounds.high === 127
  const name = `${window.reaches ? '' : '_inside'}${free ? '' : '_bounded'}`
  return {
    window,
    name,
    use: {
      inputs: [{ name: 'x', type: 'int8_t' as const, tensor: o.inputs[0] }],
      output: { type: 'int8_t' as const, tensor: o.outputs[0] },
      numbers: { ...window.numbers, ...(free ? {} : bounds) },
    },
    kept: (p: Parameters, value: string): string => (free ? value : `clamp(${value}, ${p.low}, ${p.high})`),
  }
}

const element = (p: Parameters): string =>
  plus(times(plus(times('(top + ky)', p.in_w), 'left + kx'), p.in_c), 'channel')

export const maxPool: Rule<'MAX_POOL_2D'> = (o, c) => {
  const { window, name, use, kept } = pool(o, c)
  return {
    ...use,
    kernel: `max_pool_2d${name}`,
    about: 'The largest of each window.',
    body: p =>
      window.loops(
        p,
        `
for (int channel = 0; channel < ${p.in_c}; channel++) {
int32_t most = -128;
${window.taps(
  p,
  `
const int32_t value = x[${element(p)}];
most = value > most ? value : most;`,
)}
*y++ = (int8_t)${kept(p, 'most')};
}`,
      ),
  }
}

export const averagePool: Rule<'AVERAGE_POOL_2D'> = (o, c) => {
  const { window, name, use, kept } = pool(o, c)
  return {
    ...use,
    kernel: `average_pool_2d${name}`,
    about: 'The mean of each window, rounded, ties away from zero.',
    body: p =>
      window.loops(
        p,
        `
${
  window.reaches
    ? 'const int32_t count = (to_y - from_y) * (to_x - from_x);'
    : `const int32_t count = ${times(p.kernel_h, p.kernel_w)};`
}
for (int channel = 0; channel < ${p.in_c}; channel++) {
int32_t sum = 0;
${window.taps(
  p,
  `
sum += x[${element(p)}];`,
)}
sum = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
*y++ = (int8_t)${kept(p, 'sum')};
}`,
      ),
  }
}

/** reduce.h, QuantizedMeanOrSum: the division is taken into the multiplier. */
export const mean: Rule<'MEAN'> = (o, c) => {
  const [x, y] = [c.tensor(o.inputs[0]), c.tensor(o.outputs[0])]
  const axes = Array.from(viewAs('int32', c.tensor(o.inputs[1]).data!) as Int32Array)
  const strides = stridesOf(x.shape)
  const all = x.shape.map((size, i) => ({ size, strides: [strides[i]], reduced: axes.includes(i) }))
  const kept = merged(all.filter(d => !d.reduced))
  const over = merged(all.filter(d => d.reduced))
  const count = elementCount(axes.map(i => x.shape[i]))
  const [from, to] = [codes(x), codes(y)]
  const { m, shift } = multiplierOf(from.scale / to.scale)
  const more = Math.min(31 - Math.clz32(count), 31 + shift)
  const use: Omit<Use, 'body'> = {
    kernel: `mean_${kept.length}d_of_${over.length}d`,
    about: 'The mean over axes.',
    inputs: [{ name: 'x', type: 'int8_t', tensor: o.inputs[0] }],
    output: { type: 'int8_t', tensor: o.outputs[0] },
    numbers: {
      ...Object.fromEntries(
        kept.flatMap((d, i) => [
          [`size_${i}`, d.size],
          [`stride_${i}`, d.strides[0]],
        ]),
      ),
      ...Object.fromEntries(
        over.flatMap((d, i) => [
          [`over_${i}`, d.size],
          [`step_${i}`, d.strides[0]],
        ]),
      ),
      zeros: -from.zeroPoint * count,
      multiplier: Number((BigInt(m) << BigInt(more)) / BigInt(count)),
      shift: shift - more,
      y_zero: to.zeroPoint,
    },
  }
  return {
    ...use,
    body: p =>
      loopsOver(
        kept.map((_, i) => [`i${i}`, p[`size_${i}`]]),
        `
const int8_t *first = ${kept.reduce((at, _, i) => plus(at, times(`i${i}`, p[`stride_${i}`])), 'x')};
int32_t sum = ${p.zeros};
${loopsOver(
  over.map((_, i) => [`k${i}`, p[`over_${i}`]]),
  `
sum += first[${over.reduce((at, _, i) => plus(at, times(`k${i}`, p[`step_${i}`])), '0')}];`,
)}
*y++ = code(sum, ${p.multiplier}, ${p.shift}, ${p.y_zero}, -128, 127);`,
      ),
  }
}
