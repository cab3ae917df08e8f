import { expect, test } from 'vitest'
import { concat, memorySource, utf8 } from '../../src/base/bytes.ts'
import { readSafetensors, safetensorsHeader } from '../../src/formats/safetensors.ts'

const raw = (header: string, data = new Uint8Array()): Uint8Array => {
  const length = new Uint8Array(8)
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true)
  return concat([length, utf8(header), data])
}
const read = (bytes: Uint8Array) => readSafetensors(memorySource('w.safetensors', bytes))

test('tensors, their places and the metadata are read as they were written', async () => {
  const header = safetensorsHeader(
    [
      { name: 'a', dtype: 'float32', shape: [2, 3] },
      { name: 'b', dtype: 'bfloat16', shape: [] },
    ],
    { format: 'pt' },
  )
  expect(header.length % 8).toBe(0)
  const { tensors, metadata } = await read(concat([header, new Uint8Array(26)]))
  expect(metadata).toEqual({ format: 'pt' })
  expect([...tensors]).toEqual([
    ['a', { dtype: 'float32', shape: [2, 3], offset: header.length, length: 24 }],
    ['b', { dtype: 'bfloat16', shape: [], offset: header.length + 24, length: 2 }],
  ])
})

test.each([
  ['a file of five bytes', new Uint8Array(5), /too short/],
  ['a header past the end', raw('{}').subarray(0, 9), /too short/],
  ['a header that would be huge', Uint8Array.of(255, 255, 255, 255, 255, 0, 0, 0, 1, 1), /its header would have/],
  ['a header cut short', raw('{"a":{"dtype":"F32"').subarray(0, 20), /ends inside its header/],
  ['no JSON', raw('{nonsense'), /no JSON object/],
  ['a list', raw('[1, 2, 3]'), /no JSON object/],
  [
    'an unknown type',
    raw('{"a":{"dtype":"Q7","shape":[1],"data_offsets":[0,4]}}', new Uint8Array(4)),
    /a has elements of the unknown type Q7/,
  ],
  [
    'a place of another size',
    raw('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', new Uint8Array(4)),
    /a has 4 bytes/,
  ],
  [
    'elements past the end',
    raw('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}', new Uint8Array(4)),
    /inside of a/,
  ],
  ['a negative shape', raw('{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,-4]}}'), /no shape/],
])('%s is refused', async (_, bytes, words) => {
  await expect(read(bytes)).rejects.toThrow(words)
})
