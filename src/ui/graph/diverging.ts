// Blue for less, orange for more, paper between: change that people with colour blindness tell apart.
// Ends and middle of ColorBrewer's PuOr (Harrower, Brewer 2003, The Cartographic Journal 40(1)), linear between them.
import type { Rgb } from './colour.ts'

const ends: readonly [Rgb, Rgb, Rgb] = [
  [33, 102, 172],
  [247, 247, 247],
  [179, 88, 6],
]

/** Colour of a share from -1 to 1. */
export function diverging(share: number): Rgb {
  const at = Math.min(1, Math.max(-1, share))
  const [, middle] = ends
  const end = at < 0 ? ends[0] : ends[2]
  return [0, 1, 2].map(k => Math.round(middle[k] + (end[k] - middle[k]) * Math.abs(at))) as unknown as Rgb
}
