// Reductions over axes. What is reduced lies in runs of the other axes' positions, as a broadcast read backwards.
import { exp, log, sqrt } from '../../base/math.ts'
import { attrInt, attrInts, type Node } from '../../ir/model.ts'
import { floats } from '../../ir/tensor.ts'
import { positions } from './broadcast.ts'
import { axisIn, count, floatsOf, type GradDef, type Inputs, numbersOf, single } from './types.ts'

/** The shape with the reduced axes at 1, and as the output has it. */
function reduced(node: Node, [x, given]: Inputs): { small: number[]; out: number[] } {
  const { shape } = x!
  const axes = numbersOf(given) ?? attrInts(node, 'axes') ?? []
  const all = axes.length === 0 && attrInt(node, 'noop_with_empty_axes', 0) === 0
  const gone = new Set(all ? shape.keys() : axes.map(axis => axisIn(axis, shape)))
  const small = shape.map((d, axis) => (gone.has(axis) ? 1 : d))
  return { small, out: attrInt(node, 'keepdims', 1) !== 0 ? small : shape.filter((_, axis) => !gone.has(axis)) }
}

/** The sum of `term` over what is reduced, then `finish`; `slope` of the result by an element x, with y the result there. */
interface Sum {
  term(x: number): number
  finish(sum: number, size: number): number
  slope(x: number, y: number, size: number): number
}

const byAxes = (
  type: string,
  reduce: (x: Float32Array, at: Uint32Array, out: number, size: number) => Float32Array,
  back: (x: number, y: number, size: number) => number,
): GradDef =>
  single({
    type,
    forward(node, inputs) {
      const { shape } = inputs[0]!
      const { small, out } = reduced(node, inputs)
      const at = placesIn(small, shape)
      const sums = count(small)
      return floats(out, reduce(floatsOf(inputs[0]!), at, sums, count(shape) / sums))
    },
    backward(node, { inputs, output }, dy) {
      const { shape } = inputs[0]!
      const { small } = reduced(node, inputs)
      const at = positions(small, shape)
      const size = count(shape) / count(small)
      const [x, y] = [floatsOf(inputs[0]!), floatsOf(output)]
      return [x.map((v, i) => dy[at ? at[i] : i] * back(v, y[at ? at[i] : i], size))]
    },
  })

const summed = (type: string, { term, finish, slope }: Sum): GradDef =>
  byAxes(
    type,
    (x, at, out, size) => {
      const sums = new Float64Array(out)
      for (let i = 0; i < x.length; i++) sums[at[i]] += term(x[i])
      return Float32Array.from(sums, sum => finish(sum, size))
    },
    slope,
  )

/** Where several are the largest, each gets the whole gradient of one: it is shared between them by none of the frameworks alike. */
const extreme = (type: string, better: (a: number, b: number) => boolean, worst: number): GradDef =>
  byAxes(
    type,
    (x, at, out) => {
      const y = new Float32Array(out).fill(worst)
      for (let i = 0; i < x.length; i++) if (better(x[i], y[at[i]])) y[at[i]] = x[i]
      return y
    },
    (x, y) => (x === y ? 1 : 0),
  )

/** Largest first, so that no power overflows. */
const logSumExp = byAxes(
  'ReduceLogSumExp',
  (x, at, out) => {
    const largest = new Float32Array(out).fill(Number.NEGATIVE_INFINITY)
    for (let i = 0; i < x.length; i++) largest[at[i]] = Math.max(largest[at[i]], x[i])
    const sums = new Float64Array(out)
    for (let i = 0; i < x.length; i++) sums[at[i]] += exp(x[i] - largest[at[i]])
    return Float32Array.from(sums, (sum, o) => largest[o] + log(sum))
  },
  (x, y) => exp(x - y),
)

/** An element's slope is the product of the others: with one zero among them, of all that are not, at that zero alone. */
const product = single({
  type: 'ReduceProd',
  forward(node, inputs) {
    const { out } = reduced(node, inputs)
    const { products, zeros } = factors(node, inputs)
    return floats(
      out,
      Float32Array.from(products, (p, o) => (zeros[o] > 0 ? 0 : p)),
    )
  },
  backward(node, { inputs }, dy) {
    const { products, zeros, at } = factors(node, inputs)
    const others = (v: number, o: number): number => {
      if (zeros[o] === 0) return products[o] / v
      return zeros[o] === 1 && v === 0 ? products[o] : 0
    }
    return [floatsOf(inputs[0]!).map((v, i) => dy[at[i]] * others(v, at[i]))]
  },
})

/** Of each output the product of what is not zero, and how many zeros there are; `at` is the output of each element. */
function factors(node: Node, inputs: Inputs): { products: Float64Array; zeros: Uint32Array; at: Uint32Array } {
  const { shape } = inputs[0]!
  const { small } = reduced(node, inputs)
  const at = placesIn(small, shape)
  const products = new Float64Array(count(small)).fill(1)
  const zeros = new Uint32Array(count(small))
  for (const [i, v] of floatsOf(inputs[0]!).entries()) {
    if (v === 0) zeros[at[i]]++
    else products[at[i]] *= v
  }
  return { products, zeros, at }
}

const placesIn = (small: readonly number[], shape: readonly number[]): Uint32Array =>
  positions(small, shape) ?? Uint32Array.from({ length: count(shape) }, (_, i) => i)

const itself = (sum: number): number => sum
const sign = (x: number): number => (x > 0 ? 1 : x < 0 ? -1 : 0)

export const reduceGrads: readonly GradDef[] = [
  summed('ReduceSum', { term: x => x, finish: itself, slope: () => 1 }),
  summed('ReduceMean', { term: x => x, finish: (sum, n) => sum / n, slope: (_, __, n) => 1 / n }),
  summed('ReduceSumSquare', { term: x => x * x, finish: itself, slope: x => 2 * x }),
  summed('ReduceL1', { term: Math.abs, finish: itself, slope: sign }),
  summed('ReduceL2', { term: x => x * x, finish: sqrt, slope: (x, y) => (y > 0 ? x / y : 0) }),
  summed('ReduceLogSum', { term: x => x, finish: log, slope: (_, y) => exp(-y) }),
  extreme('ReduceMax', (a, b) => a > b, Number.NEGATIVE_INFINITY),
  extreme('ReduceMin', (a, b) => a < b, Number.POSITIVE_INFINITY),
  logSumExp,
  product,
]
