// MaxPool, AveragePool and GlobalAveragePool over one or two axes.
import { attrInt, attrInts, type Node } from '../../ir/model.ts'
import { floats } from '../../ir/tensor.ts'
import { placed } from './conv.ts'
import { count, floatsOf, type GradDef } from './types.ts'

type Window = ReturnType<typeof placed>

const windowFor = (node: Node, shape: readonly number[]): Window =>
  placed(node, shape.slice(2), attrInts(node, 'kernel_shape')!)

/** Calls `visit` with each place of each map, the elements of x under the window there, and how many it has with padding. */
function eachPlace(
  { size: [h, w], out, kernel, strides, dilations, pads }: Window,
  maps: number,
  visit: (at: number, under: Uint32Array, elements: number) => void,
): void {
  const under = new Uint32Array(kernel[0] * kernel[1])
  let at = 0
  for (let map = 0; map < maps; map++)
    for (let oy = 0; oy < out[0]; oy++)
      for (let ox = 0; ox < out[1]; ox++) {
        let n = 0
        for (let i = 0; i < kernel[0]; i++) {
          const y = oy * strides[0] - pads[0] + i * dilations[0]
          if (y < 0 || y >= h) continue
          for (let j = 0; j < kernel[1]; j++) {
            const x = ox * strides[1] - pads[1] + j * dilations[1]
            if (x >= 0 && x < w) under[n++] = (map * h + y) * w + x
          }
        }
        visit(at++, under.subarray(0, n), under.length)
      }
}

const outShape = (shape: readonly number[], { out }: Window): number[] => [
  shape[0],
  shape[1],
  ...(shape.length === 3 ? [out[1]] : out),
]

const refuses = (node: Node): string | null =>
  attrInt(node, 'ceil_mode', 0) !== 0 ? 'its places are rounded up' : null

const largest = (x: Float32Array, under: Uint32Array): number => {
  let best = under[0]
  for (const i of under) if (x[i] > x[best]) best = i
  return best
}

const maxPool: GradDef = {
  type: 'MaxPool',
  refuses,
  forward(node, [x]) {
    const window = windowFor(node, x!.shape)
    const shape = outShape(x!.shape, window)
    const source = floatsOf(x!)
    const y = new Float32Array(count(shape))
    eachPlace(window, shape[0] * shape[1], (at, under) => {
      y[at] = source[largest(source, under)]
    })
    return floats(shape, y)
  },
  backward(node, { inputs: [x], output }, dy) {
    const source = floatsOf(x!)
    const dx = new Float32Array(source.length)
    eachPlace(windowFor(node, x!.shape), output.shape[0] * output.shape[1], (at, under) => {
      dx[largest(source, under)] += dy[at]
    })
    return [dx]
  },
}

const withPadding = (node: Node): boolean => attrInt(node, 'count_include_pad', 0) !== 0

const averagePool: GradDef = {
  type: 'AveragePool',
  refuses,
  forward(node, [x]) {
    const window = windowFor(node, x!.shape)
    const shape = outShape(x!.shape, window)
    const source = floatsOf(x!)
    const y = new Float32Array(count(shape))
    eachPlace(window, shape[0] * shape[1], (at, under, elements) => {
      let sum = 0
      for (const i of under) sum += source[i]
      y[at] = sum / (withPadding(node) ? elements : under.length)
    })
    return floats(shape, y)
  },
  backward(node, { inputs: [x], output }, dy) {
    const dx = new Float32Array(x!.data.length)
    eachPlace(windowFor(node, x!.shape), output.shape[0] * output.shape[1], (at, under, elements) => {
      const share = dy[at] / (withPadding(node) ? elements : under.length)
      for (const i of under) dx[i] += share
    })
    return [dx]
  },
}

const globalAveragePool: GradDef = {
  type: 'GlobalAveragePool',
  forward(_, [x]) {
    const { shape } = x!
    const inner = count(shape.slice(2))
    const source = floatsOf(x!)
    const y = Float32Array.from({ length: shape[0] * shape[1] }, (_, map) => {
      let sum = 0
      for (let i = map * inner; i < (map + 1) * inner; i++) sum += source[i]
      return sum / inner
    })
    return floats([shape[0], shape[1], ...shape.slice(2).map(() => 1)], y)
  },
  backward(_, { inputs: [x] }, dy) {
    const inner = count(x!.shape.slice(2))
    const dx = new Float32Array(x!.data.length)
    for (let map = 0; map < dy.length; map++) dx.fill(dy[map] / inner, map * inner, (map + 1) * inner)
    return [dx]
  },
}

export const poolGrads: readonly GradDef[] = [maxPool, averagePool, globalAveragePool]
