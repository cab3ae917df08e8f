// Sums of errors between two arrays, gathered over many batches, and the figures that are read from them.
import { log10, pow } from '../../base/math.ts'
import type { KernelSet } from '../../ir/context.ts'

/** Signal-to-quantisation-noise ratio in dB, 10 log10(sum x^2 / sum (x - y)^2); capped at 200 where there is no error. */
export function sqnrDb(signal: number, noise: number): number {
  if (signal === 0) return noise === 0 ? 200 : -200
  if (noise === 0) return 200
  return Math.min(200, 10 * log10(signal / noise))
}

/** The noise's share of the signal's power: what adds up where errors are independent. */
export const noiseShare = (sqnrDb: number): number => pow(10, -sqnrDb / 10)

/** Running sums of one compared value. */
export class ErrorSums {
  signal = 0
  noise = 0
  dot = 0
  energy = 0 // of the second array
  maxAbs = 0

  add(kernels: KernelSet, reference: Float32Array, other: Float32Array): void {
    const sums = kernels.compare(reference, other)
    this.signal += sums.signal
    this.noise += sums.noise
    this.dot += sums.dot
    this.energy += sums.energy
    if (sums.maxAbs > this.maxAbs) this.maxAbs = sums.maxAbs
  }

  get sqnrDb(): number {
    return sqnrDb(this.signal, this.noise)
  }
  /** Cosine of the angle between the two; 1 where both are zero. */
  get cosine(): number {
    const norm = Math.sqrt(this.signal) * Math.sqrt(this.energy)
    return norm === 0 ? (this.signal === this.energy ? 1 : 0) : this.dot / norm
  }
}
