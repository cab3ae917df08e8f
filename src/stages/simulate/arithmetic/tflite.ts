// TFLite's integer kernels: fixed-point multipliers, two roundings. Read from TensorFlow Lite (kernels/internal/reference/integer_ops,
// quantization_util.cc and each operator's Prepare) and held against TFLite Micro and LiteRT's reference kernels by
// test/simulate/tflite.test.ts. The two differ where `liteRt` says; LiteRT's optimised kernels and XNNPACK by a few steps more.
import {
  exponentials,
  hardSwish,
  leakyRelu,
  quantized,
  relu,
  rescaled,
  sigmoid,
  tanh,
} from '../../../base/code-curves.ts'
import {
  awayFromZero,
  highMultiply,
  multiplierOf,
  multiply,
  multiplyWide,
  oneOverOnePlus,
  shiftRight,
} from '../../../base/fixed-point.ts'
import { exp, log2, tanh as tanhOf } from '../../../base/math.ts'
import { attrFloat, type Model, type Node } from '../../../ir/model.ts'
import { outputBounds } from '../../../ops/bounds.ts'
import { clamp } from '../rounding.ts'
import type { Affine, Arithmetic, Curve, IntegerOp, Unit } from '../types.ts'

const f32 = Math.fround

/** TensorFlow Lite for Microcontrollers. */
export const tflm: Arithmetic = {
  id: 'tflm',
  fusesFloat: false,
  refuses,

  // CalculateActivationRangeQuantized; there are RELU, RELU_N1_TO_1 and RELU6.
  narrow(activation, y, model) {
    const bounds = outputBounds(activation, model.graph)
    if (!bounds) return null
    const { min, max } = bounds
    const known = (min === 0 && (max === 6 || max === Number.POSITIVE_INFINITY)) || (min === -1 && max === 1)
    const code = (x: number): number => y.zeroPoint + awayFromZero(f32(x / y.scale))
    // Of other bounds nothing is written; nor need it be where no code lies outside of them.
    if (!known && (code(min) > y.qmin || code(max) < y.qmax)) return null
    return {
      ...y,
      qmin: Math.max(y.qmin, code(min)),
      qmax: Math.min(y.qmax, code(max)),
    }
  },

  quantize: quantized,

  // PopulateConvolutionQuantizationParams.
  requantizer(x, w, y) {
    const each = Array.from(w, s => multiplierOf((x.scale * s) / y.scale))
    const scale = x.qmax > 255 ? multiplyWide : multiply
    return (sum, channel) => clamp(scale(sum, each[each.length > 1 ? channel : 0]) + y.zeroPoint, y.qmin, y.qmax)
  },

  // add.h: both operands in 20 more bits, in units of twice the larger scale.
  adder(a, b, y, subtract) {
    const [left, largest] = [y.qmax > 255 ? 15 : 20, 2 * Math.max(a.scale, b.scale)]
    const [ma, mb] = [multiplierOf(a.scale / largest), multiplierOf(b.scale / largest)]
    const my = multiplierOf(largest / ((1 << left) * y.scale))
    return (p, q) => {
      const first = multiply((p - a.zeroPoint) << left, ma)
      const second = multiply((q - b.zeroPoint) << left, mb)
      const sum = subtract ? first - second : first + second
      return clamp(multiply(sum, my) + y.zeroPoint, y.qmin, y.qmax)
    }
  },

  multiplier: (a, b, y) => multiplied(a, b, y, (a.scale * b.scale) / y.scale),

  // QUANTIZE between integers, which stands before a CONCATENATION whose inputs have other scales.
  rescaler: (x, y) => (x.scale === y.scale && x.zeroPoint === y.zeroPoint ? q => q : rescaled(x, y)),

  curve: (kind, node, x, y) => curves[kind]!(x, y, node),

  // pooling.h: of the codes themselves, half away from zero.
  averager: (_, y) => (window, count) => {
    let sum = 0
    for (let i = 0; i < count; i++) sum += window[i]
    const half = Math.trunc(count / 2)
    return clamp(Math.trunc((sum > 0 ? sum + half : sum - half) / count), y.qmin, y.qmax)
  },

  // MEAN (reduce.h, QuantizedMeanOrSum): the division is taken into the multiplier. TensorFlow's converter makes it of global pools.
  globalAverager(x, y, size) {
    const { m, shift } = multiplierOf(x.scale / y.scale)
    const more = Math.min(31 - Math.clz32(size), 31 + shift)
    const mean = { m: Number((BigInt(m) << BigInt(more)) / BigInt(size)), shift: shift - more }
    return sum => clamp(multiply(sum - x.zeroPoint * size, mean) + y.zeroPoint, y.qmin, y.qmax)
  },

  // resize_bilinear.h, half away from zero.
  interpolator: y => sum => clamp(Math.trunc((sum + (sum > 0 ? 524288 : -524288)) / 1048576), y.qmin, y.qmax),

  softmax,
}

/**
 * LiteRT's reference kernels: fully connected layers are scaled in float64, the multipliers of Mul and LeakyRelu taken in float32,
 * Sigmoid and Tanh read from a table that is filled in float32.
 */
export const liteRt: Arithmetic = {
  ...tflm,
  id: 'tflite',
  refuses: (unit, op, model) => refuses(unit, op, model) ?? refusesPowers(unit),
  // integer_ops/fully_connected.h rounds a product in float64.
  requantizer(x, w, y, kernel) {
    if (kernel !== 'FullyConnected') return tflm.requantizer(x, w, y, kernel)
    const each = Float64Array.from(w, s => (x.scale * s) / y.scale)
    return (sum, channel) =>
      clamp(awayFromZero(sum * each[each.length > 1 ? channel : 0]) + y.zeroPoint, y.qmin, y.qmax)
  },
  multiplier: (a, b, y) => multiplied(a, b, y, f32(f32(a.scale * b.scale) / y.scale)),
  curve(kind, node, x, y) {
    if (kind === 'LeakyRelu') {
      const alpha = f32(attrFloat(node, 'alpha', 0.01))
      return leakyRelu(x, y, f32(x.scale / y.scale), f32(f32(x.scale * alpha) / y.scale))
    }
    const f = kind === 'Sigmoid' ? sigmoidInSteps : kind === 'Tanh' ? tanhOf : null
    if (!f) return tflm.curve!(kind, node, x, y)
    return q => {
      const value = f32(f(f32(x.scale * (q - x.zeroPoint))))
      return clamp(awayFromZero(f32(value * f32(1 / y.scale))) + y.zeroPoint, y.qmin, y.qmax)
    }
  },
}

function multiplied(a: Affine, b: Affine, y: Affine, scale: number): (p: number, q: number) => number {
  const m = multiplierOf(scale)
  return (p, q) => clamp(multiply((p - a.zeroPoint) * (q - b.zeroPoint), m) + y.zeroPoint, y.qmin, y.qmax)
}

/** Rounded to float32 at each step. */
const sigmoidInSteps = (x: number): number => f32(1 / f32(1 + f32(exp(-x))))

const curves: Partial<Record<Curve, (x: Affine, y: Affine, node: Node) => (q: number) => number>> = {
  Sigmoid: sigmoid,
  Tanh: tanh,
  LeakyRelu: (x, y, node) => {
    const alpha = f32(attrFloat(node, 'alpha', 0.01))
    return leakyRelu(x, y, x.scale / y.scale, (x.scale * alpha) / y.scale)
  },
  HardSwish: hardSwish,
  Relu: relu,
}

/** softmax.h: e^x of the distance to the largest code in FixedPoint<5>, summed in FixedPoint<12>. */
function softmax(x: Affine): (row: Int32Array, out: Int32Array) => void {
  const { farthest, exp } = exponentials(x.scale)
  return (row, out) => {
    let largest = row[0]
    for (const q of row) largest = Math.max(largest, q)
    let sum = 0
    for (const q of row) if (q - largest >= farthest) sum += shiftRight(exp(q - largest), 12)
    const headroom = Math.clz32(sum)
    const scale = oneOverOnePlus(((sum << headroom) - 2147483648) | 0)
    const exponent = 12 - headroom + 31 - 8
    for (let i = 0; i < row.length; i++) {
      const distance = row[i] - largest
      out[i] =
        distance < farthest ? -128 : clamp(shiftRight(highMultiply(scale, exp(distance)), exponent) - 128, -128, 127)
    }
  }
}

/** add.cc: sums of int16 whose scales are all powers of two, or nearly, are shifted instead of multiplied. */
function refusesPowers({ node, inputs, output }: Unit): string | null {
  const isPower = (scale: number): boolean => {
    const exponent = log2(scale)
    return Math.abs(exponent - Math.round(exponent)) < 1e-3
  }
  const scales = [...inputs.map(operand => operand?.scale[0] ?? 1), output.affine?.scale ?? 1]
  const sum = (node.op === 'Add' || node.op === 'Sub') && inputs[0]?.dtype === 'int16'
  return sum && scales.every(isPower) ? 'sums of 16 bits in powers of two have a kernel that is not known here' : null
}

/** What the format cannot say, or its kernels would refuse. */
function refuses(unit: Unit, op: IntegerOp, model: Model): string | null {
  const { node, inputs, output } = unit
  const [x, w, b] = inputs
  if (x!.dtype !== 'int8' && x!.dtype !== 'int16') return `its activations are ${x!.dtype}, not int8 or int16`
  if (x!.dtype === 'int16') {
    if (inputs.some(operand => operand?.zeroPoint.some(z => z !== 0)) || output.affine?.zeroPoint)
      return 'activations of 16 bits must be symmetric'
    if (node.op in fixedOutputs || node.op === 'HardSwish') return 'its table for 16 bits is not known here'
  }
  if (!output.affine) return 'its output stays float'
  if (output.dtype !== x!.dtype) return 'its input and output are of different types'
  if (inputs.some((operand, i) => operand && !operand.constant && i !== 2 && operand.scale.length > 1))
    return 'an activation has more than one scale'
  if (node.op === 'Conv' || node.op === 'Gemm') {
    if (!['int8', 'int4', 'int2'].includes(w!.dtype)) return `its weights are ${w!.dtype}`
    if (w!.zeroPoint.some(z => z !== 0)) return 'its weights are not symmetric'
    if (b && b.dtype !== 'int32') return `its bias is ${b.dtype}`
    if (node.op === 'Gemm' && (attrFloat(node, 'alpha', 1) !== 1 || attrFloat(node, 'beta', 1) !== 1))
      return 'alpha or beta is not 1'
  }
  const fixed = fixedOutputs[node.op]
  if (fixed && (output.affine.scale !== fixed.scale || output.affine.zeroPoint !== fixed.zeroPoint))
    return `the scale of its output must be ${fixed.scale}, its zero point ${fixed.zeroPoint}`
  const keeps = op.moves || node.op === 'AveragePool'
  if (keeps && (x!.scale[0] !== output.affine.scale || x!.zeroPoint[0] !== output.affine.zeroPoint))
    return 'input and output have different scales'
  if (node.op === 'Clip') return 'the target has no kernel for a Clip of its own'
  if (node.op === 'Softmax' && (model.opsets[''] ?? 0) < 13) return 'Softmax before opset 13'
  return null
}

const fixedOutputs: Partial<Record<string, { scale: number; zeroPoint: number }>> = {
  Softmax: { scale: 1 / 256, zeroPoint: -128 },
  Sigmoid: { scale: 1 / 256, zeroPoint: -128 },
  Tanh: { scale: 1 / 128, zeroPoint: 0 },
}
