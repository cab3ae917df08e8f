// What a project is known by at a glance: its first sample in a small square, or the profile of its network.
import { fit } from '../src/data/resize.ts'
import type { Cost } from '../src/stages/inspect/cost.ts'
import type { Picture } from './api.ts'

const side = 80 // twice what is shown, for fine screens

/** The middle square of a picture. */
export function small({ width, height, rgba }: Picture): Picture {
  const { picture } = fit(
    { width, height, channels: 4, data: new Uint8Array(rgba.buffer, rgba.byteOffset, rgba.byteLength) },
    { fit: 'cover', size: [side, side], filter: 'bilinear', like: 'pil' },
  )
  return { width: side, height: side, rgba: new Uint8ClampedArray(picture.data) }
}

const most = 16 // bars

/** The multiply-accumulates of neighbouring layers together, as shares of the largest, roots of them so that small ones are seen. */
export function profile({ nodes }: Cost): number[] {
  const busy = nodes.filter(({ macs, weightBytes }) => macs > 0 || weightBytes > 0)
  const count = Math.min(most, busy.length)
  const sums = Array.from({ length: count }, (_, k) => {
    const [from, to] = [Math.floor((k * busy.length) / count), Math.floor(((k + 1) * busy.length) / count)]
    return busy.slice(from, to).reduce((sum, { macs, weightBytes }) => sum + macs + weightBytes, 0)
  })
  const largest = Math.max(1, ...sums)
  return sums.map(sum => Math.sqrt(sum / largest))
}
