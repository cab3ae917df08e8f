// Trains the digit recogniser: the same seed, data and epochs give the same weights to the bit, on any machine.
import { exp, log } from '../../../src/base/math.ts'
import { createRng } from '../../../src/base/rng.ts'
import { type Digits, readDigits, side, splitDigits } from './data.ts'
import type { Batch, Parameter, Sequence } from './layers.ts'
import { batchOf, createNetwork } from './network.ts'

export const recipe = { seed: 1, epochs: 6, batch: 32, rate: 0.08, shift: 2, trainCount: Number.POSITIVE_INFINITY }

export interface Trained {
  network: Sequence
  split: Record<'evaluation' | 'train' | 'calibration', Digits>
}

export function trainDigits(
  options: Partial<typeof recipe> = {},
  onEpoch: (epoch: number, loss: number) => void = () => {},
): Trained {
  const { seed, epochs, batch, rate, shift, trainCount } = { ...recipe, ...options }
  const split = splitDigits(readDigits(), createRng(seed, 'digits/split'))
  const network = createNetwork(createRng(seed, 'digits/weights'))
  const rng = createRng(seed, 'digits/batches')
  const { images, labels } = split.train
  const order = images.map((_, i) => i).slice(0, trainCount)
  const batches = Math.floor(order.length / batch)
  const steps = epochs * batches
  let step = 0
  for (let epoch = 1; epoch <= epochs; epoch++) {
    for (let i = order.length - 1; i > 0; i--) {
      const j = rng.below(i + 1)
      ;[order[i], order[j]] = [order[j], order[i]]
    }
    let sum = 0
    for (let from = 0; from < batches * batch; from += batch, step++) {
      const picks = order.slice(from, from + batch)
      const x = batchOf(
        picks.map(i => images[i]),
        side,
        shift,
        rng,
      )
      const { loss, grad } = crossEntropy(
        network.forward(x, true),
        picks.map(i => labels[i]),
      )
      network.backward(grad)
      // Up for a tenth of the way, then down in a straight line.
      descend(network.parameters, rate * Math.min((10 * (step + 1)) / steps, (steps - step) / (0.9 * steps)))
      sum += loss
    }
    onEpoch(epoch, sum / batches)
  }
  return { network, split }
}

/** Mean cross-entropy of softmax(logits), and its gradient: (softmax - onehot) / N. */
export function crossEntropy(logits: Batch, labels: readonly number[]): { loss: number; grad: Batch } {
  const classes = logits.shape[3]
  const grad = new Float64Array(logits.data.length)
  let loss = 0
  for (const [i, label] of labels.entries()) {
    const row = logits.data.subarray(i * classes, (i + 1) * classes)
    const top = Math.max(...row)
    const terms = Array.from(row, value => exp(value - top))
    const total = terms.reduce((a, b) => a + b, 0)
    loss -= (row[label] - top - log(total)) / labels.length
    for (let c = 0; c < classes; c++) grad[i * classes + c] = (terms[c] / total - (c === label ? 1 : 0)) / labels.length
  }
  return { loss, grad: { data: grad, shape: logits.shape } }
}

/** One step of stochastic gradient descent with momentum; weight decay on weights only. */
function descend(parameters: readonly Parameter[], rate: number, momentum = 0.9, decay = 5e-4): void {
  for (const p of parameters) {
    for (let i = 0; i < p.data.length; i++) {
      p.velocity[i] = momentum * p.velocity[i] + p.grad[i] + (p.decay ? decay * p.data[i] : 0)
      p.data[i] -= rate * p.velocity[i]
    }
    p.grad.fill(0)
  }
}

/** Share of pictures whose largest logit is the label, in percent. */
export function accuracy(network: Sequence, { images, labels }: Digits): number {
  let right = 0
  for (let from = 0; from < images.length; from += 50) {
    const { data, shape } = network.forward(batchOf(images.slice(from, from + 50), side, 0, null), false)
    for (let i = 0; i < shape[0]; i++) {
      const row = data.subarray(i * shape[3], (i + 1) * shape[3])
      if (row.indexOf(Math.max(...row)) === labels[from + i]) right++
    }
  }
  return (100 * right) / images.length
}
