import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { fromHalf } from '../../src/base/half.ts'
import { checkInput } from '../../src/data/input-schema.ts'
import type { ImageInput } from '../../src/data/input-spec.ts'
import { prepare } from '../../src/data/prepare.ts'
import { proposeInput } from '../../src/data/propose-input.ts'
import { type ImageSlot, resolveInput } from '../../src/data/resolve-input.ts'
import { build } from '../build.ts'
import { picture, pixelsOf } from './picture.ts'
import reference from './reference.json' with { type: 'json' }

const nchw = build('graph (x: f32[N,3,32,32]) -> (y) { y = Relu(x) }')
const nhwc = build('graph (x: f32[N,32,32,3]) -> (y) { y = Relu(x) }')

describe('a spec', () => {
  test('with an unknown key is refused, and the place named', () => {
    expect(() => checkInput({ inputs: { '*': { colour: 'RGB' } } })).toThrow(/inputs\.\*/)
    expect(() => checkInput({ inputs: { '*': { resize: { fit: 'stretch' } } } })).toThrow(/inputs\.\*\.resize\.fit/)
    expect(() => checkInput({ inputs: {}, labeloffset: 1 })).toThrow(/labeloffset/)
    expect(() => checkInput({ inputs: { '*': { std: [1, 0, 1] } } })).toThrow(/std must not be 0/)
  })

  test('takes layout, channels and size from the model where it says nothing', () => {
    expect(resolveInput({ inputs: { '*': {} } }, nhwc)).toEqual({
      x: { layout: 'NHWC', color: 'RGB', scale: 1, mean: [0, 0, 0], std: [1, 1, 1], pad: 0 },
    })
    expect(resolveInput({ inputs: { '*': { resize: {} } } }, nchw).x.resize).toEqual({
      fit: 'exact',
      size: [32, 32],
      filter: 'bilinear',
      like: 'pil',
    })
  })

  test('for one input goes before the one for all', () => {
    const spec = { inputs: { '*': { scale: 2, mean: [7] }, x: { scale: 3 } } }
    expect(resolveInput(spec, nchw).x).toMatchObject({ scale: 3, mean: [7, 7, 7] })
  })

  test('that contradicts the model is refused', () => {
    expect(() => resolveInput({ inputs: { image: {} } }, nchw)).toThrow(/no input of the model/)
    expect(() => resolveInput({ inputs: { x: { layout: 'NHWC' } } }, nchw)).toThrow(/3 channels, the model has 32/)
    expect(() => resolveInput({ inputs: { x: { color: 'GRAY' } } }, nchw)).toThrow(/1 channel, the model has 3/)
    expect(() => resolveInput({ inputs: { x: { resize: { size: [224, 224] } } } }, nchw)).toThrow(
      /resizes to 224 x 224/,
    )
    expect(() => resolveInput({ inputs: { x: { mean: [1, 2] } } }, nchw)).toThrow(/mean has 2 numbers for 3 channels/)
  })
})

describe('what is fed', () => {
  const pixels = { width: 2, height: 1, rgba: Uint8Array.of(10, 20, 30, 255, 40, 50, 60, 0) }
  const base: ImageInput = { layout: 'NCHW', color: 'RGB', scale: 1, mean: [0, 0, 0], std: [1, 1, 1], pad: 0 }
  const slot = (over: Partial<ImageSlot> = {}): ImageSlot => ({
    name: 'x',
    dtype: 'float32',
    layout: 'NCHW',
    batched: true,
    channels: 3,
    height: null,
    width: null,
    ...over,
  })

  test('planes in NCHW, interleaved in NHWC, turned round for BGR; alpha is dropped, not blended', () => {
    expect([...prepare(pixels, base, slot()).data]).toEqual([10, 40, 20, 50, 30, 60])
    expect([...prepare(pixels, { ...base, layout: 'NHWC' }, slot()).data]).toEqual([10, 20, 30, 40, 50, 60])
    expect([...prepare(pixels, { ...base, color: 'BGR' }, slot()).data]).toEqual([30, 60, 20, 50, 10, 40])
    expect(prepare(pixels, base, slot()).shape).toEqual([1, 3, 1, 2])
    expect(prepare(pixels, base, slot({ batched: false })).shape).toEqual([3, 1, 2])
  })

  test('(pixel * scale - mean) / std in float64, rounded once', () => {
    const input = { ...base, scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
    // numpy: ((np.array([10, 20, 30]) * (1 / 255) - mean) / std).astype('float32')
    const { data } = prepare(pixels, input, slot())
    expect([data[0], data[2], data[4]]).toEqual(
      [-1.946656346321106, -1.6855741739273071, -1.2815686464309692].map(Math.fround),
    )
  })

  test('uint8 inputs get the pixels, float16 inputs the rounded bits', () => {
    const scaled = { ...base, scale: 1 / 255 }
    expect([...prepare(pixels, scaled, slot({ dtype: 'uint8' })).data]).toEqual([10, 40, 20, 50, 30, 60])
    const half = prepare(pixels, scaled, slot({ dtype: 'float16' }))
    expect(fromHalf(Number(half.data[0]))).toBeCloseTo(10 / 255, 4)
  })

  test('padding is a pixel value, normalised like the others', () => {
    const input: ImageInput = {
      ...base,
      color: 'GRAY',
      scale: 1 / 255,
      mean: [0.5],
      std: [0.5],
      pad: 127.5,
      resize: { fit: 'height', size: [1, 1], max: 4, filter: 'nearest', like: 'pil' },
    }
    const { data, shape } = prepare(pixels, input, slot({ channels: 1 }))
    expect(shape).toEqual([1, 1, 1, 4])
    expect([...data].slice(2)).toEqual([0, 0])
  })

  test.each(['pil', 'opencv'] as const)('grey is weighed as by %s', like => {
    const raster = picture(23, 17, 3, 96)
    const input: ImageInput = {
      ...base,
      color: 'GRAY',
      mean: [0],
      std: [1],
      resize: { fit: 'exact', size: [17, 23], filter: 'nearest', like },
    }
    const { data } = prepare(pixelsOf(raster), input, slot({ dtype: 'uint8', channels: 1 }))
    expect(
      createHash('sha256')
        .update(data as Uint8Array)
        .digest('hex'),
    ).toBe(reference.grey[like])
  })

  test('a picture of another size than the model wants is refused with both sizes', () => {
    expect(() => prepare(pixels, base, slot({ height: 32, width: 32 }))).toThrow(/1 x 2, input 'x' wants 32 x 32/)
  })
})

describe('a proposal', () => {
  const one = (text: string, meta = {}) => proposeInput(build(text, { meta }))

  test('says what it assumed', () => {
    const { spec, notes } = one('graph (x: f32[N,3,224,224]) -> (y: f32[N,1000]) { y = Foo(x) }')
    expect(spec.inputs.x).toMatchObject({ layout: 'NCHW', color: 'RGB', mean: [0.485, 0.456, 0.406] })
    expect(spec.inputs.x.resize).toMatchObject({ fit: 'exact', size: [224, 224] })
    expect(notes.join()).toMatch(/assumed/)
  })

  test('1001 outputs mean a background class', () => {
    const { spec } = one('graph (x: f32[N,224,224,3]) -> (y: f32[N,1001]) { y = Foo(x) }')
    expect(spec.labelOffset).toBe(1)
    expect(spec.inputs.x).toMatchObject({ layout: 'NHWC', scale: 1 / 127.5, mean: [1, 1, 1] })
  })

  test('tiny first weights mean pixels as they are', () => {
    const text = (most: string) =>
      `graph (x: f32[N,3,32,32]) -> (y: f32[N,8,30,30]) { y = Conv(x, w: f32[8,3,3,3]{-${most}..${most}}) }`
    expect(one(text('0.01')).spec.inputs.x).toMatchObject({ scale: 1 })
    expect(one(text('0.5')).spec.inputs.x.scale).toBeCloseTo(1 / 255, 12)
  })

  test('a list of characters means a text line, in BGR', () => {
    const { spec } = one('graph (x: f32[N,3,48,W]) -> (y) { y = Foo(x) }', { character: 'a\nb' })
    expect(spec.inputs.x).toMatchObject({
      color: 'BGR',
      pad: 127.5,
      resize: { fit: 'height', size: [48, 1], like: 'opencv' },
    })
  })

  test('uint8 inputs take pixels; inputs that are no pictures get nothing', () => {
    expect(one('graph (x: u8[N,32,32,3]) -> (y) { y = Foo(x) }').spec.inputs.x).toMatchObject({ scale: 1 })
    expect(one('graph (x: f32[N,49,10,1]) -> (y) { y = Foo(x) }').spec.inputs).toEqual({})
    expect(one('graph (x: i64[N,128]) -> (y) { y = Foo(x) }').spec.inputs).toEqual({})
  })

  test('is complete: it can be resolved against its model', () => {
    const model = build('graph (x: f32[N,3,48,W]) -> (y) { y = Foo(x) }', { meta: { character: 'a\nb' } })
    expect(resolveInput(proposeInput(model).spec, model).x.resize?.size).toEqual([48, 1])
  })
})
