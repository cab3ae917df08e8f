// Masks: PNGs whose pixels are classes, as grey values or as places in a palette (PASCAL VOC), of the size of their picture.
import { StudioError } from '../base/errors.ts'
import { type Mask, unlabelled } from '../ir/labels.ts'
import type { Codecs } from './codecs.ts'
import { decodeImage } from './images.ts'
import type { Framing } from './resize.ts'

const [grey, palette] = [0, 3] // colour types of ISO/IEC 15948

/** The mask in the size that it has. */
export async function readMask(path: string, file: Uint8Array, codecs: Codecs): Promise<Mask> {
  const refuse = (what: string): StudioError =>
    new StudioError('bad-data', `The mask ${path} ${what}.`, {
      where: { file: path },
      hint: 'Save it as a grey PNG of 8 bits whose values are the classes, 255 for pixels without one.',
    })
  const { width, height, rgba } = await decodeImage(file, codecs)
  const [bits, type] = [file[24], file[25]]
  if (bits === 16) throw refuse('has 16 bits')
  const classes = new Uint8Array(width * height)
  if (type === palette) {
    const places = placesIn(file)
    for (let i = 0; i < classes.length; i++)
      classes[i] = places.get((rgba[i * 4] << 16) | (rgba[i * 4 + 1] << 8) | rgba[i * 4 + 2]) ?? unlabelled
  } else {
    // Values of fewer bits have been stretched to 255.
    const step = type === grey ? 255 / ((1 << bits) - 1) : 1
    for (let i = 0; i < classes.length; i++) {
      const value = rgba[i * 4]
      if (value !== rgba[i * 4 + 1] || value !== rgba[i * 4 + 2])
        throw refuse('is in colour, so that it says no classes')
      classes[i] = value / step
    }
  }
  return { kind: 'mask', width, height, classes }
}

/** Places in the palette by colour; of equal ones the first. */
function placesIn(file: Uint8Array): Map<number, number> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const places = new Map<number, number>()
  for (let at = 8; at + 12 <= file.length; at += 12 + view.getUint32(at)) {
    if (view.getUint32(at + 4) !== 0x504c5445) continue // PLTE
    for (let k = 0; k * 3 < view.getUint32(at); k++) {
      const from = at + 8 + k * 3
      const colour = (file[from] << 16) | (file[from + 1] << 8) | file[from + 2]
      if (!places.has(colour)) places.set(colour, k)
    }
    break
  }
  return places
}

/** The mask as its picture is fed: the nearest of its pixels, and no class where there is only padding. */
export function placeMask(
  path: string,
  mask: Mask,
  picture: { width: number; height: number },
  { scaled, left, top, width, height }: Framing,
): Mask {
  if (mask.width !== picture.width || mask.height !== picture.height)
    throw new StudioError(
      'bad-data',
      `The mask ${path} is ${mask.width} x ${mask.height}, its picture ${picture.width} x ${picture.height}.`,
      { where: { file: path }, hint: 'Save it in the size of the picture.' },
    )
  const classes = new Uint8Array(width * height).fill(unlabelled)
  for (let y = Math.max(0, top); y < Math.min(height, top + scaled.height); y++) {
    const row = Math.floor(((y - top + 0.5) * mask.height) / scaled.height) * mask.width
    for (let x = Math.max(0, left); x < Math.min(width, left + scaled.width); x++)
      classes[y * width + x] = mask.classes[row + Math.floor(((x - left + 0.5) * mask.width) / scaled.width)]
  }
  return { kind: 'mask', width, height, classes }
}
