import { expect, test } from 'vitest'
import { hashBytes } from '../../src/base/hash.ts'
import { decodeImage } from '../../src/data/images.ts'
import { browserCodecs } from '../../src/host/browser/codecs.ts'
import reference from '../data/reference.json' with { type: 'json' }

const codecs = browserCodecs()

test.each(reference.images)('$name decodes to the pixels of Pillow, in the browser too', async ({ file, rgb }) => {
  const { rgba } = await decodeImage(
    Uint8Array.from(atob(file), c => c.charCodeAt(0)),
    codecs,
  )
  expect(hashBytes(rgba.filter((_, i) => i % 4 !== 3))).toBe(rgb)
})
