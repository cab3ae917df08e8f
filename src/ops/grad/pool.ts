// Pools over one or two axes, and over whole maps.
import { attrInt, attrInts, type Node } from '../../ir/model.ts'
import { floats } from '../../ir/tensor.ts'
import { windowOf } from '../conv.ts'
import { asTwo, placed } from './conv.ts'
import { count, floatsOf, type GradDef, single } from './types.ts'

type Window = ReturnType<typeof placed> & { after: [number, number] }

/** Where places are rounded up, the last may reach beyond the padding, but none starts there. */
function windowFor(node: Node, shape: readonly number[]): Window {
  const size = shape.slice(2)
  const kernel = attrInts(node, 'kernel_shape')!
  const window = placed(node, size, kernel)
  const { pads, autoPad } = windowOf(node, size.length)
  const ends = autoPad.startsWith('SAME') || autoPad === 'VALID' ? size.map(() => 0) : pads.slice(size.length)
  const after = asTwo(ends, 0)
  if (attrInt(node, 'ceil_mode', 0) === 0 || autoPad !== 'NOTSET') return { ...window, after }
  const out = [0, 1].map(i => {
    const { size, kernel, strides, dilations, pads } = window
    const room = size[i] + pads[i] + after[i] - (kernel[i] - 1) * dilations[i] - 1
    const places = Math.ceil(room / strides[i]) + 1
    return (places - 1) * strides[i] >= size[i] + pads[i] ? places - 1 : places
  })
  return { ...window, out: [out[0], out[1]], after }
}

/**
 * Calls `visit` with each place of each map: the first `n` of `under` are the elements of x under the window there, which has `elements`
 * with padding.
 */
function eachPlace(
  { size: [h, w], out, kernel, strides, dilations, pads, after }: Window,
  maps: number,
  visit: (at: number, under: Uint32Array, n: number, elements: number) => void,
): void {
  const under = new Uint32Array(kernel[0] * kernel[1])
  let at = 0
  for (let map = 0; map < maps; map++)
    for (let oy = 0; oy < out[0]; oy++)
      for (let ox = 0; ox < out[1]; ox++) {
        let [n, padded] = [0, 0]
        for (let i = 0; i < kernel[0]; i++) {
          const y = oy * strides[0] - pads[0] + i * dilations[0]
          if (y >= h + after[0]) continue
          for (let j = 0; j < kernel[1]; j++) {
            const x = ox * strides[1] - pads[1] + j * dilations[1]
            if (x >= w + after[1]) continue
            padded++
            if (y >= 0 && y < h && x >= 0 && x < w) under[n++] = (map * h + y) * w + x
          }
        }
        visit(at++, under, n, padded)
      }
}

const outShape = (shape: readonly number[], { out }: Window): number[] => [
  shape[0],
  shape[1],
  ...(shape.length === 3 ? [out[1]] : out),
]

const hasIndices = (node: Node): string | null => (node.outputs.length > 1 ? 'its indices are an output too' : null)

const largest = (x: Float32Array, under: Uint32Array, n: number): number => {
  let best = under[0]
  for (let k = 1; k < n; k++) if (x[under[k]] > x[best]) best = under[k]
  return best
}

const maxPool = single({
  type: 'MaxPool',
  refuses: hasIndices,
  forward(node, [x]) {
    const window = windowFor(node, x!.shape)
    const shape = outShape(x!.shape, window)
    const source = floatsOf(x!)
    const y = new Float32Array(count(shape))
    eachPlace(window, shape[0] * shape[1], (at, under, n) => {
      y[at] = source[largest(source, under, n)]
    })
    return floats(shape, y)
  },
  backward(node, { inputs: [x], output }, dy) {
    const source = floatsOf(x!)
    const dx = new Float32Array(source.length)
    eachPlace(windowFor(node, x!.shape), output.shape[0] * output.shape[1], (at, under, n) => {
      dx[largest(source, under, n)] += dy[at]
    })
    return [dx]
  },
})

const withPadding = (node: Node): boolean => attrInt(node, 'count_include_pad', 0) !== 0

const averagePool = single({
  type: 'AveragePool',
  forward(node, [x]) {
    const window = windowFor(node, x!.shape)
    const shape = outShape(x!.shape, window)
    const source = floatsOf(x!)
    if (isWhole(window)) return floats(shape, means(source, shape[0] * shape[1]))
    const y = new Float32Array(count(shape))
    const padded = withPadding(node)
    eachPlace(window, shape[0] * shape[1], (at, under, n, elements) => {
      let sum = 0
      for (let k = 0; k < n; k++) sum += source[under[k]]
      y[at] = sum / (padded ? elements : n)
    })
    return floats(shape, y)
  },
  backward(node, { inputs: [x], output }, dy) {
    const window = windowFor(node, x!.shape)
    if (isWhole(window)) return [shares(dy, x!.data.length)]
    const dx = new Float32Array(x!.data.length)
    const padded = withPadding(node)
    eachPlace(window, output.shape[0] * output.shape[1], (at, under, n, elements) => {
      const share = dy[at] / (padded ? elements : n)
      for (let k = 0; k < n; k++) dx[under[k]] += share
    })
    return [dx]
  },
})

const globalAveragePool = single({
  type: 'GlobalAveragePool',
  forward(_, [x]) {
    const { shape } = x!
    return floats([shape[0], shape[1], ...shape.slice(2).map(() => 1)], means(floatsOf(x!), shape[0] * shape[1]))
  },
  backward: (_, { inputs: [x] }, dy) => [shares(dy, x!.data.length)],
})

/** Whether a window lies once in a map, and covers all of it. */
const isWhole = ({ size, kernel, out, pads, after, dilations }: Window): boolean =>
  [0, 1].every(
    i =>
      kernel[i] === size[i] && out[i] === 1 && pads[i] === 0 && after[i] === 0 && (dilations[i] === 1 || size[i] === 1),
  )

/** The mean of each map. */
function means(x: Float32Array, maps: number): Float32Array {
  const inner = x.length / maps
  return Float32Array.from({ length: maps }, (_, map) => {
    let sum = 0
    for (let i = map * inner; i < (map + 1) * inner; i++) sum += x[i]
    return sum / inner
  })
}

/** Of each map's mean, what comes back to its elements. */
function shares(dy: Float32Array, length: number): Float32Array {
  const inner = length / dy.length
  const dx = new Float32Array(length)
  for (let map = 0; map < dy.length; map++) dx.fill(dy[map] / inner, map * inner, (map + 1) * inner)
  return dx
}

const globalMaxPool = single({
  type: 'GlobalMaxPool',
  forward(_, [x]) {
    const { shape } = x!
    const inner = count(shape.slice(2))
    const source = floatsOf(x!)
    const y = Float32Array.from({ length: shape[0] * shape[1] }, (_, map) => source[largestOf(source, map, inner)])
    return floats([shape[0], shape[1], ...shape.slice(2).map(() => 1)], y)
  },
  backward(_, { inputs: [x] }, dy) {
    const inner = count(x!.shape.slice(2))
    const source = floatsOf(x!)
    const dx = new Float32Array(source.length)
    for (let map = 0; map < dy.length; map++) dx[largestOf(source, map, inner)] = dy[map]
    return [dx]
  },
})

function largestOf(x: Float32Array, map: number, inner: number): number {
  let best = map * inner
  for (let i = best + 1; i < (map + 1) * inner; i++) if (x[i] > x[best]) best = i
  return best
}

export const poolGrads: readonly GradDef[] = [maxPool, averagePool, globalAveragePool, globalMaxPool]
