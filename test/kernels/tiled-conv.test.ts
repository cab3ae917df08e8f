// Convolutions by tiles give what convolutions by patches give, but for rounding, forwards and backwards; and their twins agree to the bit.
import { describe, expect, test } from 'vitest'
import { type Memory, referenceMemory, wasmMemory } from '../../kernels/lib/arithmetic.ts'
import { normals } from '../../kernels/lib/cases.ts'
import { convolutions } from '../../kernels/lib/conv.ts'
import { convolveByPatches, filterGradientByPatches, inputGradientByPatches } from '../../kernels/lib/patched-conv.ts'
import { goesByTiles } from '../../kernels/lib/tiled-conv.ts'
import { openModule } from '../../kernels/lib/wasm.ts'
import type { ConvShape } from '../../src/ir/context.ts'

const common = { strides: [1, 1], dilations: [1, 1], kernel: [3, 3] } as const
const shapes: ConvShape[] = [
  { ...common, samples: 3, groups: 1, channels: 8, outputs: 12, size: [16, 16], out: [16, 16], pads: [1, 1] },
  { ...common, samples: 2, groups: 2, channels: 9, outputs: 8, size: [7, 8], out: [7, 8], pads: [1, 1] },
  { ...common, samples: 1, groups: 1, channels: 8, outputs: 8, size: [14, 11], out: [12, 9], pads: [0, 0] },
  { ...common, samples: 1, groups: 1, channels: 8, outputs: 8, size: [13, 8], out: [15, 8], pads: [2, 1] },
  { ...common, samples: 5, groups: 1, channels: 16, outputs: 8, size: [32, 32], out: [32, 32], pads: [1, 1] },
]

const dataOf = ({ samples, groups, channels, outputs, size, out }: ConvShape) => ({
  x: normals(samples * groups * channels * size[0] * size[1]),
  w: normals(groups * outputs * channels * 9, 0.2, 2),
  dy: normals(samples * groups * outputs * out[0] * out[1], 1, 3),
})

const byPatches = (
  memory: Memory,
  work: (memory: Memory, a: number, b: number, into: number, shape: ConvShape) => void,
  [a, b]: readonly [Float32Array, Float32Array],
  length: number,
  shape: ConvShape,
): Float32Array =>
  memory.lend([a.length, b.length, length], (run, at, bt, into) => {
    memory.view(at, a.length).set(a)
    memory.view(bt, b.length).set(b)
    run.clear(into, length)
    work(memory, at, bt, into, shape)
    return memory.view(into, length).slice()
  })

function relative(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length)
  let [noise, signal] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    noise += (a[i] - b[i]) ** 2
    signal += b[i] ** 2
  }
  return Math.sqrt(noise / signal)
}

describe.each(shapes)('$samples x $groups x $channels to $outputs over $size, pads $pads', shape => {
  const { x, w, dy } = dataOf(shape)

  test('equals the products of patches', async () => {
    const memory = wasmMemory(await openModule())
    const { conv, convGradient } = convolutions(memory)
    expect(goesByTiles(shape)).toBe(true)
    const gradient = convGradient(x, w, dy, shape, { x: true, w: true })
    const close = 1e-5
    expect(relative(conv(x, w, shape), byPatches(memory, convolveByPatches, [x, w], dy.length, shape))).toBeLessThan(
      close,
    )
    expect(relative(gradient.x!, byPatches(memory, inputGradientByPatches, [w, dy], x.length, shape))).toBeLessThan(
      close,
    )
    expect(relative(gradient.w!, byPatches(memory, filterGradientByPatches, [x, dy], w.length, shape))).toBeLessThan(
      close,
    )
  })

  test('is the same to the bit in plain TypeScript', async () => {
    const wasm = convolutions(wasmMemory(await openModule()))
    const plain = convolutions(referenceMemory())
    expect(wasm.conv(x, w, shape)).toEqual(plain.conv(x, w, shape))
    const wanted = { x: true, w: true }
    expect(wasm.convGradient(x, w, dy, shape, wanted)).toEqual(plain.convGradient(x, w, dy, shape, wanted))
  })
})

test.each([
  ['a stride', { strides: [2, 2], out: [8, 8] }],
  ['few channels', { channels: 3 }],
  ['a map that tiles would mostly miss', { size: [5, 5], out: [5, 5] }],
  ['another kernel', { kernel: [1, 1], pads: [0, 0] }],
] as [string, Partial<ConvShape>][])('%s goes by patches', (_, change) => {
  expect(goesByTiles({ ...shapes[0], ...change })).toBe(false)
})
