// The same pictures as reference.py makes: slopes with noise from a linear congruential generator.
import type { Raster } from '../../src/data/raster.ts'

export function picture(width: number, height: number, channels: number, seed: number): Raster {
  const data = new Uint8Array(width * height * channels)
  let state = seed
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0
        data[i++] = (x * 3 + y * 5 + c * 40 + (state >>> 26)) % 256
      }
    }
  }
  return { width, height, channels, data }
}

/** A picture as RGBA. */
export function pixelsOf({ width, height, channels, data }: Raster) {
  const rgba = new Uint8Array(width * height * 4).fill(255)
  for (let i = 0; i < width * height; i++)
    for (let c = 0; c < 3; c++) rgba[i * 4 + c] = data[i * channels + (channels === 1 ? 0 : c)]
  return { width, height, rgba }
}
