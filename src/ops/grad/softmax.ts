// Softmax and LogSoftmax along one axis, sums in float64.
import { exp, log } from '../../base/math.ts'
import { attrInt, type Node } from '../../ir/model.ts'
import { floats, type NdArray } from '../../ir/tensor.ts'
import { along, axisIn, floatsOf, type GradDef, single } from './types.ts'

/** Calls `visit` with the positions of each distribution, one after the other in `at`. */
function eachRow(node: Node, { shape }: NdArray, visit: (at: Uint32Array) => void): void {
  const { outer, length, inner } = along(shape, axisIn(attrInt(node, 'axis', -1), shape))
  const at = new Uint32Array(length)
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      for (let k = 0; k < length; k++) at[k] = (o * length + k) * inner + i
      visit(at)
    }
}

const softmax = single({
  type: 'Softmax',
  forward(node, [x]) {
    const source = floatsOf(x!)
    const y = new Float32Array(source.length)
    eachRow(node, x!, at => {
      let largest = Number.NEGATIVE_INFINITY
      for (const i of at) largest = Math.max(largest, source[i])
      let sum = 0
      for (const i of at) sum += y[i] = exp(source[i] - largest)
      for (const i of at) y[i] /= sum
    })
    return floats(x!.shape, y)
  },
  backward(node, { output }, dy) {
    const y = floatsOf(output)
    const dx = new Float32Array(y.length)
    eachRow(node, output, at => {
      let dot = 0
      for (const i of at) dot += dy[i] * y[i]
      for (const i of at) dx[i] = y[i] * (dy[i] - dot)
    })
    return [dx]
  },
})

const logSoftmax = single({
  type: 'LogSoftmax',
  forward(node, [x]) {
    const source = floatsOf(x!)
    const y = new Float32Array(source.length)
    eachRow(node, x!, at => {
      let largest = Number.NEGATIVE_INFINITY
      for (const i of at) largest = Math.max(largest, source[i])
      let sum = 0
      for (const i of at) sum += exp(source[i] - largest)
      const shift = largest + log(sum)
      for (const i of at) y[i] = source[i] - shift
    })
    return floats(x!.shape, y)
  },
  backward(node, { output }, dy) {
    const y = floatsOf(output)
    const dx = new Float32Array(y.length)
    eachRow(node, output, at => {
      let sum = 0
      for (const i of at) sum += dy[i]
      for (const i of at) dx[i] = dy[i] - exp(y[i]) * sum
    })
    return [dx]
  },
})

export const softmaxGrads: readonly GradDef[] = [softmax, logSoftmax]
