// Trains the digit recogniser: the same seed, data and epochs give the same weights to the bit, on any machine.
// `core` is what the project lends: createRng, and exp and log that do not depend on the engine.
import { readDigits, side, splitDigits } from './data.mjs'
import { batchOf, createNetwork, crossEntropy, descend } from './network.mjs'

export const recipe = { seed: 1, epochs: 6, batch: 32, rate: 0.08, shift: 2, trainCount: Infinity }

export function trainDigits(core, options = {}, onEpoch = () => {}) {
  const { seed, epochs, batch, rate, shift, trainCount } = { ...recipe, ...options }
  const split = splitDigits(readDigits(), core.createRng(seed, 'digits/split'))
  const network = createNetwork(core.createRng(seed, 'digits/weights'))
  const rng = core.createRng(seed, 'digits/batches')
  const { images, labels } = split.train
  const order = images.map((_, i) => i).slice(0, trainCount)
  const steps = epochs * Math.floor(order.length / batch)
  let step = 0
  for (let epoch = 1; epoch <= epochs; epoch++) {
    for (let i = order.length - 1; i > 0; i--) {
      const j = rng.below(i + 1)
      ;[order[i], order[j]] = [order[j], order[i]]
    }
    let sum = 0
    for (let from = 0; from + batch <= order.length; from += batch, step++) {
      const picks = order.slice(from, from + batch)
      const logits = network.forward(
        batchOf(
          picks.map(i => images[i]),
          side,
          shift,
          rng,
        ),
        true,
      )
      const { loss, grad } = crossEntropy(
        logits,
        picks.map(i => labels[i]),
        core,
      )
      network.backward(grad)
      // Up for a tenth of the way, then down in a straight line.
      descend(network.parameters, rate * Math.min((10 * (step + 1)) / steps, (steps - step) / (0.9 * steps)))
      sum += loss
    }
    onEpoch({ epoch, loss: sum / Math.floor(order.length / batch) })
  }
  return { network, split }
}
