// The digit recogniser: a stem, a strided convolution, a residual block, a depthwise-separable step, one more convolution,
// average pooling and a dense layer. Small, yet with every pattern that makes quantisation of real networks interesting.
import { batchNorm, conv, dense, depthwise, globalAveragePool, relu, residual, sequence } from './layers.mjs'

export const mean = 0.1307 // of MNIST's training pixels / 255, as usually stated
export const std = 0.3081

/** Layers under one name; names become the names of the ONNX nodes. */
const named = (name, ...layers) => layers.map(layer => ({ ...layer, name }))
const convUnit = (name, kernel, inputs, outputs, stride, rng) =>
  named(name, conv(kernel, inputs, outputs, stride, rng), batchNorm(outputs), relu())

export function createNetwork(rng) {
  return sequence(
    ...convUnit('stem', 3, 1, 8, 1, rng),
    ...convUnit('halve', 3, 8, 16, 2, rng),
    ...named(
      'block',
      residual(
        sequence(...convUnit('first', 3, 16, 16, 1, rng), ...named('second', conv(3, 16, 16, 1, rng), batchNorm(16))),
      ),
      relu(),
    ),
    ...named('spread', depthwise(16, 2, rng), batchNorm(16), relu()),
    ...convUnit('mix', 1, 16, 32, 1, rng),
    ...convUnit('look', 3, 32, 48, 1, rng),
    ...named('pool', globalAveragePool()),
    ...named('classify', dense(48, 10, rng)),
  )
}

/** Pictures as the network takes them, each moved by up to `shift` pixels; outside a picture is black. */
export function batchOf(images, side, shift, rng) {
  const data = new Float64Array(images.length * side * side)
  images.forEach((image, i) => {
    const dx = shift ? rng.below(2 * shift + 1) - shift : 0
    const dy = shift ? rng.below(2 * shift + 1) - shift : 0
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        const inside = y + dy >= 0 && y + dy < side && x + dx >= 0 && x + dx < side
        const pixel = inside ? image[(y + dy) * side + x + dx] : 0
        data[(i * side + y) * side + x] = (pixel / 255 - mean) / std
      }
  })
  return { data, shape: [images.length, side, side, 1] }
}

/** Mean cross-entropy of softmax(logits), and its gradient: (softmax - onehot) / N. */
export function crossEntropy(logits, labels, { exp, log }) {
  const classes = logits.shape[3]
  const grad = new Float64Array(logits.data.length)
  let loss = 0
  labels.forEach((label, i) => {
    const row = logits.data.subarray(i * classes, (i + 1) * classes)
    const top = Math.max(...row)
    const terms = Array.from(row, value => exp(value - top))
    const total = terms.reduce((a, b) => a + b, 0)
    loss -= (row[label] - top - log(total)) / labels.length
    for (let c = 0; c < classes; c++) grad[i * classes + c] = (terms[c] / total - (c === label ? 1 : 0)) / labels.length
  })
  return { loss, grad: { data: grad, shape: logits.shape } }
}

/** Stochastic gradient descent with momentum; weight decay on weights only. */
export function descend(parameters, rate, { momentum = 0.9, decay = 5e-4 } = {}) {
  for (const p of parameters) {
    for (let i = 0; i < p.data.length; i++) {
      p.velocity[i] = momentum * p.velocity[i] + p.grad[i] + (p.decay ? decay * p.data[i] : 0)
      p.data[i] -= rate * p.velocity[i]
    }
    p.grad.fill(0)
  }
}

/** Share of pictures whose largest logit is the label, in percent. */
export function accuracy(network, { images, labels }, side) {
  let right = 0
  for (let from = 0; from < images.length; from += 50) {
    const { data, shape } = network.forward(batchOf(images.slice(from, from + 50), side, 0), false)
    for (let i = 0; i < shape[0]; i++) {
      const row = data.subarray(i * shape[3], (i + 1) * shape[3])
      if (row.indexOf(Math.max(...row)) === labels[from + i]) right++
    }
  }
  return (100 * right) / images.length
}
