// Where numbers come in and go out: floats are rounded to codes and back, one at a time.
import { elementCount } from '../../base/dtype.ts'
import { type Context, codes, minus, plus, type Rule, type Use } from './kernel.ts'

export const quantize = (x: number, y: number, c: Context): Use => {
  const { scale, zeroPoint } = codes(c.tensor(y))
  return {
    kernel: 'quantize',
    about: 'Floats to codes; ties go away from zero, and what is no number is zero.',
    inputs: [{ name: 'x', type: 'float', tensor: x }],
    output: { type: 'int8_t', tensor: y },
    numbers: { size: elementCount(c.tensor(x).shape), zero: zeroPoint },
    reals: { scale },
    body: p => `
for (int i = 0; i < ${p.size}; i++) {
const float value = x[i] / ${p.scale};
int32_t q = 0;
if (value >= 1000.0f) {
q = 1000;
} else if (value <= -1000.0f) {
q = -1000;
} else if (value == value) {
q = (int32_t)value;
const float rest = value - (float)q;
q += rest >= 0.5f ? 1 : rest <= -0.5f ? -1 : 0;
}
y[i] = (int8_t)clamp(${plus('q', p.zero)}, -128, 127);
}`,
  }
}

export const dequantize: Rule<'DEQUANTIZE'> = (o, c) => {
  const { scale, zeroPoint } = codes(c.tensor(o.inputs[0]))
  return {
    kernel: 'dequantize',
    about: 'Codes to floats.',
    inputs: [{ name: 'x', type: 'int8_t', tensor: o.inputs[0] }],
    output: { type: 'float', tensor: o.outputs[0] },
    numbers: { size: elementCount(c.tensor(o.inputs[0]).shape), zero: zeroPoint },
    reals: { scale },
    body: p => `
for (int i = 0; i < ${p.size}; i++) {
y[i] = (float)(${minus('x[i]', p.zero)}) * ${p.scale};
}`,
  }
}
