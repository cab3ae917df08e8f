// Operators that move elements or give them another shape: a gradient goes back the way that its element came.
import { dtypeOfOnnx } from '../../base/dtype.ts'
import { attrInt, attrInts, attrString, type Node } from '../../ir/model.ts'
import { floats, type NdArray } from '../../ir/tensor.ts'
import { positions } from './broadcast.ts'
import { along, axisIn, count, floatsOf, type GradDef, type Inputs, numbersOf, single } from './types.ts'

/** The elements of the input in their order, in another shape. */
const reshaping = (
  type: string | readonly string[],
  shape: (node: Node, inputs: Inputs) => number[],
  refuses?: GradDef['refuses'],
): GradDef =>
  single({
    type,
    ...(refuses && { refuses }),
    forward: (node, inputs) => floats(shape(node, inputs), floatsOf(inputs[0]!)),
    backward: (_, __, dy) => [dy],
  })

const flattened = (node: Node, [x]: Inputs): number[] => {
  const at = axisIn(attrInt(node, 'axis', 1), x!.shape)
  return [count(x!.shape.slice(0, at)), count(x!.shape.slice(at))]
}

const reshaped = (node: Node, [x, wanted]: Inputs): number[] => {
  const keepsZero = attrInt(node, 'allowzero', 0) !== 0
  const dims = numbersOf(wanted)!.map((d, i) => (d === 0 && !keepsZero ? x!.shape[i] : d))
  const known = dims.reduce((n, d) => (d === -1 ? n : n * d), 1)
  return dims.map(d => (d === -1 ? x!.data.length / known : d))
}

const squeezed = (node: Node, [x, axes]: Inputs): number[] => {
  const gone = numbersOf(axes) ?? attrInts(node, 'axes')
  return x!.shape.filter((d, i) => (gone ? !gone.some(a => axisIn(a, x!.shape) === i) : d !== 1))
}

const unsqueezed = (node: Node, [x, axes]: Inputs): number[] => {
  const added = numbersOf(axes) ?? attrInts(node, 'axes')!
  const rank = x!.shape.length + added.length
  const ones = new Set(added.map(a => (a < 0 ? a + rank : a)))
  const rest = [...x!.shape]
  return Array.from({ length: rank }, (_, i) => (ones.has(i) ? 1 : rest.shift()!))
}

interface Move {
  shape: number[]
  /** Of each element of the output, the position of the one that it is; -1: `fill`. */
  from: Int32Array | Uint32Array
  fill: number
}

/** Each element of the output is one of the input, or `fill`. */
function moving(type: string, move: (node: Node, inputs: Inputs) => Move, refuses?: GradDef['refuses']): GradDef {
  // Where elements came from is what they go back by.
  const done = new WeakMap<NdArray, Move['from']>()
  return single({
    type,
    ...(refuses && { refuses }),
    forward(node, inputs) {
      const { shape, from, fill } = move(node, inputs)
      const x = floatsOf(inputs[0]!)
      const y = new Float32Array(from.length)
      for (let i = 0; i < y.length; i++) y[i] = from[i] < 0 ? fill : x[from[i]]
      const output = floats(shape, y)
      done.set(output, from)
      return output
    },
    backward(node, { inputs, output }, dy) {
      const from = done.get(output) ?? move(node, inputs).from
      const sums = new Float64Array(inputs[0]!.data.length)
      for (let i = 0; i < dy.length; i++) if (from[i] >= 0) sums[from[i]] += dy[i]
      return [new Float32Array(sums)]
    },
  })
}

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

/** The same, and much faster, where an axis of the input goes by one of the output alone: by `reads[axis]`, of which `i` lies at `place(i, axis)`. */
function alongAxes(
  shape: readonly number[],
  out: readonly number[],
  place: (i: number, axis: number) => number,
  reads: readonly number[] = shape.map((_, axis) => axis),
): Int32Array {
  const offsets = out.map(length => new Int32Array(length))
  let stride = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const offset = offsets[reads[axis]]
    for (let i = 0; i < offset.length; i++) {
      const at = place(i, axis)
      offset[i] = at >= 0 && at < shape[axis] ? at * stride : -1
    }
    stride *= shape[axis]
  }
  return offsets.reduce((starts, offset) => {
    const next = new Int32Array(starts.length * offset.length)
    for (let s = 0, at = 0; s < starts.length; s++, at += offset.length) {
      const start = starts[s]
      if (start < 0) next.fill(-1, at, at + offset.length)
      else for (let i = 0; i < offset.length; i++) next[at + i] = offset[i] < 0 ? -1 : start + offset[i]
    }
    return next
  }, Int32Array.of(0))
}

const transpose = moving('Transpose', (node, [x]) => {
  const perm = attrInts(node, 'perm') ?? x!.shape.map((_, i) => i).reverse()
  const shape = perm.map(p => x!.shape[p])
  const inverse = perm.map((_, axis) => perm.indexOf(axis))
  return { shape, from: alongAxes(x!.shape, shape, i => i, inverse), fill: 0 }
})

const slice = moving('Slice', (node, [x, starts, ends, axesGiven, stepsGiven]) => {
  const from = numbersOf(starts) ?? attrInts(node, 'starts')!
  const to = numbersOf(ends) ?? attrInts(node, 'ends')!
  const rank = x!.shape.length
  const axes = (numbersOf(axesGiven) ?? attrInts(node, 'axes') ?? from.map((_, i) => i)).map(a => (a + rank) % rank)
  const steps = numbersOf(stepsGiven) ?? axes.map(() => 1)
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
  return { shape, from: alongAxes(x!.shape, shape, (i, a) => first[a] + i * step[a]), fill: 0 }
})

/** Index along an axis of what lies at `i`, which may be outside; -1 where it is a constant. */
const borders: Readonly<Record<string, (i: number, size: number) => number>> = {
  constant: i => i,
  edge: (i, size) => Math.min(size - 1, Math.max(0, i)),
  reflect: (i, size) => (i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i),
}

const pad = moving(
  'Pad',
  (node, [x, given, value, axesGiven]) => {
    const pads = numbersOf(given) ?? attrInts(node, 'pads')!
    const axes = numbersOf(axesGiven)?.map(a => axisIn(a, x!.shape)) ?? x!.shape.map((_, i) => i)
    const at = (axis: number, side: number): number =>
      axes.includes(axis) ? pads[side * axes.length + axes.indexOf(axis)] : 0
    const before = x!.shape.map((_, axis) => at(axis, 0))
    const shape = x!.shape.map((d, axis) => d + before[axis] + at(axis, 1))
    const fill = value && value.data.length > 0 ? Number(value.data[0]) : 0
    const border = borders[attrString(node, 'mode', 'constant')]
    return { shape, from: alongAxes(x!.shape, shape, (i, a) => border(i - before[a], x!.shape[a])), fill }
  },
  node => {
    const mode = attrString(node, 'mode', 'constant')
    return mode in borders ? null : `it pads by ${mode}`
  },
)

const expand = moving('Expand', (_, [x, given]) => {
  const wanted = numbersOf(given)!
  const rank = Math.max(wanted.length, x!.shape.length)
  const dim = (dims: readonly number[], i: number): number => dims[i - rank + dims.length] ?? 1
  const shape = Array.from({ length: rank }, (_, i) => Math.max(dim(wanted, i), dim(x!.shape, i)))
  return { shape, from: positions(x!.shape, shape) ?? alongAxes(shape, shape, i => i), fill: 0 }
})

const tile = moving('Tile', (_, [x, repeats]) => {
  const times = numbersOf(repeats)!
  const shape = x!.shape.map((d, axis) => d * times[axis])
  return { shape, from: alongAxes(x!.shape, shape, (i, a) => i % x!.shape[a]), fill: 0 }
})

const gather = moving('Gather', (node, [x, indices]) => {
  const axis = axisIn(attrInt(node, 'axis', 0), x!.shape)
  const { outer, length, inner } = along(x!.shape, axis)
  const picked = numbersOf(indices)!.map(i => (i < 0 ? i + length : i))
  const shape = [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)]
  const from = new Uint32Array(count(shape))
  let at = 0
  for (let o = 0; o < outer; o++)
    for (const p of picked) for (let i = 0; i < inner; i++) from[at++] = (o * length + p) * inner + i
  return { shape, from, fill: 0 }
})

/** Blocks of b x b pixels to channels and back: where each pixel [c, y, x] of the larger map lies among the channels of the smaller. */
const depthToSpace = moving('DepthToSpace', (node, [x]) => {
  const b = attrInt(node, 'blocksize', 1)
  const [n, c, h, w] = x!.shape
  const channels = c / (b * b)
  const byColumns = attrString(node, 'mode', 'DCR') === 'CRD'
  const shape = [n, channels, h * b, w * b]
  const place = ([s, k, row, column]: readonly number[]): number[] => {
    const within = (row % b) * b + (column % b)
    return [s, byColumns ? k * b * b + within : within * channels + k, Math.floor(row / b), Math.floor(column / b)]
  }
  return { shape, from: gathered(x!.shape, shape, place), fill: 0 }
})

const spaceToDepth = moving('SpaceToDepth', (node, [x]) => {
  const b = attrInt(node, 'blocksize', 1)
  const [n, c, h, w] = x!.shape
  const shape = [n, c * b * b, h / b, w / b]
  const place = ([s, k, row, column]: readonly number[]): number[] => {
    const within = Math.floor(k / c)
    return [s, k % c, row * b + Math.floor(within / b), column * b + (within % b)]
  }
  return { shape, from: gathered(x!.shape, shape, place), fill: 0 }
})

/** Stretches that follow each other: the parts of a Split, in the order of its outputs. */
const split: GradDef = {
  type: 'Split',
  forward(node, inputs) {
    const x = floatsOf(inputs[0]!)
    const parts = partsOf(node, inputs).map(({ shape }) => floats(shape, new Float32Array(count(shape))))
    eachRun(node, inputs, (part, from, to, length) => {
      floatsOf(parts[part]).set(x.subarray(from, from + length), to)
    })
    return parts
  },
  backward(node, { inputs }, dys) {
    const dx = new Float32Array(inputs[0]!.data.length)
    eachRun(node, inputs, (part, from, to, length) => {
      const dy = dys[part]
      if (dy) dx.set(dy.subarray(to, to + length), from)
    })
    return [dx]
  },
}

function partsOf(node: Node, [x, given]: Inputs): { shape: number[]; size: number }[] {
  const axis = axisIn(attrInt(node, 'axis', 0), x!.shape)
  const length = x!.shape[axis]
  const number = node.outputs.length
  const each = Math.ceil(length / number)
  const sizes = numbersOf(given) ?? node.outputs.map((_, i) => Math.min(each, length - i * each))
  return sizes.map(size => ({ size, shape: x!.shape.map((d, i) => (i === axis ? size : d)) }))
}

function eachRun(
  node: Node,
  inputs: Inputs,
  visit: (part: number, from: number, to: number, length: number) => void,
): void {
  const { shape } = inputs[0]!
  const { outer, inner } = along(shape, axisIn(attrInt(node, 'axis', 0), shape))
  const parts = partsOf(node, inputs)
  for (let o = 0, from = 0; o < outer; o++)
    for (const [part, { size }] of parts.entries()) {
      visit(part, from, o * size * inner, size * inner)
      from += size * inner
    }
}

const concat = single({
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
})

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
  reshaping('Identity', (_, [x]) => [...x!.shape]),
  // As when the model is used: nothing is dropped.
  reshaping(
    'Dropout',
    (_, [x]) => [...x!.shape],
    node => (node.outputs.length > 1 ? 'its mask is an output too' : null),
  ),
  reshaping(
    'Cast',
    (_, [x]) => [...x!.shape],
    node => (dtypeOfOnnx(attrInt(node, 'to', 1)) === 'float32' ? null : 'it leaves float32'),
  ),
  reshaping('Flatten', flattened),
  reshaping('Reshape', reshaped),
  reshaping('Squeeze', squeezed),
  reshaping('Unsqueeze', unsqueezed),
  transpose,
  slice,
  pad,
  expand,
  tile,
  gather,
  depthToSpace,
  spaceToDepth,
  split,
  concat,
]
