// Adam: A Method for Stochastic Optimization (Kingma and Ba, 2015), algorithm 1, with its defaults.
import type { Optimizer } from '../../ir/training.ts'

const beta1 = 0.9
const beta2 = 0.999
const epsilon = 1e-8

export function adam(length: number): Optimizer {
  const mean = new Float32Array(length)
  const square = new Float32Array(length)
  let [power1, power2] = [1, 1]
  return {
    step(values, gradients, rate) {
      power1 *= beta1
      power2 *= beta2
      const unbias = 1 / (1 - power2)
      const step = rate / (1 - power1)
      for (let i = 0; i < length; i++) {
        const g = gradients[i]
        mean[i] = beta1 * mean[i] + (1 - beta1) * g
        square[i] = beta2 * square[i] + (1 - beta2) * g * g
        values[i] -= (step * mean[i]) / (Math.sqrt(square[i] * unbias) + epsilon)
      }
    },
  }
}
