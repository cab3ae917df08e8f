// Operators of one input whose output elements depend on the input element at their position alone. Where the derivative jumps it is that
// of the flat side, so that what was clipped stays clipped.
import { sigmoid, tanh } from '../../base/math.ts'
import { attrFloat, type Node } from '../../ir/model.ts'
import { floats } from '../../ir/tensor.ts'
import { floatsOf, type GradDef, type Inputs } from './types.ts'

interface Curve {
  value(x: number): number
  /** By x and the value there. */
  slope(x: number, y: number): number
}

const curve = (type: string, of: (node: Node, inputs: Inputs) => Curve): GradDef => ({
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

const between = (low: number, high: number): Curve => ({
  value: x => Math.min(high, Math.max(low, x)),
  slope: x => (x > low && x < high ? 1 : 0),
})

const relu = { value: (x: number) => (x > 0 ? x : 0), slope: (x: number) => (x > 0 ? 1 : 0) }
const logistic = { value: sigmoid, slope: (_: number, y: number) => y * (1 - y) }
const hardSwish = {
  value: (x: number) => x * Math.min(1, Math.max(0, x / 6 + 0.5)),
  slope: (x: number) => (x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5),
}

export const elementwiseGrads: readonly GradDef[] = [
  curve('Relu', () => relu),
  curve('LeakyRelu', node => {
    const alpha = attrFloat(node, 'alpha', 0.01)
    return { value: x => (x > 0 ? x : alpha * x), slope: x => (x > 0 ? 1 : alpha) }
  }),
  curve('Clip', (node, [, low, high]) =>
    between(
      low ? Number(low.data[0]) : attrFloat(node, 'min', Number.NEGATIVE_INFINITY),
      high ? Number(high.data[0]) : attrFloat(node, 'max', Number.POSITIVE_INFINITY),
    ),
  ),
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
]
