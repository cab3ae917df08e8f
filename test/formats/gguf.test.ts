import { expect, test } from 'vitest'
import { concat, memorySource } from '../../src/base/bytes.ts'
import { packQ4, packQ8, readGguf, unpackBlocks, writeGguf } from '../../src/formats/gguf.ts'

// What Python's gguf 0.19 makes of these numbers (gguf.quants.quantize).
const numbers = Float32Array.of(
  0.125,
  -0.125,
  0.640625,
  0.109375,
  -0.53125,
  0.359375,
  1.296875,
  0.953125,
  -0.703125,
  -1.265625,
  -0.625,
  0.046875,
  -2.328125,
  -0.21875,
  -1.25,
  -0.734375,
  -0.546875,
  -0.3125,
  0.40625,
  1.046875,
  -0.125,
  1.359375,
  -0.671875,
  0.34375,
  0.90625,
  0.09375,
  -0.75,
  -0.921875,
  -0.453125,
  0.21875,
  -1.015625,
  -0.203125,
)
const q8 = Uint8Array.of(
  177,
  36,
  7,
  249,
  35,
  6,
  227,
  20,
  71,
  52,
  218,
  187,
  222,
  3,
  129,
  244,
  188,
  216,
  226,
  239,
  22,
  57,
  249,
  74,
  219,
  19,
  49,
  5,
  215,
  206,
  231,
  12,
  201,
  245,
)
const q4 = Uint8Array.of(168, 52, 104, 120, 154, 200, 134, 217, 108, 155, 182, 132, 86, 88, 96, 151, 84, 117)

test('blocks are those of ggml, byte for byte', () => {
  expect(packQ8(numbers)).toEqual(q8)
  expect(packQ4(numbers)).toEqual(q4)
})

test('blocks give back the numbers within half a step', () => {
  expect(Math.max(...unpackBlocks('q8_0', q8).map((x, i) => Math.abs(x - numbers[i])))).toBeLessThan(2.328125 / 127)
  expect(Math.max(...unpackBlocks('q4_0', q4).map((x, i) => Math.abs(x - numbers[i])))).toBeLessThan(2.328125 / 8)
})

test('blocks of zeros stay zeros', () => {
  expect(unpackBlocks('q8_0', packQ8(new Float32Array(64))).every(x => x === 0)).toBe(true)
  expect(unpackBlocks('q4_0', packQ4(new Float32Array(64))).every(x => x === 0)).toBe(true)
})

test('a file is read as it was written; tensors lie at multiples of 32', async () => {
  const tensors = [
    { name: 'a', shape: [2, 3], type: 'f32' as const, data: new Uint8Array(24).fill(1) },
    { name: 'b', shape: [1, 32], type: 'q4_0' as const, data: q4 },
  ]
  const bytes = concat(writeGguf({ 'general.name': 'm', count: 7, half: 0.5, yes: true }, tensors))
  const { values, tensors: back } = await readGguf(memorySource('m.gguf', bytes))
  expect(Object.fromEntries(values)).toEqual({
    'general.name': 'm',
    count: 7,
    half: 0.5,
    yes: true,
    'general.alignment': 32,
  })
  expect(back.map(({ name, shape, type }) => ({ name, shape, type }))).toEqual(
    tensors.map(({ name, shape, type }) => ({ name, shape, type })),
  )
  for (const [i, { offset, length }] of back.entries()) {
    expect(offset % 32).toBe(0)
    expect(bytes.subarray(offset, offset + length)).toEqual(tensors[i].data)
  }
})

test.each([10, 30, 60, 150])('a file cut at byte %i is refused', async length => {
  const bytes = concat(
    writeGguf({ 'general.name': 'm' }, [{ name: 'a', shape: [16], type: 'f32', data: new Uint8Array(64) }]),
  )
  await expect(readGguf(memorySource('m.gguf', bytes.subarray(0, length)))).rejects.toThrow(
    /m\.gguf is no sound GGUF file/,
  )
})
