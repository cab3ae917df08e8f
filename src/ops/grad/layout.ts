// Operators that move elements or give them another shape: a gradient goes back the way that its element came.
import { attrInt, attrInts, attrString, type Node } from '../../ir/model.ts'
import { floats, type NdArray } from '../../ir/tensor.ts'
import { count, floatsOf, type GradDef, type Inputs } from './types.ts'

const numbers = (array: NdArray | null | undefined): number[] | null =>
  array ? Array.from(array.data as ArrayLike<number | bigint>, Number) : null

/** The elements of the input in their order, in another shape. */
const reshaping = (type: string | readonly string[], shape: (node: Node, inputs: Inputs) => number[]): GradDef => ({
  type,
  forward: (node, inputs) => floats(shape(node, inputs), floatsOf(inputs[0]!)),
  backward: (_, __, dy) => [dy],
})

const flattened = (node: Node, [x]: Inputs): number[] => {
  const axis = attrInt(node, 'axis', 1)
  const at = axis < 0 ? axis + x!.shape.length : axis
  return [count(x!.shape.slice(0, at)), count(x!.shape.slice(at))]
}

const reshaped = (node: Node, [x, wanted]: Inputs): number[] => {
  const keepsZero = attrInt(node, 'allowzero', 0) !== 0
  const dims = numbers(wanted)!.map((d, i) => (d === 0 && !keepsZero ? x!.shape[i] : d))
  const known = dims.reduce((n, d) => (d === -1 ? n : n * d), 1)
  return dims.map(d => (d === -1 ? x!.data.length / known : d))
}

const squeezed = (node: Node, [x, axes]: Inputs): number[] => {
  const gone = numbers(axes) ?? attrInts(node, 'axes')
  const rank = x!.shape.length
  return x!.shape.filter((d, i) => (gone ? !gone.some(a => (a + rank) % rank === i) : d !== 1))
}

/** Each element of the output is one of the input, or `fill` where its position is -1. */
const moving = (
  type: string,
  move: (node: Node, inputs: Inputs) => { shape: number[]; from: Int32Array; fill: number },
  refuses?: GradDef['refuses'],
): GradDef => ({
  type,
  ...(refuses && { refuses }),
  forward(node, inputs) {
    const { shape, from, fill } = move(node, inputs)
    const x = floatsOf(inputs[0]!)
    return floats(
      shape,
      Float32Array.from(from, i => (i < 0 ? fill : x[i])),
    )
  },
  backward(node, { inputs }, dy) {
    const { from } = move(node, inputs)
    const dx = new Float32Array(inputs[0]!.data.length)
    for (let i = 0; i < dy.length; i++) if (from[i] >= 0) dx[from[i]] += dy[i]
    return [dx]
  },
})

/** Positions in `shape` of each element of an output of shape `out`, by the index along each axis of the output; -1 outside. */
function gathered(
  shape: readonly number[],
  out: readonly number[],
  place: (index: readonly number[]) => readonly number[],
): Int32Array {
  const index = out.map(() => 0)
  return Int32Array.from({ length: count(out) }, () => {
    let at = 0
    for (const [axis, i] of place(index).entries()) {
      if (i < 0 || i >= shape[axis]) at = -1
      if (at >= 0) at = at * shape[axis] + i
    }
    for (let axis = out.length - 1; axis >= 0 && ++index[axis] === out[axis]; axis--) index[axis] = 0
    return at
  })
}

const transpose = moving('Transpose', (node, [x]) => {
  const perm = attrInts(node, 'perm') ?? x!.shape.map((_, i) => i).reverse()
  const shape = perm.map(p => x!.shape[p])
  const inverse = perm.map((_, axis) => perm.indexOf(axis))
  return { shape, from: gathered(x!.shape, shape, index => inverse.map(i => index[i])), fill: 0 }
})

const slice = moving('Slice', (node, [x, starts, ends, axesGiven, stepsGiven]) => {
  const from = numbers(starts) ?? attrInts(node, 'starts')!
  const to = numbers(ends) ?? attrInts(node, 'ends')!
  const rank = x!.shape.length
  const axes = (numbers(axesGiven) ?? attrInts(node, 'axes') ?? from.map((_, i) => i)).map(a => (a + rank) % rank)
  const steps = numbers(stepsGiven) ?? axes.map(() => 1)
  const first = x!.shape.map(() => 0)
  const step = x!.shape.map(() => 1)
  const shape = [...x!.shape]
  for (const [k, axis] of axes.entries()) {
    const size = x!.shape[axis]
    const low = steps[k] < 0 ? -1 : 0
    const bound = (i: number): number => Math.min(size + (steps[k] < 0 ? -1 : 0), Math.max(low, i < 0 ? i + size : i))
    first[axis] = bound(from[k])
    step[axis] = steps[k]
    shape[axis] = Math.max(0, Math.ceil((bound(to[k]) - first[axis]) / steps[k]))
  }
  return { shape, from: gathered(x!.shape, shape, index => index.map((i, a) => first[a] + i * step[a])), fill: 0 }
})

const pad = moving(
  'Pad',
  (node, [x, given, value, axesGiven]) => {
    const rank = x!.shape.length
    const pads = numbers(given) ?? attrInts(node, 'pads')!
    const axes = numbers(axesGiven)?.map(a => (a + rank) % rank) ?? x!.shape.map((_, i) => i)
    const at = (axis: number, side: number): number =>
      axes.includes(axis) ? pads[side * axes.length + axes.indexOf(axis)] : 0
    const before = x!.shape.map((_, axis) => at(axis, 0))
    const shape = x!.shape.map((d, axis) => d + before[axis] + at(axis, 1))
    const fill = value ? Number(value.data[0]) : 0
    return { shape, from: gathered(x!.shape, shape, index => index.map((i, a) => i - before[a])), fill }
  },
  node => (attrString(node, 'mode', 'constant') === 'constant' ? null : 'it pads with other values than a constant'),
)

const concat: GradDef = {
  type: 'Concat',
  forward(node, inputs) {
    const { shape, runs } = concatenated(node, inputs)
    const y = new Float32Array(count(shape))
    for (const { input, from, to, length } of runs) y.set(floatsOf(inputs[input]!).subarray(from, from + length), to)
    return floats(shape, y)
  },
  backward(node, { inputs }, dy, wanted) {
    const gradients = inputs.map((x, k) => (wanted[k] ? new Float32Array(x!.data.length) : null))
    for (const { input, from, to, length } of concatenated(node, inputs).runs)
      gradients[input]?.set(dy.subarray(to, to + length), from)
    return gradients
  },
}

/** The output's shape, and the stretches of the inputs that follow each other in it. */
function concatenated(node: Node, inputs: Inputs) {
  const first = inputs[0]!.shape
  const axis = (attrInt(node, 'axis', 0) + first.length) % first.length
  const shape = first.map((d, i) => (i === axis ? inputs.reduce((n, x) => n + x!.shape[axis], 0) : d))
  const runs: { input: number; from: number; to: number; length: number }[] = []
  const outer = count(first.slice(0, axis))
  for (let o = 0, to = 0; o < outer; o++)
    for (const [input, x] of inputs.entries()) {
      const length = count(x!.shape.slice(axis))
      runs.push({ input, from: o * length, to, length })
      to += length
    }
  return { shape, runs }
}

export const layoutGrads: readonly GradDef[] = [
  reshaping(['Identity', 'Dropout'], (_, [x]) => [...x!.shape]),
  reshaping('Flatten', flattened),
  reshaping('Reshape', reshaped),
  reshaping('Squeeze', squeezed),
  transpose,
  slice,
  pad,
  concat,
]
