// Windows bitmaps (BITMAPCOREHEADER, BITMAPINFOHEADER and later): 1, 4, 8 bits with palette, 16, 24 and 32 bits, uncompressed or
// with bit fields, rows bottom-up or top-down. Run-length compression is refused.
import { StudioError } from '../base/errors.ts'

const refuse = (what: string): StudioError =>
  new StudioError('bad-data', `This bitmap cannot be read: ${what}.`, { hint: 'Save the picture as PNG.' })

/** RGBA pixels of a bitmap; alpha only where bit fields declare it, else 255. */
export function decodeBmp(bytes: Uint8Array): { width: number; height: number; rgba: Uint8Array } {
  if (bytes.length < 26 || bytes[0] !== 0x42 || bytes[1] !== 0x4d) throw refuse('it does not begin with BM')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const pixelsAt = view.getUint32(10, true)
  const headerSize = view.getUint32(14, true)
  const core = headerSize === 12
  if (!core && (headerSize < 40 || bytes.length < 14 + headerSize)) throw refuse(`a header of ${headerSize} bytes`)
  const width = core ? view.getUint16(18, true) : view.getInt32(18, true)
  const signedHeight = core ? view.getInt16(20, true) : view.getInt32(22, true)
  const height = Math.abs(signedHeight)
  const bits = view.getUint16(core ? 24 : 28, true)
  const compression = core ? 0 : view.getUint32(30, true)
  const fields = compression === 3 || compression === 6
  if (compression !== 0 && !fields) throw refuse(`compression ${compression}`)
  if (![1, 4, 8, 16, 24, 32].includes(bits)) throw refuse(`${bits} bits a pixel`)
  const stride = Math.ceil((width * bits) / 32) * 4
  if (width <= 0 || height === 0 || pixelsAt + stride * height > bytes.length) throw refuse('it is cut short')

  const entry = core ? 3 : 4
  const declared = core ? 0 : view.getUint32(46, true)
  const colours = bits <= 8 ? declared || 1 << bits : 0
  const paletteAt = 14 + headerSize
  if (paletteAt + colours * entry > bytes.length) throw refuse('its palette is cut short')
  const masks = fields
    ? [0, 4, 8, headerSize >= 56 ? 12 : -1].map(o => (o < 0 ? 0 : view.getUint32(54 + o, true)))
    : bits === 16
      ? [0x7c00, 0x3e0, 0x1f, 0]
      : [0xff0000, 0xff00, 0xff, 0]
  const parts = masks.map(mask => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask)
    return { mask, shift, most: mask >>> shift }
  })

  const rgba = new Uint8Array(width * height * 4)
  for (let y = 0; y < height; y++) {
    const row = pixelsAt + (signedHeight > 0 ? height - 1 - y : y) * stride
    for (let x = 0; x < width; x++) {
      const to = (y * width + x) * 4
      rgba[to + 3] = 255
      if (bits <= 8) {
        const perByte = 8 / bits
        const shift = 8 - bits * ((x % perByte) + 1)
        const index = (bytes[row + Math.floor(x / perByte)] >> shift) & ((1 << bits) - 1)
        if (index >= colours) throw refuse(`pixel ${x}, ${y} is outside the palette`)
        const from = paletteAt + index * entry
        for (let c = 0; c < 3; c++) rgba[to + c] = bytes[from + 2 - c]
      } else if (bits === 24) {
        for (let c = 0; c < 3; c++) rgba[to + c] = bytes[row + x * 3 + 2 - c]
      } else {
        const pixel = bits === 16 ? view.getUint16(row + x * 2, true) : view.getUint32(row + x * 4, true)
        for (let c = 0; c < 4; c++) {
          const { mask, shift, most } = parts[c]
          if (most > 0) rgba[to + c] = Math.floor((((pixel & mask) >>> shift) * 255) / most)
        }
      }
    }
  }
  return { width, height, rgba }
}
