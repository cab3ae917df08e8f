// Sound as a picture: how strong each frequency is over time, in decibels, the lowest at the foot.
import type { SamplePreview } from './api.ts'

const mostColumns = 240
const [shortestWindow, longestWindow] = [32, 512]
/** Decibels below the loudest that are still told apart. */
const depth = 80

export function spectrogram(values: Float32Array): NonNullable<SamplePreview['map']> {
  const wanted = 2 ** Math.round(Math.log2(values.length / 32))
  const size = Math.min(longestWindow, Math.max(shortestWindow, wanted))
  const columns = Math.max(1, Math.min(mostColumns, Math.floor((2 * (values.length - size)) / size) + 1))
  const hop = columns > 1 ? (values.length - size) / (columns - 1) : 0
  const bands = size / 2
  const picture = new Float32Array(columns * bands)
  for (let column = 0; column < columns; column++) {
    const power = powerOf(values.subarray(Math.round(column * hop), Math.round(column * hop) + size))
    for (let band = 0; band < bands; band++)
      picture[(bands - 1 - band) * columns + column] = 10 * Math.log10(power[band] + 1e-12)
  }
  const floor = picture.reduce((most, db) => Math.max(most, db), Number.NEGATIVE_INFINITY) - depth
  return { width: columns, height: bands, values: picture.map(db => Math.max(db, floor)) }
}

/** The power of each frequency below half the rate, of 2^k values under a Hann window. */
export function powerOf(values: Float32Array): Float64Array {
  const n = values.length
  const real = Float64Array.from(values, (x, i) => x * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / n)))
  const imaginary = new Float64Array(n)
  transform(real, imaginary)
  return Float64Array.from({ length: n / 2 }, (_, k) => real[k] ** 2 + imaginary[k] ** 2)
}

/** In place, for 2^k values (Cooley and Tukey, 1965). */
function transform(real: Float64Array, imaginary: Float64Array): void {
  const n = real.length
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1
    for (; j & bit; bit >>= 1) j ^= bit
    j ^= bit
    // The imaginary parts are still all zero.
    if (i < j) [real[i], real[j]] = [real[j], real[i]]
  }
  for (let half = 1; half < n; half <<= 1)
    for (let k = 0; k < half; k++) {
      const [c, s] = [Math.cos((Math.PI * k) / half), -Math.sin((Math.PI * k) / half)]
      for (let a = k; a < n; a += 2 * half) {
        const b = a + half
        const [re, im] = [real[b] * c - imaginary[b] * s, real[b] * s + imaginary[b] * c]
        real[b] = real[a] - re
        imaginary[b] = imaginary[a] - im
        real[a] += re
        imaginary[a] += im
      }
    }
}
