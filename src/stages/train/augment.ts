// Light changes of images [1, C, H, W] that keep what they show, each a pure function of what it draws. Crop: He et al., "Deep Residual
// Learning", 2016, section 4.2; cut-out: DeVries and Taylor, 2017; mix-up: Zhang et al., 2018; pasting: Yun et al., "CutMix", 2019.
import type { Rng } from '../../base/rng.ts'
import { floats, type NdArray } from '../../ir/tensor.ts'

export const augmentations = [
  { id: 'flip', label: 'Mirrored left to right' },
  { id: 'crop', label: 'Shifted by up to an eighth' },
  { id: 'turn', label: 'Every second turned a little, and nearer or farther' },
  { id: 'color', label: 'Brighter or darker, of more or less contrast, in other tints' },
  { id: 'cutout', label: 'A square cut out' },
  { id: 'mixup', label: 'Two mixed into one' },
  { id: 'cutmix', label: 'A part of another pasted into every second' },
] as const
export type Augmentation = (typeof augmentations)[number]['id']

export const isImage = ({ dtype, shape }: NdArray): boolean => dtype === 'float32' && shape.length === 4

/** Moves every element of each plane from where `place` says, or 0. */
function moved(image: NdArray, place: (y: number, x: number) => readonly [number, number]): NdArray {
  const [h, w] = image.shape.slice(2)
  const source = image.data as Float32Array
  const data = new Float32Array(source.length)
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const [fromY, fromX] = place(y, x)
      if (fromY < 0 || fromY >= h || fromX < 0 || fromX >= w) continue
      for (let plane = 0; plane < source.length; plane += h * w)
        data[plane + y * w + x] = source[plane + fromY * w + fromX]
    }
  return floats(image.shape, data)
}

export const mirrored = (image: NdArray): NdArray => moved(image, (y, x) => [y, image.shape[3] - 1 - x])

export const shifted = (image: NdArray, down: number, right: number): NdArray =>
  moved(image, (y, x) => [y - down, x - right])

/**
 * Turned about its middle by the angle whose half has the tangent `half`, from the rows' direction to the columns', and `scale` times as
 * large; bilinear between pixels, mirrored beyond the edges.
 */
export function turned(image: NdArray, half: number, scale: number): NdArray {
  const [h, w] = image.shape.slice(2)
  const source = image.data as Float32Array
  const data = new Float32Array(source.length)
  const unit = scale * (1 + half * half)
  const [cos, sin] = [(1 - half * half) / unit, (2 * half) / unit]
  const [middleY, middleX] = [(h - 1) / 2, (w - 1) / 2]
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) {
      const fromY = middleY + cos * (y - middleY) + sin * (x - middleX)
      const fromX = middleX + cos * (x - middleX) - sin * (y - middleY)
      const [top, left] = [Math.floor(fromY), Math.floor(fromX)]
      const [down, right] = [fromY - top, fromX - left]
      const [above, below] = [within(top, h) * w, within(top + 1, h) * w]
      const [before, behind] = [within(left, w), within(left + 1, w)]
      for (let plane = 0; plane < source.length; plane += h * w)
        data[plane + y * w + x] =
          (1 - down) * ((1 - right) * source[plane + above + before] + right * source[plane + above + behind]) +
          down * ((1 - right) * source[plane + below + before] + right * source[plane + below + behind])
    }
  return floats(image.shape, data)
}

/** A place on a line of `size`, or beyond its ends, where it goes back. */
function within(at: number, size: number): number {
  const round = ((at % (2 * size)) + 2 * size) % (2 * size)
  return round < size ? round : 2 * size - 1 - round
}

/** A square around a place set to zero. */
export const cutOut = (image: NdArray, row: number, column: number, side: number): NdArray => {
  const inside = (at: number, middle: number): boolean => at >= middle - (side >> 1) && at < middle - (side >> 1) + side
  return moved(image, (y, x) => (inside(y, row) && inside(x, column) ? [-1, -1] : [y, x]))
}

/**
 * Differences from each channel's mean times `contrast`, and `tints` added: a share, for each channel, of the root of the image's mean
 * squared difference, so that it does not matter in which unit pixels are.
 */
export function recolored(image: NdArray, contrast: number, tints: readonly number[]): NdArray {
  const source = image.data as Float32Array
  const plane = image.shape[2] * image.shape[3]
  const means = tints.map((_, c) => {
    let sum = 0
    for (let i = c * plane; i < (c + 1) * plane; i++) sum += source[i]
    return sum / plane
  })
  let square = 0
  for (let i = 0; i < source.length; i++) {
    const e = source[i] - means[Math.floor(i / plane)]
    square += e * e
  }
  const spread = Math.sqrt(square / source.length)
  const data = source.map((x, i) => {
    const c = Math.floor(i / plane)
    return means[c] + contrast * (x - means[c]) + tints[c] * spread
  })
  return floats(image.shape, data)
}

/** A part of `b` in its place in `a`: rows and columns from the first to before the last. */
export function pasted(
  a: NdArray,
  b: NdArray,
  rows: readonly [number, number],
  columns: readonly [number, number],
): NdArray {
  const [h, w] = a.shape.slice(2)
  const other = b.data as Float32Array
  const data = (a.data as Float32Array).map((x, i) => {
    const [y, at] = [Math.floor(i / w) % h, i % w]
    return y >= rows[0] && y < rows[1] && at >= columns[0] && at < columns[1] ? other[i] : x
  })
  return floats(a.shape, data)
}

export const mixed = (a: NdArray, b: NdArray, share: number): NdArray =>
  floats(
    a.shape,
    (a.data as Float32Array).map((x, i) => share * x + (1 - share) * (b.data as Float32Array)[i]),
  )

/** One image as these change it; mixing needs two, and is the batch's. */
export function augmented(image: NdArray, chosen: ReadonlySet<Augmentation>, rng: Rng): NdArray {
  const [h, w] = image.shape.slice(2)
  let now = image
  if (chosen.has('flip') && rng.uniform() < 0.5) now = mirrored(now)
  if (chosen.has('crop')) {
    const by = (size: number): number => rng.below(2 * (size >> 3) + 1) - (size >> 3)
    const [down, right] = [by(h), by(w)]
    now = shifted(now, down, right)
  }
  const upTo = (most: number): number => most * (2 * rng.uniform() - 1)
  if (chosen.has('turn') && rng.uniform() < 0.5) now = turned(now, upTo(0.075), 1 + upTo(0.15))
  if (chosen.has('color')) {
    const contrast = 1 + upTo(0.25)
    const shade = upTo(0.25)
    now = recolored(
      now,
      contrast,
      Array.from({ length: image.shape[1] }, () => shade + upTo(0.1)),
    )
  }
  if (chosen.has('cutout')) now = cutOut(now, rng.below(h), rng.below(w), Math.min(h, w) >> 2)
  return now
}
