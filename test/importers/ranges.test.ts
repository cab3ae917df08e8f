// Ranges of other tools by the names of our values, and back.
import { describe, expect, test } from 'vitest'
import { aimetEncodings, rangesJson, tensorrtCache } from '../../src/exporters/ranges.ts'
import { rangesOf, readRanges } from '../../src/importers/ranges.ts'
import { parseGraph } from '../../src/ir/parse.ts'
import type { QuantParams } from '../../src/ir/quant.ts'
import { affine, symmetric } from '../calibrate/samples.ts'
import aimet061 from '../formats/aimet-0.6.1.json' with { type: 'json' }
import aimet100 from '../formats/aimet-1.0.0.json' with { type: 'json' }

const graph = parseGraph(`graph (x: f32[1,3,8,8]) -> (z) {
  y = Conv(x, w: f32[4,3,3,3])
  z = Relu(y)
}`)
const of = (text: string, file = 'f') => rangesOf(readRanges(text, file), graph, file)

describe('read by the names of values', () => {
  test('a TensorRT cache: 127 times the scale; what was never seen is left out, foreign names are told', () => {
    expect(of('TRT-8601-EntropyCalibration2\nx: 3f800000\ny: 0\n(Unnamed Layer* 2)_output: 3f800000\n')).toEqual({
      ranges: { x: { min: -127, max: 127 } },
      unknown: ['(Unnamed Layer* 2)_output'],
    })
  })
  test.each([[aimet061], [aimet100]])('AIMET encodings: codes 0 and 2^bits - 1', json => {
    expect(of(JSON.stringify(json)).ranges).toEqual({
      x: { min: -0.1875, max: 15.75 }, // min and max as AIMET writes them
      y: { min: -64, max: 63.5 },
      z: { min: -7.8125, max: 8.187255859375 },
    })
  })
  test('an ncnn table: 127 over the scale, of the input of the layer', () => {
    const conv = graph.nodes[0].name || 'y'
    expect(of(`${conv}_param_0 1 2 3 4\n${conv} 63.5\n`)).toEqual({ ranges: { x: { min: -2, max: 2 } }, unknown: [] })
  })
  test('our own', () => {
    expect(of('{"thimble":1,"ranges":{"y":{"min":-3,"max":0.5}}}').ranges).toEqual({ y: { min: -3, max: 0.5 } })
  })
})

describe('refused', () => {
  test.each([
    [
      'our own with one name that there is not',
      '{"thimble":1,"ranges":{"x":{"min":0,"max":1},"yy":{"min":0,"max":1}}}',
    ],
    ["another tool's without a single name that there is", 'TRT-8601-X\nyy: 3f800000\n'],
  ])('%s, with near names', (_, text) => {
    expect(() => of(text, 'file')).toThrow(
      expect.objectContaining({
        code: 'bad-data',
        where: { file: 'file', value: 'yy' },
        hint: expect.stringContaining('Near names: y'),
      }),
    )
  })
  test('what is no JSON', () => {
    expect(() => of('{"thimble":')).toThrow(expect.objectContaining({ code: 'malformed' }))
  })
})

describe('written', () => {
  const ranges = new Map([
    ['x', { min: -2, max: 1 }],
    ['y', { min: 0, max: 127 }],
  ])
  test('our own comes back the same', () => {
    expect(of(rangesJson(ranges)).ranges).toEqual(Object.fromEntries(ranges))
  })
  test('a TensorRT cache has the larger side', () => {
    expect(tensorrtCache(ranges, '8601')).toBe('TRT-8601-EntropyCalibration2\nx: 3c810204\ny: 3f800000\n')
    expect(of(tensorrtCache(ranges, '8601')).ranges.y).toEqual({ min: -127, max: 127 })
  })
  test('AIMET encodings of a plan are those that AIMET writes', () => {
    const params = (spec: QuantParams['spec'], scale: number[], zeroPoint: number[]): QuantParams => ({
      spec,
      scale: Float32Array.from(scale),
      zeroPoint: Int32Array.from(zeroPoint),
    })
    const wide = { ...affine, format: { ...affine.format, bits: 16 } }
    const activations = new Map([
      ['x', params(affine, [0.0625], [3])],
      ['y', params(symmetric, [0.5], [0])],
      ['z', params(wide, [1 / 4096], [32000])],
    ])
    const parameters = new Map([['w', params(symmetric, [0.25, 0.125, 0.5], [0, 0, 0])]])
    expect(JSON.parse(aimetEncodings(activations, parameters))).toEqual(aimet100)
    expect(JSON.parse(aimetEncodings(activations, parameters, '0.6.1'))).toEqual(aimet061)
  })
})
