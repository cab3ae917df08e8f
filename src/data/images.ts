// Image files to pixels, by the bytes and not by the name. As Pillow's Image.open(f).convert('RGB'): EXIF orientation is not
// applied, alpha is kept apart and later dropped without blending, palettes are expanded. One deviation, on purpose: 16-bit
// grey PNG keep their high byte, as OpenCV reads them, where Pillow clips all above 255 to white.
import { StudioError } from '../base/errors.ts'
import { decodeBmp } from '../formats/bmp.ts'
import { crc32 } from '../formats/crc32.ts'
import type { Codecs, Pixels } from './codecs.ts'

/** File names that are taken for images. */
export const imageName = /\.(png|jpe?g|jfif|webp|bmp|dib)$/i
/** Image files of formats that cannot be read here, so that they are named rather than passed over. */
export const foreignImageName = /\.(gif|tiff?|heic|heif|avif|jxl|jp2|ico|svg|psd|exr|hdr|ppm|pgm|pbm|tga|dng|cr2|nef)$/i

type Format = 'png' | 'jpeg' | 'webp' | 'bmp'

/** The format that the first bytes tell. */
export function sniffImage(bytes: Uint8Array): Format | null {
  const starts = (at: number, ...magic: number[]): boolean => magic.every((b, i) => bytes[at + i] === b)
  if (starts(0, 0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10)) return 'png'
  if (starts(0, 0xff, 0xd8, 0xff)) return 'jpeg'
  if (starts(0, 0x52, 0x49, 0x46, 0x46) && starts(8, 0x57, 0x45, 0x42, 0x50)) return 'webp'
  if (starts(0, 0x42, 0x4d)) return 'bmp'
  return null
}

/** Decodes one image file; what is damaged or of another format is an error that says so. */
export async function decodeImage(bytes: Uint8Array, codecs: Codecs): Promise<Pixels> {
  const format = sniffImage(bytes)
  if (format === null)
    throw broken('it is no PNG, JPEG, WebP or BMP', 'Convert it to PNG or JPEG, or take it out of the folder.')
  const fault = { png: pngFault, jpeg: jpegFault, webp: webpFault, bmp: () => null }[format](bytes)
  if (fault !== null) throw broken(fault, 'Copy the file again, or take it out of the folder.')
  if (format === 'bmp') return decodeBmp(bytes)
  const pixels = await codecs[format](bytes).catch((cause: unknown) => {
    throw broken(`its ${format.toUpperCase()} data are damaged or of an unusual kind`, 'Save it again as PNG.', cause)
  })
  if (pixels.width === 0 || pixels.height === 0 || pixels.rgba.length !== pixels.width * pixels.height * 4)
    throw broken(`its ${format.toUpperCase()} data are damaged`, 'Save it again as PNG.')
  return pixels
}

const broken = (what: string, hint: string, cause?: unknown): StudioError =>
  new StudioError('bad-data', `The image cannot be read: ${what}.`, { hint, cause })

// The decoders fill what is missing with grey or black without a word, so files cut short are found by their structure.

const cutShort = 'the file is cut short'

function pngFault(bytes: Uint8Array): string | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at)
    const end = at + 12 + length
    if (end > bytes.length) return cutShort
    if (crc32(bytes.subarray(at + 4, end - 4)) !== view.getUint32(end - 4)) return 'a checksum inside is wrong'
    if (view.getUint32(at + 4) === 0x49454e44) return null // IEND
    at = end
  }
  return cutShort
}

function jpegFault(bytes: Uint8Array): string | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 2; at + 2 <= bytes.length; ) {
    if (bytes[at] !== 0xff) {
      at++ // entropy-coded data
      continue
    }
    const marker = bytes[at + 1]
    if (marker === 0xd9) return null // end of image
    const bare = marker === 0 || marker === 1 || marker === 0xff || (marker >= 0xd0 && marker <= 0xd7)
    const frame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
    if (frame && bytes[at + 9] === 4) return 'it is a CMYK JPEG, for printing'
    if (marker === 0xff) at++
    else at += bare || at + 4 > bytes.length ? 2 : 2 + view.getUint16(at + 2)
  }
  return cutShort
}

function webpFault(bytes: Uint8Array): string | null {
  if (bytes.length < 12) return cutShort
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return view.getUint32(4, true) + 8 > bytes.length ? cutShort : null
}
