// Photographs of CIFAR-10, spoilt in the ways that people spoil them.
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { memorySource } from '../../src/base/bytes.ts'
import { type OpenedDataset, openDataset } from '../../src/data/dataset.ts'
import type { InputSpec } from '../../src/data/input-spec.ts'
import { writeNpz } from '../../src/formats/npz.ts'
import { createNodeCodecs } from '../../src/host/node/codecs.ts'
import { openFiles } from '../../src/host/node/files.ts'
import type { Model } from '../../src/ir/model.ts'
import { build } from '../build.ts'
import { hasSharedData, sharedData } from './shared.ts'

const codecs = createNodeCodecs()
const nchw = build('graph (x: f32[N,3,32,32]) -> (y: f32[N,10]) { y = Foo(x) }')
const nhwc = build('graph (x: f32[N,32,32,3]) -> (y: f32[N,10]) { y = Foo(x) }')
const count = 128
const plane = 32 * 32
const mean = [0.485, 0.456, 0.406]
const std = [0.229, 0.224, 0.225]
const spec: InputSpec = { inputs: { '*': { layout: 'NCHW', scale: 1 / 255, mean, std } } }

async function sweep(dataset: OpenedDataset) {
  const names: string[] = []
  let first: ArrayLike<number> = []
  for await (const sample of dataset.samples()) {
    if (names.push(sample.name) === 1) first = Object.values(sample.feeds)[0].data as Float32Array
  }
  return { names, first: Float32Array.from(first), skipped: dataset.skipped, suspicious: dataset.suspicious }
}
const look = async (data: Float32Array, model: Model = nchw, input: InputSpec = spec) => {
  const shape = [data.length / (3 * plane), ...(model === nchw ? [3, 32, 32] : [32, 32, 3])]
  const file = memorySource('c.npz', writeNpz({ x: { dtype: 'float32', shape, data } }))
  return sweep(await openDataset(new Map([['c.npz', file]]), 'c.npz', { model, spec: input, codecs }))
}

describe.skipIf(!hasSharedData)('calibration data', () => {
  let pixels: Uint8Array // N, H, W, C
  let good: Float32Array // N, C, H, W, normalised
  const normalised = (order: readonly number[]): Float32Array => {
    const out = new Float32Array(count * 3 * plane)
    for (let n = 0; n < count; n++)
      for (let c = 0; c < 3; c++)
        for (let i = 0; i < plane; i++)
          out[(n * 3 + c) * plane + i] = (pixels[(n * plane + i) * 3 + order[c]] / 255 - mean[c]) / std[c]
    return out
  }
  /** Planes of whole pixels, over `unit`. */
  const asPixels = (unit: number): Float32Array =>
    Float32Array.from(good, (x, i) => {
      const c = Math.floor(i / plane) % 3
      return Math.round((x * std[c] + mean[c]) * 255) / unit
    })
  const spoilt = (change: (data: Float32Array) => void): Float32Array => {
    const copy = good.slice()
    change(copy)
    return copy
  }
  const whole = ({ suspicious }: Awaited<ReturnType<typeof look>>): string[] =>
    suspicious.filter(s => s.sample === 'all samples').map(s => s.what)

  beforeAll(() => {
    pixels = readFileSync(`${sharedData}cifar10/calib512_images.bin`).subarray(0, count * 3 * plane)
    good = normalised([0, 1, 2])
  })

  test('in order raise no suspicion', async () => {
    expect(await look(good)).toMatchObject({ skipped: [], suspicious: [], names: { length: count } })
  })

  test('a sample with one NaN is named and left out', async () => {
    const found = await look(spoilt(d => void (d[5 * 3 * plane + 17] = Number.NaN)))
    expect(found.names).not.toContain('c.npz[5]')
    expect(found.skipped).toEqual([{ sample: 'c.npz[5]', why: expect.stringMatching(/NaN/) }])
    expect(found.suspicious).toEqual([{ sample: 'c.npz[5]', what: expect.stringMatching(/NaN/) }])
  })

  test.each([0, 5, 127])('a sample with one value of 10,000 is named and left out, also as number %i', async at => {
    const found = await look(spoilt(d => void (d[at * 3 * plane + 17] = 1e4)))
    expect(found.names.length).toBe(count - 1)
    expect(found.skipped).toEqual([
      { sample: `c.npz[${at}]`, why: expect.stringMatching(/a value of 10000, \d{4} times what others reach/) },
    ])
    expect(found.suspicious.length).toBe(1)
  })

  test('without a spec too, an outlier thousands of times the rest is left out', async () => {
    const found = await look(
      spoilt(d => void (d[9 * 3 * plane] = -1e4)),
      nchw,
      { inputs: {} },
    )
    expect(found.skipped.map(s => s.sample)).toEqual(['c.npz[9]'])
  })

  test('a sample of zeros and a constant one are named and kept', async () => {
    const found = await look(
      spoilt(d => {
        d.fill(0, 0, 3 * plane)
        d.fill(0.5, 3 * plane, 6 * plane)
      }),
    )
    expect(found.names.length).toBe(count)
    expect(found.suspicious).toEqual([
      { sample: 'c.npz[0]', what: "all values of 'x' are 0" },
      { sample: 'c.npz[1]', what: "all values of 'x' are 0.5" },
    ])
  })

  test('all zeros are named', async () => {
    const found = await look(new Float32Array(good.length))
    expect(found.suspicious.some(s => /are 0$/.test(s.what))).toBe(true)
  })

  test('pixels of 0..255 and 0..1 that nobody normalised are named, and normalised as the spec says', async () => {
    for (const unit of [1, 255]) {
      const found = await look(asPixels(unit))
      expect(whole(found)).toEqual([expect.stringMatching(`pixels of 0 to ${255 / unit} .*un-normalised`)])
      expect(found.skipped).toEqual([])
      for (const [i, x] of found.first.entries()) expect(x).toBeCloseTo(good[i], 5)
    }
  })

  test('a few such pictures among good ones are named one by one', async () => {
    const raw = asPixels(1)
    const found = await look(spoilt(d => d.set(raw.subarray(9 * 3 * plane, 11 * 3 * plane), 9 * 3 * plane)))
    expect(found.suspicious.map(s => s.sample)).toEqual(['c.npz[9]', 'c.npz[10]'])
    expect(found.names.length).toBe(count)
  })

  test('values that are no pixels are named and fed as they are: multiples, values between pixels, values normalised twice', async () => {
    const multiples = await look(Float32Array.from(good, x => x * 255))
    expect(whole(multiples)).toEqual([expect.stringMatching(/un-normalised/)])
    expect(multiples.first[0]).toBe(Math.fround(good[0] * 255))
    const between = asPixels(1).map(x => x * 0.9 + 0.3)
    expect(whole(await look(between))).toEqual([expect.stringMatching(/look un-normalised/)])
    expect(whole(await look(between.map(x => x / 255)))).toEqual([expect.stringMatching(/no mean was subtracted/)])
    expect(whole(await look(good.map(x => x / 255)))).toEqual([expect.stringMatching(/scaled twice/)])
  })

  test('bright pictures of a spec that gives -1..1 are not taken for pixels over 255', async () => {
    const half: InputSpec = { inputs: { '*': { scale: 1 / 255, mean: [0.5], std: [0.5] } } }
    const bright = Float32Array.from(asPixels(1), x => ((128 + Math.floor(x / 2)) / 255 - 0.5) / 0.5)
    const found = await look(bright, nchw, half)
    expect(found.suspicious.filter(s => /pixels/.test(s.what))).toEqual([])
    expect(found.first).toEqual(bright.subarray(0, 3 * plane))
  })

  test.each([8, 20, 100, -100])('one value of %d, which the given spec cannot make, costs its sample', async wild => {
    const found = await look(spoilt(d => void (d[9 * 3 * plane] = wild)))
    expect(found.skipped).toEqual([{ sample: 'c.npz[9]', why: expect.stringMatching(`a value of ${wild}`) }])
    expect(whole(found)).toEqual([])
  })

  test.each([100, 1000])('without a spec, one value of %d that stands alone costs its sample', async wild => {
    const found = await look(
      spoilt(d => void (d[9 * 3 * plane] = wild)),
      nchw,
      { inputs: {} },
    )
    expect(found.skipped.map(s => s.sample)).toEqual(['c.npz[9]'])
  })

  test('without a spec, a sample that is thirty times louder as a whole is kept', async () => {
    const loud = spoilt(d => d.set(d.subarray(0, 3 * plane).map(x => x * 30)))
    expect((await look(loud, nchw, { inputs: {} })).skipped).toEqual([])
  })

  test('a pixel that is broken in most samples costs those, under a given spec and a proposed one', async () => {
    const { proposeInput } = await import('../../src/data/propose-input.ts')
    const most = spoilt(d => {
      for (let n = 0; n < 80; n++) d[n * 3 * plane + 17] = 1e4
    })
    for (const input of [spec, proposeInput(nchw).spec]) {
      const found = await look(most, nchw, input)
      expect([found.names.length, found.skipped.length]).toEqual([count - 80, 80])
    }
  })

  test('a pixel that is broken in all samples is an error, or a warning where it may be meant', async () => {
    const { proposeInput } = await import('../../src/data/propose-input.ts')
    const all = (value: number) =>
      spoilt(d => {
        for (let n = 0; n < count; n++) d[n * 3 * plane + 17] = value
      })
    await expect(look(all(1e4))).rejects.toThrow(/No sample of c.npz can be used: 'x' has a value of 10000/)
    expect(whole(await look(all(100), nchw, proposeInput(nchw).spec))).toEqual([
      expect.stringMatching(/single values of 'x' reach 100/),
    ])
  })

  test('pixels where a proposed spec would normalise are doubted, in weaker words', async () => {
    const { proposeInput } = await import('../../src/data/propose-input.ts')
    const proposed = proposeInput(nchw).spec
    const planar = Float32Array.from(good, (x, i) =>
      Math.round((x * std[Math.floor(i / plane) % 3] + mean[Math.floor(i / plane) % 3]) * 255),
    )
    expect(whole(await look(planar, nchw, proposed))).toEqual([expect.stringMatching(/maybe/)])
    expect(whole(await look(good, nchw, proposed))).toEqual([])
  })

  test('colours interleaved where planes are wanted, and planes where they are wanted interleaved, are named', async () => {
    const interleaved = Float32Array.from(pixels, (p, i) => (p / 255 - mean[i % 3]) / std[i % 3])
    expect(whole(await look(interleaved))).toEqual([expect.stringMatching(/swapped layout.*lie as NHWC/)])
    const wants = { inputs: { '*': { ...spec.inputs['*'], layout: 'NHWC' as const } } }
    expect(whole(await look(good, nhwc, wants))).toContainEqual(expect.stringMatching(/swapped layout.*lie as NCHW/))
    expect(whole(await look(interleaved, nhwc, wants))).toEqual([])
  })

  test('BGR pixels normalised as RGB are doubted', async () => {
    expect(whole(await look(normalised([2, 1, 0])))).toEqual([expect.stringMatching(/maybe swapped colours/)])
  })

  test('many repeated samples are named once', async () => {
    const found = await look(spoilt(d => d.copyWithin(64 * 3 * plane, 0, 64 * 3 * plane)))
    expect(found.suspicious).toEqual([
      { sample: 'c.npz[64]', what: 'the same as c.npz[0], one of 64 repeated samples' },
    ])
  })

  test('a second sweep finds the same and nothing twice', async () => {
    const data = spoilt(d => {
      d[3 * plane] = Number.NaN
      d.fill(0, 0, 3 * plane)
    })
    const file = memorySource('c.npz', writeNpz({ x: { dtype: 'float32', shape: [count, 3, 32, 32], data } }))
    const dataset = await openDataset(new Map([['c.npz', file]]), 'c.npz', { model: nchw, spec, codecs })
    const first = await sweep(dataset)
    expect(await sweep(dataset)).toEqual(first)
    expect(first.suspicious.length).toBe(2)
  })
})

describe.skipIf(!hasSharedData)('good data of every kind raise no suspicion', () => {
  const mfcc = build('graph (input_1: f32[N,49,10,1]) -> (y: f32[N,12]) { y = Foo(input_1) }')
  const lines = build('graph (x: f32[N,3,48,W]) -> (y) { y = Foo(x) }')
  const photos = build('graph (x: f32[N,224,224,3]) -> (y: f32[N,1001]) { y = Foo(x) }')
  const line: InputSpec = {
    inputs: { '*': { color: 'BGR', mean: [127.5], std: [127.5], resize: { fit: 'height', size: [48, 1] } } },
  }
  const photo: InputSpec = { inputs: { '*': { layout: 'NHWC', scale: 1 / 127.5, mean: [1], resize: {} } } }
  test.each([
    ['cifar10/calib512.json', nchw, spec, 512],
    ['cifar10/test846.json', nchw, spec, 846],
    ['imagenet/calib64', photos, photo, 64],
    ['kws/calib200.npz', mfcc, { inputs: {} }, 200],
    ['kws/test800.npz', mfcc, { inputs: {} }, 800],
    ['ocr_lines', lines, line, 100],
  ] as const)('%s', async (path, model, input, size) => {
    const { files, main } = await openFiles(sharedData + path, 'data', () => path.endsWith('.json'))
    const found = await sweep(await openDataset(files, main, { model, spec: input as InputSpec, codecs }))
    expect(found).toMatchObject({ skipped: [], suspicious: [], names: { length: size } })
  })
})
