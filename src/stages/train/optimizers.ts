// Rules by which values follow their gradients; what they remember is plain data, so that training can stop and go on.
//
// SGD with momentum as PyTorch has it (Sutskever et al. 2013); Adam (Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015,
// algorithm 1); AdamW (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2).
import type { Optimizer } from '../../ir/training.ts'

export const optimizers = ['adamw', 'adam', 'sgd'] as const
export type OptimizerName = (typeof optimizers)[number]

export interface Memory {
  steps: number
  /** Moving averages of gradients, and of their squares where the rule asks for them. */
  mean: Float32Array
  square: Float32Array | null
}

/**
 * Roots of mean squares, of each channel where output channels lie along an axis, else of the whole: channels that a folded normalisation
 * made small have small scales too, and weights behind pixels of 0 to 255 are a hundred times smaller than those behind normalised ones.
 */
export interface Sizes {
  channels: Float32Array
  /** Elements in a row that are of one channel. */
  inner: number
}

export const remembering = (name: OptimizerName, length: number): Memory => ({
  steps: 0,
  mean: new Float32Array(length),
  square: name === 'sgd' ? null : new Float32Array(length),
})

const beta1 = 0.9
const beta2 = 0.999
const epsilon = 1e-8

/**
 * One step on `values`, changed in place with the memory. `decay` draws them towards zero. Adam's steps are in units of their sizes; those of
 * SGD follow the gradient as it is.
 */
export function follow(
  name: OptimizerName,
  memory: Memory,
  values: Float32Array,
  gradients: Float32Array,
  { rate, size, momentum, decay }: { rate: number; size: Sizes; momentum: number; decay: number },
): void {
  const { mean, square } = memory
  memory.steps++
  const coupled = name === 'adamw' ? 0 : decay
  if (!square) {
    for (let i = 0; i < values.length; i++) {
      mean[i] = momentum * mean[i] + gradients[i] + coupled * values[i]
      values[i] -= rate * mean[i]
    }
    return
  }
  // Powers by products, which are the same on every engine.
  let [power1, power2] = [1, 1]
  for (let k = 0; k < memory.steps && (power1 > 0 || power2 > 1e-30); k++) {
    power1 *= beta1
    power2 *= beta2
  }
  const unbias = 1 / (1 - power2)
  const kept = name === 'adamw' ? 1 - rate * decay : 1
  const { channels, inner } = size
  for (let i = 0, run = 0; i < values.length; run++) {
    const step = (rate * channels[run % channels.length]) / (1 - power1)
    for (const end = i + inner; i < end; i++) {
      const g = gradients[i] + coupled * values[i]
      mean[i] = beta1 * mean[i] + (1 - beta1) * g
      square[i] = beta2 * square[i] + (1 - beta2) * g * g
      values[i] = kept * values[i] - (step * mean[i]) / (Math.sqrt(square[i] * unbias) + epsilon)
    }
  }
}

/** Adam as it is lent to repairs. */
export function adam(length: number): Optimizer {
  const memory = remembering('adam', length)
  const size: Sizes = { channels: Float32Array.of(1), inner: length }
  return {
    step: (values, gradients, rate) => follow('adam', memory, values, gradients, { rate, size, momentum: 0, decay: 0 }),
  }
}
