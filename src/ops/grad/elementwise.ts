// Operators of one input whose output elements depend on the input element at their position alone. Where the derivative jumps it is that
// of the flat side, so that what was clipped stays clipped.
import { erf, exp, log, sigmoid, sqrt, tanh } from '../../base/math.ts'
import { attrFloat, attrString, type Node } from '../../ir/model.ts'
import { floats } from '../../ir/tensor.ts'
import { floatsOf, type GradDef, type Inputs, single } from './types.ts'

interface Curve {
  value(x: number): number
  /** By x and the value there. */
  slope(x: number, y: number): number
}

const curve = (type: string | string[], of: (node: Node, inputs: Inputs) => Curve): GradDef =>
  single({
    type,
    forward(node, inputs) {
      const { value } = of(node, inputs)
      const x = floatsOf(inputs[0]!)
      const y = new Float32Array(x.length)
      for (let i = 0; i < x.length; i++) y[i] = value(x[i])
      return floats(inputs[0]!.shape, y)
    },
    backward(node, { inputs, output }, dy) {
      const { slope } = of(node, inputs)
      const x = floatsOf(inputs[0]!)
      const y = floatsOf(output)
      const dx = new Float32Array(x.length)
      for (let i = 0; i < x.length; i++) dx[i] = dy[i] * slope(x[i], y[i])
      return [dx]
    },
  })

/** Relu and Clip, apart from the other curves since most networks spend their time in them. */
const between = (type: string, of: (node: Node, inputs: Inputs) => [number, number]): GradDef =>
  single({
    type,
    forward(node, inputs, kernels) {
      const x = inputs[0]!
      return floats(x.shape, kernels.clip(floatsOf(x), ...of(node, inputs)))
    },
    backward: (node, { inputs }, dy, _, kernels) => [
      kernels.clipGradient(floatsOf(inputs[0]!), dy, ...of(node, inputs)),
    ],
  })

const clipped: Parameters<typeof between>[1] = (node, [, low, high]) => [
  low ? Number(low.data[0]) : attrFloat(node, 'min', Number.NEGATIVE_INFINITY),
  high ? Number(high.data[0]) : attrFloat(node, 'max', Number.POSITIVE_INFINITY),
]

const logistic: Curve = { value: sigmoid, slope: (_, y) => y * (1 - y) }
const hardSwish: Curve = {
  value: x => x * Math.min(1, Math.max(0, x / 6 + 0.5)),
  slope: x => (x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5),
}
const twoPerRootPi = 1.1283791670955126
const rootHalf = Math.SQRT1_2

/** x times the normal distribution's integral up to x. */
const gelu: Curve = {
  value: x => 0.5 * x * (1 + erf(x * rootHalf)),
  slope: x => 0.5 * (1 + erf(x * rootHalf)) + x * 0.5 * rootHalf * twoPerRootPi * exp(-0.5 * x * x),
}
const steep = 0.7978845608028654 // sqrt(2 / pi)
const bend = 0.044715
const geluByTanh: Curve = {
  value: x => 0.5 * x * (1 + tanh(steep * (x + bend * x * x * x))),
  slope(x) {
    const t = tanh(steep * (x + bend * x * x * x))
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * steep * (1 + 3 * bend * x * x)
  },
}

const softplus = (x: number): number => (x > 30 ? x : log(1 + exp(x)))
const mish: Curve = {
  value: x => x * tanh(softplus(x)),
  slope(x) {
    const t = tanh(softplus(x))
    return t + x * (1 - t * t) * sigmoid(x)
  },
}

export const elementwiseGrads: readonly GradDef[] = [
  between('Relu', () => [0, Number.POSITIVE_INFINITY]),
  between('Clip', clipped),
  curve('LeakyRelu', node => {
    const alpha = attrFloat(node, 'alpha', 0.01)
    return { value: x => (x > 0 ? x : alpha * x), slope: x => (x > 0 ? 1 : alpha) }
  }),
  curve('Elu', node => {
    const alpha = attrFloat(node, 'alpha', 1)
    return { value: x => (x > 0 ? x : alpha * (exp(x) - 1)), slope: (x, y) => (x > 0 ? 1 : y + alpha) }
  }),
  curve('Sigmoid', () => logistic),
  curve('Tanh', () => ({ value: tanh, slope: (_, y) => 1 - y * y })),
  curve('HardSigmoid', node => {
    const [alpha, beta] = [attrFloat(node, 'alpha', 0.2), attrFloat(node, 'beta', 0.5)]
    return {
      value: x => Math.min(1, Math.max(0, alpha * x + beta)),
      slope: (_, y) => (y > 0 && y < 1 ? alpha : 0),
    }
  }),
  curve('HardSwish', () => hardSwish),
  curve('Gelu', node => (attrString(node, 'approximate', 'none') === 'tanh' ? geluByTanh : gelu)),
  curve('Mish', () => mish),
  curve('Softplus', () => ({ value: softplus, slope: sigmoid })),
  curve('Erf', () => ({ value: erf, slope: x => twoPerRootPi * exp(-x * x) })),
  curve('Exp', () => ({ value: exp, slope: (_, y) => y })),
  curve('Log', () => ({ value: log, slope: x => 1 / x })),
  curve('Sqrt', () => ({ value: sqrt, slope: (_, y) => 0.5 / y })),
  curve('Neg', () => ({ value: x => -x, slope: () => -1 })),
  curve('Abs', () => ({ value: Math.abs, slope: x => (x > 0 ? 1 : x < 0 ? -1 : 0) })),
  curve('Reciprocal', () => ({ value: x => 1 / x, slope: (_, y) => -y * y })),
]
