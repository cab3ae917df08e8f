// Operators of two operands that are stretched over each other, and Where.
import { log, pow } from '../../base/math.ts'
import { floats, type NdArray } from '../../ir/tensor.ts'
import { broadcast, gathered, positions, spread } from './broadcast.ts'
import { count, floatsOf, type GradDef, type Inputs, single } from './types.ts'

/**
 * Into y by each pair of elements, or into dx by their derivative times dy; of an operand of one element the step is 0. Each has a loop of
 * its own: a function that all loops call by name would be called anew for every element.
 */
type Value = (a: Float32Array, b: Float32Array, p: number, q: number, y: Float32Array) => void
type Slope = (dy: Float32Array, a: Float32Array, b: Float32Array, p: number, q: number, dx: Float32Array) => void

/** The operands over the output's shape, those of one element as they are, and the steps from one of their elements to the next. */
function operands([a, b]: Inputs, shape: readonly number[]): [Float32Array, Float32Array, number, number] {
  const over = ({ shape: own, data }: NdArray): Float32Array =>
    data.length === 1 ? (data as Float32Array) : spread(data as Float32Array, own, shape)
  const step = ({ data }: NdArray): number => (data.length === 1 ? 0 : 1)
  return [over(a!), over(b!), step(a!), step(b!)]
}

/** `slopes` are the derivatives by either operand; null where what goes back is what came. */
const binary = (type: string, value: Value, slopes: readonly [Slope | null, Slope | null]): GradDef =>
  single({
    type,
    forward(_, inputs) {
      const shape = broadcast(inputs[0]!.shape, inputs[1]!.shape)
      const y = new Float32Array(count(shape))
      value(...operands(inputs, shape), y)
      return floats(shape, y)
    },
    backward(_, { inputs, output: { shape } }, dy, wanted) {
      const known = operands(inputs, shape)
      return inputs.map((input, k) => {
        if (!wanted[k]) return null
        const slope = slopes[k]
        if (!slope) return gathered(dy, input!.shape, shape)
        const dx = new Float32Array(dy.length)
        slope(dy, ...known, dx)
        return gathered(dx, input!.shape, shape)
      })
    },
  })

const add = binary(
  'Add',
  (a, b, p, q, y) => {
    for (let i = 0; i < y.length; i++) y[i] = a[p * i] + b[q * i]
  },
  [null, null],
)

const sub = binary(
  'Sub',
  (a, b, p, q, y) => {
    for (let i = 0; i < y.length; i++) y[i] = a[p * i] - b[q * i]
  },
  [
    null,
    (dy, _a, _b, _p, _q, dx) => {
      for (let i = 0; i < dx.length; i++) dx[i] = -dy[i]
    },
  ],
)

const mul = binary(
  'Mul',
  (a, b, p, q, y) => {
    for (let i = 0; i < y.length; i++) y[i] = a[p * i] * b[q * i]
  },
  [
    (dy, _a, b, _p, q, dx) => {
      for (let i = 0; i < dx.length; i++) dx[i] = dy[i] * b[q * i]
    },
    (dy, a, _b, p, _q, dx) => {
      for (let i = 0; i < dx.length; i++) dx[i] = dy[i] * a[p * i]
    },
  ],
)

const div = binary(
  'Div',
  (a, b, p, q, y) => {
    for (let i = 0; i < y.length; i++) y[i] = a[p * i] / b[q * i]
  },
  [
    (dy, _a, b, _p, q, dx) => {
      for (let i = 0; i < dx.length; i++) dx[i] = dy[i] / b[q * i]
    },
    (dy, a, b, p, q, dx) => {
      for (let i = 0; i < dx.length; i++) dx[i] = (-dy[i] * a[p * i]) / (b[q * i] * b[q * i])
    },
  ],
)

const power = binary(
  'Pow',
  (a, b, p, q, y) => {
    for (let i = 0; i < y.length; i++) y[i] = pow(a[p * i], b[q * i])
  },
  [
    (dy, a, b, p, q, dx) => {
      for (let i = 0; i < dx.length; i++) {
        const [x, e] = [a[p * i], b[q * i]]
        dx[i] = e === 0 ? 0 : dy[i] * e * pow(x, e - 1)
      }
    },
    (dy, a, b, p, q, dx) => {
      for (let i = 0; i < dx.length; i++) {
        const [x, e] = [a[p * i], b[q * i]]
        dx[i] = x > 0 ? dy[i] * pow(x, e) * log(x) : 0
      }
    },
  ],
)

const pRelu = binary(
  'PRelu',
  (a, b, p, q, y) => {
    for (let i = 0; i < y.length; i++) y[i] = a[p * i] > 0 ? a[p * i] : b[q * i] * a[p * i]
  },
  [
    (dy, a, b, p, q, dx) => {
      for (let i = 0; i < dx.length; i++) dx[i] = a[p * i] > 0 ? dy[i] : dy[i] * b[q * i]
    },
    (dy, a, _b, p, _q, dx) => {
      for (let i = 0; i < dx.length; i++) dx[i] = a[p * i] > 0 ? 0 : dy[i] * a[p * i]
    },
  ],
)

// Where both are equal the gradient goes to the first.
const max = binary(
  'Max',
  (a, b, p, q, y) => {
    for (let i = 0; i < y.length; i++) y[i] = Math.max(a[p * i], b[q * i])
  },
  [
    (dy, a, b, p, q, dx) => {
      for (let i = 0; i < dx.length; i++) dx[i] = a[p * i] >= b[q * i] ? dy[i] : 0
    },
    (dy, a, b, p, q, dx) => {
      for (let i = 0; i < dx.length; i++) dx[i] = a[p * i] >= b[q * i] ? 0 : dy[i]
    },
  ],
)
const min = binary(
  'Min',
  (a, b, p, q, y) => {
    for (let i = 0; i < y.length; i++) y[i] = Math.min(a[p * i], b[q * i])
  },
  [
    (dy, a, b, p, q, dx) => {
      for (let i = 0; i < dx.length; i++) dx[i] = a[p * i] <= b[q * i] ? dy[i] : 0
    },
    (dy, a, b, p, q, dx) => {
      for (let i = 0; i < dx.length; i++) dx[i] = a[p * i] <= b[q * i] ? 0 : dy[i]
    },
  ],
)

/** Operators that take any number of operands, here two or one. */
const ofTwo = (def: GradDef): GradDef => ({
  ...def,
  refuses: node => (node.inputs.length === 2 ? null : 'it has another number of operands than two'),
})

const truths = (array: NdArray, shape: readonly number[]): Uint8Array => {
  const at = positions(array.shape, shape)
  const { data } = array
  return Uint8Array.from({ length: count(shape) }, (_, i) => (data[at ? at[i] : i] ? 1 : 0))
}

const where = single({
  type: 'Where',
  forward(_, [condition, a, b]) {
    const shape = broadcast(condition!.shape, a!.shape, b!.shape)
    const chosen = truths(condition!, shape)
    const [xa, xb, p, q] = operands([a, b], shape)
    const y = new Float32Array(chosen.length)
    for (let i = 0; i < y.length; i++) y[i] = chosen[i] ? xa[p * i] : xb[q * i]
    return floats(shape, y)
  },
  backward(_, { inputs, output: { shape } }, dy, wanted) {
    const chosen = truths(inputs[0]!, shape)
    const back = (side: number, { shape: own }: NdArray): Float32Array =>
      gathered(
        dy.map((g, i) => (chosen[i] === side ? g : 0)),
        own,
        shape,
      )
    return [null, wanted[1] ? back(1, inputs[1]!) : null, wanted[2] ? back(0, inputs[2]!) : null]
  },
})

/** Sum and Mean of any number of operands. */
const total = (type: string, weight: (inputs: Inputs) => number): GradDef =>
  single({
    type,
    forward(_, inputs) {
      const shape = broadcast(...inputs.map(x => x!.shape))
      const y = new Float32Array(count(shape))
      for (const input of inputs) {
        const x = spread(floatsOf(input!), input!.shape, shape)
        for (let i = 0; i < y.length; i++) y[i] += x[i]
      }
      const factor = weight(inputs)
      return floats(shape, factor === 1 ? y : y.map(v => v * factor))
    },
    backward(_, { inputs, output }, dy, wanted) {
      const factor = weight(inputs)
      const given = factor === 1 ? dy : dy.map(g => g * factor)
      return inputs.map((x, k) => (wanted[k] ? gathered(given, x!.shape, output.shape) : null))
    },
  })

export const arithmeticGrads: readonly GradDef[] = [
  add,
  sub,
  mul,
  div,
  power,
  pRelu,
  ofTwo(max),
  ofTwo(min),
  total('Sum', () => 1),
  total('Mean', inputs => 1 / inputs.length),
  where,
]
