// Add, Sub and Mul, with broadcasting.
import { floats } from '../../ir/tensor.ts'
import { count, floatsOf, type GradDef } from './types.ts'

/** The element of an input that each element of the output reads; null where they lie alike. */
function positions(shape: readonly number[], out: readonly number[]): Uint32Array | null {
  if (shape.join() === out.join()) return null
  const axes = out.map((_, i) => shape[i - out.length + shape.length] ?? 1)
  const steps = axes.map((d, i) => (d === 1 ? 0 : count(axes.slice(i + 1))))
  const at = new Uint32Array(count(out))
  for (let i = 0; i < at.length; i++)
    for (let axis = out.length - 1, rest = i; axis >= 0; axis--) {
      at[i] += steps[axis] * (rest % out[axis])
      rest = Math.floor(rest / out[axis])
    }
  return at
}

const broadcast = (a: readonly number[], b: readonly number[]): number[] =>
  Array.from({ length: Math.max(a.length, b.length) }, (_, i) => {
    const [da, db] = [a, b].map(s => s[i - Math.max(a.length, b.length) + s.length] ?? 1)
    return da === 1 ? db : da
  })

/** `slopes` are the derivatives by either operand. */
const binary = (
  type: string,
  value: (a: number, b: number) => number,
  slopes: readonly [(b: number) => number, (a: number) => number],
): GradDef => ({
  type,
  forward(_, [a, b]) {
    const shape = broadcast(a!.shape, b!.shape)
    const [pa, pb] = [positions(a!.shape, shape), positions(b!.shape, shape)]
    const [xa, xb] = [floatsOf(a!), floatsOf(b!)]
    const y = new Float32Array(count(shape))
    for (let i = 0; i < y.length; i++) y[i] = value(xa[pa ? pa[i] : i], xb[pb ? pb[i] : i])
    return floats(shape, y)
  },
  backward(_, { inputs, output }, dy, wanted) {
    const at = inputs.map(input => positions(input!.shape, output.shape))
    return inputs.map((input, k) => {
      if (!wanted[k]) return null
      const other = floatsOf(inputs[1 - k]!)
      const [own, theirs] = [at[k], at[1 - k]]
      const sums = new Float64Array(input!.data.length)
      for (let i = 0; i < dy.length; i++) sums[own ? own[i] : i] += dy[i] * slopes[k](other[theirs ? theirs[i] : i])
      return Float32Array.from(sums)
    })
  },
})

const same = (): number => 1

export const arithmeticGrads: readonly GradDef[] = [
  binary('Add', (a, b) => a + b, [same, same]),
  binary('Sub', (a, b) => a - b, [same, () => -1]),
  binary('Mul', (a, b) => a * b, [b => b, a => a]),
]
