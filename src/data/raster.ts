// Pictures while they are resized: 8-bit samples, and what scales them.
import type { ResizeSpec } from './input-spec.ts'

/** 8-bit samples, row by row, channels interleaved. */
export interface Raster {
  readonly width: number
  readonly height: number
  readonly channels: number
  readonly data: Uint8Array
}

/** Scales a raster to a width and height. */
export type Resample = (from: Raster, width: number, height: number, filter: ResizeSpec['filter']) => Raster

/** The pixels at the given columns and rows. */
export function pick(from: Raster, columns: Int32Array, rows: Int32Array): Raster {
  const { channels, data } = from
  const out = new Uint8Array(columns.length * rows.length * channels)
  let to = 0
  for (const y of rows) {
    for (const x of columns) {
      const at = (y * from.width + x) * channels
      for (let c = 0; c < channels; c++) out[to++] = data[at + c]
    }
  }
  return { width: columns.length, height: rows.length, channels, data: out }
}
