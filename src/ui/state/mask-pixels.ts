// Masks as pixels: each class in its colour over the picture, and where two masks differ.
import type { Mask } from '../../ir/labels.ts'
import type { Rgb } from '../graph/colour.ts'
import type { Pixels } from './map-pixels.ts'

// Okabe and Ito's eight colours, which people with colour blindness tell apart; more classes take turns with them.
export const colours: readonly Rgb[] = [
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [240, 228, 66],
  [0, 114, 178],
  [213, 94, 0],
  [204, 121, 167],
  [120, 120, 120],
]

/** The first class is the background, and stays as the picture is. */
export const colourOf = (id: number): Rgb | null => (id === 0 || id === 255 ? null : colours[(id - 1) % colours.length])

const shares = { over: 0.6, under: 0.4 }

function over(picture: Pixels, colourAt: (x: number, y: number) => Rgb | null, dim: number): Pixels {
  const { width, height, rgba } = picture
  const pixels = new Uint8ClampedArray(rgba.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 4
      const colour = colourAt((x + 0.5) / width, (y + 0.5) / height)
      const grey = (rgba[at] + rgba[at + 1] + rgba[at + 2]) / 3
      for (let c = 0; c < 3; c++) {
        const own = rgba[at + c] + (grey - rgba[at + c]) * dim
        pixels[at + c] = colour ? colour[c] * shares.over + own * shares.under : own
      }
      pixels[at + 3] = 255
    }
  return { width, height, rgba: pixels }
}

const classAt = ({ width, height, classes }: Mask, x: number, y: number): number =>
  classes[Math.floor(y * height) * width + Math.floor(x * width)]

export const masked = (picture: Pixels, mask: Mask): Pixels => over(picture, (x, y) => colourOf(classAt(mask, x, y)), 0)

/** The picture in grey, what differs in the colour of errors. */
export const differing = (picture: Pixels, before: Mask, after: Mask): Pixels =>
  over(picture, (x, y) => (classAt(before, x, y) === classAt(after, x, y) ? null : [213, 40, 20]), 1)

/** The classes of masks, by the room that they take in the first, background and unlabelled left out. */
export function classesIn(masks: readonly Mask[]): number[] {
  const counts = new Map<number, number>()
  for (const { classes } of masks) for (const id of classes) if (colourOf(id)) counts.set(id, (counts.get(id) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1]).map(([id]) => id)
}
