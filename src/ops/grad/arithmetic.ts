// Operators of two operands that are stretched over each other, and Where.
import { log, pow } from '../../base/math.ts'
import { floats, type NdArray } from '../../ir/tensor.ts'
import { broadcast, gathered, positions } from './broadcast.ts'
import { count, floatsOf, type GradDef, type Inputs, single } from './types.ts'

type Operation = (a: number, b: number) => number

const spread = (array: NdArray, shape: readonly number[]): Float32Array => {
  const at = positions(array.shape, shape)
  const x = floatsOf(array)
  if (!at) return x
  const y = new Float32Array(at.length)
  for (let i = 0; i < y.length; i++) y[i] = x[at[i]]
  return y
}

/** `slopes` are the derivatives by either operand, at a and b. */
const binary = (type: string | string[], value: Operation, slopes: readonly [Operation, Operation]): GradDef =>
  single({
    type,
    forward(_, [a, b]) {
      const shape = broadcast(a!.shape, b!.shape)
      const [xa, xb] = [spread(a!, shape), spread(b!, shape)]
      const y = new Float32Array(count(shape))
      for (let i = 0; i < y.length; i++) y[i] = value(xa[i], xb[i])
      return floats(shape, y)
    },
    backward(_, { inputs: [a, b], output: { shape } }, dy, wanted) {
      const [xa, xb] = [spread(a!, shape), spread(b!, shape)]
      return [a!, b!].map((input, k) => {
        if (!wanted[k]) return null
        const slope = slopes[k]
        const dx = new Float32Array(dy.length)
        for (let i = 0; i < dy.length; i++) dx[i] = dy[i] * slope(xa[i], xb[i])
        return gathered(dx, positions(input.shape, shape), input.data.length)
      })
    },
  })

/** Add, apart from the others since residual networks spend their time in it: what goes back is what came. */
const add = single({
  type: 'Add',
  forward(_, [a, b]) {
    const shape = broadcast(a!.shape, b!.shape)
    const [xa, xb] = [spread(a!, shape), spread(b!, shape)]
    const y = new Float32Array(count(shape))
    for (let i = 0; i < y.length; i++) y[i] = xa[i] + xb[i]
    return floats(shape, y)
  },
  backward: (_, { inputs, output }, dy, wanted) =>
    inputs.map((x, k) => (wanted[k] ? gathered(dy, positions(x!.shape, output.shape), x!.data.length) : null)),
})

// Where both are equal the gradient goes to the first.
const max = binary('Max', Math.max, [(a, b) => (a >= b ? 1 : 0), (a, b) => (a >= b ? 0 : 1)])
const min = binary('Min', Math.min, [(a, b) => (a <= b ? 1 : 0), (a, b) => (a <= b ? 0 : 1)])

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
    const [xa, xb] = [spread(a!, shape), spread(b!, shape)]
    return floats(
      shape,
      xa.map((x, i) => (chosen[i] ? x : xb[i])),
    )
  },
  backward(_, { inputs, output: { shape } }, dy, wanted) {
    const chosen = truths(inputs[0]!, shape)
    const back = (side: number, { shape: own, data }: NdArray): Float32Array =>
      gathered(
        dy.map((g, i) => (chosen[i] === side ? g : 0)),
        positions(own, shape),
        data.length,
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
        const x = spread(input!, shape)
        for (let i = 0; i < y.length; i++) y[i] += x[i]
      }
      const factor = weight(inputs)
      return floats(shape, factor === 1 ? y : y.map(v => v * factor))
    },
    backward(_, { inputs, output }, dy, wanted) {
      const factor = weight(inputs)
      const given = factor === 1 ? dy : dy.map(g => g * factor)
      return inputs.map((x, k) =>
        wanted[k] ? gathered(given, positions(x!.shape, output.shape), x!.data.length) : null,
      )
    },
  })

export const arithmeticGrads: readonly GradDef[] = [
  add,
  binary('Sub', (a, b) => a - b, [() => 1, () => -1]),
  binary('Mul', (a, b) => a * b, [(_, b) => b, a => a]),
  binary('Div', (a, b) => a / b, [(_, b) => 1 / b, (a, b) => -a / (b * b)]),
  binary('Pow', pow, [(a, b) => (b === 0 ? 0 : b * pow(a, b - 1)), (a, b) => (a > 0 ? pow(a, b) * log(a) : 0)]),
  binary('PRelu', (x, slope) => (x > 0 ? x : slope * x), [(x, slope) => (x > 0 ? 1 : slope), x => (x > 0 ? 0 : x)]),
  ofTwo(max),
  ofTwo(min),
  total('Sum', () => 1),
  total('Mean', inputs => 1 / inputs.length),
  where,
]
