import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Pixels } from '../../src/data/codecs.ts'
import { decodeImage } from '../../src/data/images.ts'
import { createNodeCodecs } from '../../src/host/node/codecs.ts'
import reference from './reference.json' with { type: 'json' }
import { hasSharedData, sharedData } from './shared.ts'

const codecs = createNodeCodecs()
const fileOf = (name: string): Uint8Array =>
  new Uint8Array(Buffer.from(reference.images.find(image => image.name === name)!.file, 'base64'))

function rgbOf({ width, height, rgba }: Pixels): Uint8Array {
  const rgb = new Uint8Array(width * height * 3)
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) rgb[i * 3 + c] = rgba[i * 4 + c]
  return rgb
}

test.each(reference.images)('$name decodes to the pixels of Pillow', async ({ file, size, rgb }) => {
  const pixels = await decodeImage(new Uint8Array(Buffer.from(file, 'base64')), codecs)
  expect([pixels.width, pixels.height]).toEqual(size)
  expect(createHash('sha256').update(rgbOf(pixels)).digest('hex')).toBe(rgb)
})

describe.skipIf(!hasSharedData)('photographs', () => {
  test('136 JPEG photographs decode to the pixels of Pillow, every one of 20 million values', async () => {
    const folder = `${sharedData}imagenet/eval136/`
    const hash = createHash('sha256')
    for (const name of readdirSync(folder)
      .filter(n => n.endsWith('.jpg'))
      .sort())
      hash.update(rgbOf(await decodeImage(readFileSync(folder + name), codecs)))
    expect(hash.digest('hex')).toBe(reference.photographs)
  })
})

test.each(['jpeg 4:2:0', 'png', 'webp', 'bmp'])('a %s cut short is refused, and the next file is read', async name => {
  const whole = fileOf(name)
  await expect(decodeImage(whole.subarray(0, whole.length - 40), codecs)).rejects.toThrow(/cut short/)
  await expect(decodeImage(whole, codecs)).resolves.toMatchObject({ width: 23, height: 17 })
})

test('damage inside is named: a PNG by its checksum, a JPEG by its decoder', async () => {
  const png = fileOf('png').slice()
  png[60] ^= 255
  await expect(decodeImage(png, codecs)).rejects.toThrow(/checksum/)
  const jpeg = fileOf('jpeg 4:2:0').slice()
  const frame = jpeg.findIndex((b, i) => b === 0xff && jpeg[i + 1] === 0xc0)
  jpeg[frame + 4] = 99 // bits a sample
  await expect(decodeImage(jpeg, codecs)).rejects.toThrow(/JPEG data are damaged/)
  await expect(decodeImage(fileOf('jpeg 4:2:0'), codecs)).resolves.toMatchObject({ width: 23 })
})

test('what is no image is refused with the formats that are', async () => {
  await expect(decodeImage(new Uint8Array(100), codecs)).rejects.toThrow(/no PNG, JPEG, WebP or BMP/)
  await expect(decodeImage(new Uint8Array(0), codecs)).rejects.toThrow(/no PNG, JPEG, WebP or BMP/)
})
