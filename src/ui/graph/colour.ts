// Cividis: a perceptual map from blue to yellow that people with colour blindness read as well as others.
// Nine stops of the published table (Nuñez, Anderton, Renslow 2018, PLOS ONE 13(7)), linear between them.

export type Rgb = readonly [number, number, number]

const stops: readonly Rgb[] = [
  [0, 34, 78],
  [26, 56, 111],
  [63, 77, 107],
  [92, 98, 110],
  [124, 123, 120],
  [155, 149, 119],
  [187, 175, 109],
  [221, 203, 92],
  [254, 232, 56],
]

/** Colour of a share from 0 to 1; outside it stays at the ends. */
export function cividis(share: number): Rgb {
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1)
  const low = Math.min(stops.length - 2, Math.floor(at))
  const part = at - low
  return [0, 1, 2].map(k => Math.round(stops[low][k] + (stops[low + 1][k] - stops[low][k]) * part)) as unknown as Rgb
}

/** The scale of a signal-to-noise ratio: 0 dB (noise as strong as the signal) to 50 dB (an 8-bit value's own best). */
export const sqnrRange = { low: 0, high: 50 } as const
export const sqnrColour = (db: number): Rgb => cividis((db - sqnrRange.low) / (sqnrRange.high - sqnrRange.low))

export const css = ([r, g, b]: Rgb): string => `rgb(${r} ${g} ${b})`

function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map(v => {
    const c = v / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

/** Contrast ratio as WCAG defines it. */
export function contrast(a: Rgb, b: Rgb): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x)
  return (high + 0.05) / (low + 0.05)
}

const black: Rgb = [0, 0, 0]
const white: Rgb = [255, 255, 255]
/** Black or white, whichever reads better on the colour. */
export const inkOn = (colour: Rgb): Rgb => (contrast(colour, black) >= contrast(colour, white) ? black : white)
