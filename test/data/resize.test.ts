import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Raster } from '../../src/data/raster.ts'
import { fit } from '../../src/data/resize.ts'
import { resampleOpenCv } from '../../src/data/resize-opencv.ts'
import { resamplePil } from '../../src/data/resize-pil.ts'
import { picture } from './picture.ts'
import reference from './reference.json' with { type: 'json' }

type Filter = 'bilinear' | 'bicubic' | 'area' | 'nearest'
const sha = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

test.each(reference.resize.map(c => ({ ...c, title: `${c.filter} ${c.from.join('x')} to ${c.to.join('x')}` })))(
  '$title is what Pillow and OpenCV give, to the bit',
  ({ from: [width, height, channels], seed, to: [w, h], filter, pil, opencv }) => {
    const raster = picture(width, height, channels, seed)
    expect(sha(resamplePil(raster, w, h, filter as Filter).data)).toBe(pil)
    expect(sha(resampleOpenCv(raster, w, h, filter as Filter).data)).toBe(opencv)
  },
)

describe('fit', () => {
  const raster = (width: number, height: number): Raster => ({
    width,
    height,
    channels: 1,
    data: Uint8Array.from({ length: width * height }, (_, i) => i % width),
  })
  const spec = { filter: 'nearest', like: 'pil' } as const

  test('exact squeezes; a picture of the right size is untouched', () => {
    const same = raster(4, 3)
    expect(fit(same, { ...spec, fit: 'exact', size: [3, 4] }).picture).toBe(same)
    expect(fit(raster(8, 3), { ...spec, fit: 'exact', size: [3, 4] }).picture.width).toBe(4)
  })

  test('cover scales the short side and cuts the middle out of the long one', () => {
    const { picture } = fit(raster(10, 4), { ...spec, fit: 'cover', size: [4, 4] })
    expect([...picture.data.subarray(0, 4)]).toEqual([3, 4, 5, 6])
    // torchvision: Resize(3) of 5 x 3 keeps it; CenterCrop(2) begins at round(1.5) = 2 and round(0.5) = 0
    const odd = fit(raster(5, 3), { ...spec, fit: 'cover', size: [3, 2] }).picture
    expect([...odd.data.subarray(0, 2)]).toEqual([2, 3])
  })

  test('letterbox keeps the shape and says where the picture lies', () => {
    const fitted = fit(raster(20, 10), { ...spec, fit: 'letterbox', size: [10, 10] })
    expect(fitted).toMatchObject({ left: 0, top: 2, width: 10, height: 10 })
    expect(fitted.picture).toMatchObject({ width: 10, height: 5 })
  })

  test('height keeps the shape, pads up to max and cuts beyond it', () => {
    const tall = { ...spec, fit: 'height', size: [4, 1] } as const
    expect(fit(raster(10, 8), tall)).toMatchObject({ width: 5, height: 4 })
    expect(fit(raster(10, 8), { ...tall, max: 8 })).toMatchObject({ width: 8, picture: { width: 5 } })
    expect(fit(raster(10, 8), { ...tall, max: 3 })).toMatchObject({ width: 3, picture: { width: 3, height: 4 } })
  })
})
