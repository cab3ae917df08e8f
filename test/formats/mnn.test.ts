import { expect, test } from 'vitest'
import { readMnn, writeMnn } from '../../src/formats/mnn.ts'
import { type IdstQuan, opTypeName, opTypeOf } from '../../src/formats/mnn-schema.ts'
import { packWeights, unpackWeights } from '../../src/formats/mnn-weights.ts'

const quan = (more: Partial<IdstQuan>): IdstQuan => ({
  buffer: null,
  alpha: null,
  type: 1,
  useInt32: 0,
  quantScale: 1,
  scaleIn: 0,
  scaleOut: 0,
  aMaxOrBits: 0,
  aMin: 0,
  readType: 0,
  has_scaleInt: 0,
  shapeInt32: 0,
  weightSize: 0,
  index: null,
  alphaFp16: null,
  scaleStorage: 0,
  ...more,
})

test('a network is read as it was written, with defaults where it says nothing', () => {
  const bytes = writeMnn({
    tensorName: ['x', 'y'],
    outputName: ['y'],
    sourceType: 3,
    oplists: [
      {
        name: 'x',
        type: opTypeOf('Input'),
        outputIndexes: Int32Array.of(0),
        main: { name: 'Input', value: { dims: Int32Array.of(1, 3) } },
      },
      {
        name: 'y',
        type: opTypeOf('Convolution'),
        inputIndexes: Int32Array.of(0),
        outputIndexes: Int32Array.of(1),
        main: {
          name: 'Convolution2D',
          value: { common: { relu: 1, pads: Int32Array.of(1, 0) }, weight: Float32Array.of(0.5, -2) },
        },
      },
    ],
  })
  const net = readMnn(bytes, 'm.mnn')
  expect(net.tensorName).toEqual(['x', 'y'])
  expect(net.bizCode).toBeNull()
  const [input, conv] = net.oplists!
  expect(opTypeName(input.type)).toBe('Input')
  expect(input.main).toMatchObject({ name: 'Input', value: { dtype: 1, dformat: 2 } })
  expect(conv.defaultDimentionFormat).toBe(1)
  const { common, weight, bias } = (conv.main as unknown as { value: Record<string, never> }).value
  expect(common).toMatchObject({ kernelX: 1, strideY: 1, relu: 1, relu6: 0, pads: Int32Array.of(1, 0), outPads: null })
  expect(weight).toEqual(Float32Array.of(0.5, -2))
  expect(bias).toBeNull()
})

test('codes of 3 bits: two bytes of shape each, the table, the first code in the high bits', () => {
  const { buffer, shapeInt32 } = packWeights(Int8Array.of(-4, 3, 0, -1), 2, 3)
  expect(shapeInt32).toBe(false)
  // Places 0, 7, 4, 3: 000 111 10|0 011 ....
  expect(Array.from(buffer)).toEqual([2, 2, 0, 2, 0, 8, -4, -3, -2, -1, 0, 1, 2, 3, 0b00011110, 0b00110000])
})

test.each([2, 3, 4, 5, 6, 7, 8])('codes of %i bits come back', bits => {
  const half = 2 ** (bits - 1)
  const codes = Int8Array.from({ length: 3 * 7 }, (_, i) => ((i * 37) % (2 * half)) - half)
  const { buffer } = packWeights(codes, 3, bits)
  const back = unpackWeights(quan({ buffer, alpha: Float32Array.of(1, 2, 3) }), 21, 'n')
  expect(back).toEqual({ kind: 'codes', codes, scale: Float32Array.of(1, 2, 3), offset: null, bits })
})

test('a row of more than 65535 elements says so in 32 bits', () => {
  const codes = new Int8Array(70000).fill(1)
  const { buffer, shapeInt32 } = packWeights(codes, 1, 8)
  expect(shapeInt32).toBe(true)
  const back = unpackWeights(quan({ buffer, shapeInt32: 1, alpha: Float32Array.of(1) }), 70000, 'n')
  expect(back).toMatchObject({ kind: 'codes', codes })
})

test('pairs of smallest value and scale: real = scale (code - smallest code) + smallest value', () => {
  const { buffer } = packWeights(Int8Array.of(-8, 7), 1, 4)
  const back = unpackWeights(quan({ buffer, alpha: Float32Array.of(-1, 0.25), readType: 1, aMin: -8 }), 2, 'n')
  expect(back).toMatchObject({ scale: Float32Array.of(0.25), offset: Float32Array.of(1) })
})

test('type 2: steps between values, zero where there is none', () => {
  // 1×8; 2 values; steps of 3 bits: 2, 5; values -1, 3; their places 1, 0 in one bit each.
  const buffer = Int8Array.of(2, 1, 0, 8, 0, 2, 0, 0, 0, 3, 0b01010100, 2, -1, 3, 0b10000000 - 256)
  const back = unpackWeights(quan({ type: 2, buffer, alpha: Float32Array.of(1) }), 8, 'n')
  expect(back).toMatchObject({ codes: Int8Array.of(0, 0, 3, 0, 0, 0, 0, -1) })
})

test('type 4: bytes as they are, scaled by both factors', () => {
  const back = unpackWeights(
    quan({ type: 4, buffer: Int8Array.of(1, -2), alpha: Float32Array.of(0.5), quantScale: 2, aMin: -127 }),
    2,
    'n',
  )
  expect(back).toMatchObject({ codes: Int8Array.of(1, -2), scale: Float32Array.of(1) })
})

test.each([
  ['too few bytes', { buffer: Int8Array.of(2, 1, 0) }],
  ['a shape of another size', { buffer: packWeights(new Int8Array(9), 3, 4).buffer }],
  ['no bytes', {}],
  ['an unknown way', { type: 9, buffer: new Int8Array(8) }],
])('packed weights with %s are refused by the name of their layer', (_, more) => {
  expect(() => unpackWeights(quan({ alpha: Float32Array.of(1), ...more }), 8, 'conv_7')).toThrow(/conv_7/)
})
