// Range files: AIMET's as its own classes write them (aimet.py), TensorRT's and ncnn's as their documentation and tools show them.
import { describe, expect, test } from 'vitest'
import { parseAimetEncodings, printAimetEncodings } from '../../src/formats/aimet-encodings.ts'
import { parseNcnnTable, printNcnnTable } from '../../src/formats/ncnn-table.ts'
import { parseRangesJson, printRangesJson } from '../../src/formats/ranges-json.ts'
import { parseTensorrtCache, printTensorrtCache } from '../../src/formats/tensorrt-cache.ts'
import aimet061 from './aimet-0.6.1.json' with { type: 'json' }
import aimet100 from './aimet-1.0.0.json' with { type: 'json' }

const malformed = (words: string) =>
  expect.objectContaining({ code: 'malformed', message: expect.stringContaining(words) })

describe('TensorRT calibration cache', () => {
  // 0x3f800000 is 1, 0x3c010204 is 1/127 to the nearest float32, by IEEE 754.
  const text =
    'TRT-8601-EntropyCalibration2\ninput: 3c010204\n(Unnamed Layer* 64) [Shuffle]_output: 0\na: b: 3f800000\n'
  test('holds float32 bits in hex; names may hold colons and spaces', () => {
    expect(parseTensorrtCache(text, 'c.cache')).toEqual({
      header: 'TRT-8601-EntropyCalibration2',
      scales: [
        { name: 'input', scale: Math.fround(1 / 127) },
        { name: '(Unnamed Layer* 64) [Shuffle]_output', scale: 0 },
        { name: 'a: b', scale: 1 },
      ],
    })
  })
  test('is written back as it was', () => {
    expect(printTensorrtCache(parseTensorrtCache(text, 'c.cache'))).toBe(text)
  })
  test.each([
    ['input: 3f800000\n', 'first line'],
    ['TRT-8601-X\ninput 3f800000\n', 'line 2'],
    ['TRT-8601-X\n\ninput: 7f800000\n', 'line 3 gives input the scale Infinity'],
    ['TRT-8601-X\ninput: bf800000\n', 'the scale -1'],
  ])('%j is refused', (broken, words) => {
    expect(() => parseTensorrtCache(broken, 'c.cache')).toThrow(malformed(words))
  })
})

describe('ncnn table', () => {
  const text = 'conv1_param_0 155.639160 162.118637 \nfc_param_0 100.5 \nconv1 151.189514 \nfc 27.25 \n'
  test('is read as ncnn2table writes it', () => {
    expect(parseNcnnTable(text, 'm.table')).toEqual({
      weights: [
        { name: 'conv1_param_0', scales: [155.63916, 162.118637] },
        { name: 'fc_param_0', scales: [100.5] },
      ],
      activations: [
        { name: 'conv1', scales: [151.189514] },
        { name: 'fc', scales: [27.25] },
      ],
    })
  })
  test('is written with as many digits as float32 needs', () => {
    const scale = Math.fround(1 / 3)
    const written = printNcnnTable({ weights: [], activations: [{ name: 'a', scales: [scale, 127] }] })
    expect(written).toBe('a 0.333333343 127\n')
    expect(Math.fround(parseNcnnTable(written, 'm.table').activations[0].scales[0])).toBe(scale)
  })
  test.each([['conv1\n'], ['conv1 nan\n'], ['conv1 -3\n'], ['conv1 1 inf\n']])('%j is refused', broken => {
    expect(() => parseNcnnTable(broken, 'm.table')).toThrow(malformed('line 1'))
  })
})

describe('AIMET encodings', () => {
  test.each([
    ['0.6.1', aimet061],
    ['1.0.0', aimet100],
  ] as const)('of version %s are read, and written as AIMET does', (version, json) => {
    const encodings = parseAimetEncodings(json, 'm.encodings')
    expect(encodings.version).toBe(version)
    expect(encodings.activations[1]).toEqual({
      name: 'y',
      bits: 8,
      float: false,
      symmetric: true,
      scales: [0.5],
      offsets: [-128],
    })
    expect(encodings.parameters[0].scales).toEqual([0.25, 0.125, 0.5])
    expect(JSON.parse(printAimetEncodings(encodings))).toEqual(json)
  })
  test('in floating point have no scales', () => {
    const json = {
      version: '1.0.0',
      activation_encodings: [{ name: 'x', dtype: 'FLOAT', bw: 16, enc_type: 'PER_TENSOR' }],
      param_encodings: [],
    }
    const encodings = parseAimetEncodings(json, 'm.encodings')
    expect(encodings.activations[0]).toMatchObject({ float: true, scales: [] })
    expect(JSON.parse(printAimetEncodings(encodings))).toEqual(json)
  })
  test.each([
    [{}, 'activation_encodings'],
    [{ version: '2.0.0', encodings: [] }, 'activation_encodings'],
    [{ activation_encodings: [{ bw: 8 }], param_encodings: [] }, 'activation_encodings[0] has no name'],
    [{ activation_encodings: { x: [] }, param_encodings: {} }, 'x has no encoding'],
    [
      { activation_encodings: [{ name: 'x', bw: 8, dtype: 'INT', scale: [0], offset: [0] }], param_encodings: [] },
      'x has not a scale above zero',
    ],
  ])('%j is refused', (broken, words) => {
    expect(() => parseAimetEncodings(broken, 'm.encodings')).toThrow(malformed(words))
  })
})

describe('our own file', () => {
  test('is read as it is written', () => {
    const ranges = [{ name: 'x', min: -1.5, max: 2 }]
    expect(parseRangesJson(JSON.parse(printRangesJson(ranges)), 'r.json')).toEqual(ranges)
  })
  test.each([
    [{ ranges: {} }, 'thimble'],
    [{ thimble: 1, ranges: { x: { min: 2, max: 1 } } }, 'x has no min'],
    [{ thimble: 1, ranges: { x: { min: null, max: 1 } } }, 'x has no min'],
    [{ thimble: 1, ranges: { x: null } }, 'x has no min'],
  ])('%j is refused', (broken, words) => {
    expect(() => parseRangesJson(broken, 'r.json')).toThrow(malformed(words))
  })
})
