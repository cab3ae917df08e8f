import { describe, expect, test } from 'vitest'
import { type FileSet, memorySource, utf8 } from '../../src/base/bytes.ts'
import { openDataset } from '../../src/data/dataset.ts'
import type { InputSpec } from '../../src/data/input-spec.ts'
import { writeNpy } from '../../src/formats/npy.ts'
import { writeNpz } from '../../src/formats/npz.ts'
import { writeZip } from '../../src/formats/zip.ts'
import { createNodeCodecs } from '../../src/host/node/codecs.ts'
import type { Dataset, Sample } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { build } from '../build.ts'
import reference from './reference.json' with { type: 'json' }

const codecs = createNodeCodecs()
const image = (name: string): Uint8Array =>
  new Uint8Array(Buffer.from(reference.images.find(i => i.name === name)!.file, 'base64'))
const filesOf = (files: Record<string, Uint8Array>): FileSet =>
  new Map(Object.entries(files).map(([path, bytes]) => [path, memorySource(path, bytes)]))
const vector = build('graph (x: f32[N,4]) -> (y) { y = Relu(x) }')
const pictures = build('graph (x: f32[N,3,17,23]) -> (y) { y = Relu(x) }')
const asIs: InputSpec = { inputs: { '*': {} } }

const open = (files: Record<string, Uint8Array>, main: string | null, model: Model, spec: InputSpec = asIs) =>
  openDataset(filesOf(files), main, { model, spec, codecs })
async function all(dataset: Dataset, count?: number): Promise<Sample[]> {
  const samples: Sample[] = []
  for await (const sample of dataset.samples(count === undefined ? {} : { count })) samples.push(sample)
  return samples
}
const numbers = (count: number, width = 4): Float32Array =>
  Float32Array.from({ length: count * width }, (_, i) => ((i * 7) % 13) - 6)

describe('.npz and .npy', () => {
  const x = { dtype: 'float32' as const, shape: [3, 4], data: numbers(3) }
  const labels = { dtype: 'int64' as const, shape: [3], data: BigInt64Array.of(2n, 0n, 1n) }

  test('give one sample after the other, with labels', async () => {
    const dataset = await open({ 'a.npz': writeNpz({ x, labels }) }, 'a.npz', vector)
    const samples = await all(dataset)
    expect(dataset).toMatchObject({ name: 'a.npz', size: 3, labels: 'class' })
    expect(samples.map(s => [s.index, s.name, s.label])).toEqual([
      [0, 'a.npz[0]', 2],
      [1, 'a.npz[1]', 0],
      [2, 'a.npz[2]', 1],
    ])
    expect(samples[1].feeds.x).toEqual({ dtype: 'float32', shape: [1, 4], data: x.data.slice(4, 8) })
  })

  test('the sweep can be repeated, and cut at a number of samples', async () => {
    const dataset = await open({ 'a.npz': writeNpz({ x }) }, 'a.npz', vector)
    expect((await all(dataset, 2)).length).toBe(2)
    expect((await all(dataset)).length).toBe(3)
    expect(dataset.labels).toBeNull()
  })

  test('.npy needs no name', async () => {
    const [sample] = await all(await open({ 'a.npy': writeNpy(x) }, 'a.npy', vector))
    expect([...sample.feeds.x.data]).toEqual([...x.data.slice(0, 4)])
  })

  test('float64 and integers become what the model wants', async () => {
    const wide = { dtype: 'float64' as const, shape: [1, 4], data: Float64Array.of(0.1, 1, 2, 3) }
    const [sample] = await all(await open({ 'a.npz': writeNpz({ x: wide }) }, 'a.npz', vector))
    expect(sample.feeds.x.data).toEqual(Float32Array.of(0.1, 1, 2, 3))
    const ids = build('graph (ids: i64[N,2]) -> (y) { y = Identity(ids) }')
    const narrow = { dtype: 'int32' as const, shape: [1, 2], data: Int32Array.of(5, -6) }
    const [first] = await all(await open({ 'a.npz': writeNpz({ ids: narrow }) }, 'a.npz', ids))
    expect(first.feeds.ids.data).toEqual(BigInt64Array.of(5n, -6n))
  })

  test('another name, another shape, another count are errors that name the array and what is wanted', async () => {
    await expect(open({ 'a.npz': writeNpz({ data: x }) }, 'a.npz', vector)).rejects.toThrow(
      /holds data \[3, 4\]; the model's inputs are x \[N, 4\]/,
    )
    const wrong = { ...x, shape: [4, 3] }
    await expect(open({ 'a.npz': writeNpz({ x: wrong }) }, 'a.npz', vector)).rejects.toThrow(
      /array 'x' has the shape \[4, 3\]; the model wants \[N, 4\]/,
    )
    const short = { ...labels, shape: [2], data: labels.data.slice(1) }
    await expect(open({ 'a.npz': writeNpz({ x, labels: short }) }, 'a.npz', vector)).rejects.toThrow(/'labels' has/)
  })

  test('a swapped layout that does not fit is named, with the transpose that mends it', async () => {
    const nhwc = { dtype: 'float32' as const, shape: [1, 17, 23, 3], data: numbers(1, 17 * 23 * 3) }
    await expect(open({ 'a.npz': writeNpz({ x: nhwc }) }, 'a.npz', pictures)).rejects.toMatchObject({
      message: expect.stringMatching(/\[1, 17, 23, 3\]; the model wants \[N, 3, 17, 23\]/),
      hint: expect.stringMatching(/transpose\(0, 3, 1, 2\)/),
    })
  })

  test('uint8 pictures go through the input spec', async () => {
    const data = Uint8Array.from({ length: 17 * 23 * 3 }, (_, i) => i % 251)
    const x = { dtype: 'uint8' as const, shape: [1, 17, 23, 3], data }
    const spec: InputSpec = { inputs: { x: { scale: 2, mean: [1], color: 'BGR' } } }
    const [sample] = await all(await open({ 'a.npz': writeNpz({ x }) }, 'a.npz', pictures, spec))
    expect(sample.feeds.x.shape).toEqual([1, 3, 17, 23])
    expect(sample.feeds.x.data[0]).toBe(2 * 2 - 1) // blue of the first pixel
  })

  test('every required input must be there', async () => {
    const two = build('graph (x: f32[N,4], m: f32[N,4]) -> (y) { y = Add(x, m) }')
    await expect(open({ 'a.npz': writeNpz({ x }) }, 'a.npz', two)).rejects.toThrow(/x \[N, 4\], m \[N, 4\]/)
    const [sample] = await all(await open({ 'a.npz': writeNpz({ x, m: x }) }, 'a.npz', two))
    expect(Object.keys(sample.feeds)).toEqual(['x', 'm'])
  })
})

describe('images', () => {
  const png = image('png')
  const jpeg = image('jpeg 4:4:4')

  test('of integer folders are labelled by them; folders take turns', async () => {
    const files = { 'd/10/b.png': png, 'd/10/a.jpg': jpeg, 'd/2/c.png': png, 'd/2/.DS_Store': png, 'd/readme.txt': png }
    const dataset = await open(files, null, pictures)
    expect(dataset).toMatchObject({ name: 'd', size: 3, labels: 'class' })
    expect((await all(dataset)).map(s => [s.name, s.label])).toEqual([
      ['d/10/a.jpg', 10],
      ['d/2/c.png', 2],
      ['d/10/b.png', 10],
    ])
  })

  test('of named folders are labelled by sorted order', async () => {
    const dataset = await open({ 'dog/a.png': png, 'cat/b.png': png }, null, pictures)
    expect((await all(dataset)).map(s => [s.name, s.label])).toEqual([
      ['cat/b.png', 0],
      ['dog/a.png', 1],
    ])
  })

  test('are labelled by labels.csv, classes or text; rows without a file are named', async () => {
    const csv = utf8('file,label\nb.png,7\na.png,3\ngone.png,1\n')
    const dataset = await open({ 'x/labels.csv': csv, 'x/a.png': png, 'x/b.png': png }, null, pictures)
    expect((await all(dataset)).map(s => s.label)).toEqual([3, 7])
    expect(dataset.skipped).toEqual([{ sample: 'gone.png', why: expect.stringMatching(/not there/) }])
    const lines = await open({ 'labels.csv': utf8('file,text\na.png,"one, two"\n'), 'a.png': png }, null, pictures)
    expect(lines.labels).toBe('text')
    expect((await all(lines))[0].label).toBe('one, two')
  })

  test('in a zip are read as in a folder', async () => {
    const zip = writeZip([
      { path: '0/a.png', bytes: png },
      { path: '1/b.jpg', bytes: jpeg },
      { path: '__MACOSX/0/._a.png', bytes: png },
    ])
    const dataset = await open({ 'a.zip': zip }, 'a.zip', pictures)
    expect((await all(dataset)).map(s => s.label)).toEqual([0, 1])
  })

  test('one broken among many is named, left out and counted; others are read on', async () => {
    const files = {
      'a.png': png,
      'b.jpg': jpeg.subarray(0, 300),
      'c.png': utf8('no image'),
      'd.gif': png,
      'e.jpg': jpeg,
    }
    const dataset = await open(files, null, pictures)
    expect((await all(dataset)).map(s => s.name)).toEqual(['a.png', 'e.jpg'])
    expect(dataset.skipped.map(s => s.sample).sort()).toEqual(['b.jpg', 'c.png', 'd.gif'])
    expect(dataset.skipped.find(s => s.sample === 'b.jpg')?.why).toMatch(/cut short/)
    expect((await all(dataset, 2)).map(s => s.name)).toEqual(['a.png', 'e.jpg'])
    expect(dataset.skipped.length).toBe(3)
  })

  test('all broken is an error that names the first', async () => {
    const dataset = await open({ 'a.png': utf8('x'), 'b.png': utf8('y') }, null, pictures)
    await expect(all(dataset)).rejects.toMatchObject({ code: 'bad-data', where: { sample: 'a.png' } })
  })

  test('of another size are refused without a resize, and fed with one', async () => {
    const small = build('graph (x: f32[N,3,8,8]) -> (y) { y = Relu(x) }')
    await expect(all(await open({ 'a.png': png }, null, small))).rejects.toThrow(/17 x 23, input 'x' wants 8 x 8/)
    const [sample] = await all(await open({ 'a.png': png }, null, small, { inputs: { '*': { resize: {} } } }))
    expect(sample.feeds.x.shape).toEqual([1, 3, 8, 8])
  })

  test('cannot feed a model of two inputs', async () => {
    const two = build('graph (x: f32[N,3,8,8], m: f32[N,4]) -> (y) { y = Foo(x, m) }')
    await expect(open({ 'a.png': png }, null, two)).rejects.toThrow(/the model has 2: x .* m/)
  })

  test('can be looked at one by one, as they came and as they are fed', async () => {
    const dataset = await open({ 'a.png': png, 'b.png': utf8('broken') }, null, pictures)
    const { sample, original } = await dataset.peek(0)
    expect(original).toMatchObject({ width: 23, height: 17 })
    expect(sample.feeds.x.data[0]).toBe(original?.rgba[0])
    await expect(dataset.peek(1)).rejects.toThrow(/no PNG, JPEG, WebP or BMP/)
    await expect(dataset.peek(2)).rejects.toThrow(/no sample 2/)
  })
})

describe('raw files', () => {
  const bytes = Uint8Array.from({ length: 2 * 17 * 23 * 3 }, (_, i) => (i * 31) % 256)
  const json = (over: object = {}): Uint8Array =>
    utf8(
      JSON.stringify({
        images: 'x.bin',
        dtype: 'uint8',
        shape: [2, 17, 23, 3],
        layout: 'NHWC',
        color: 'RGB',
        labels: 'y.bin',
        labelDtype: 'uint8',
        classes: ['a', 'b'],
        ...over,
      }),
    )
  const files = { 'd/x.json': json(), 'd/x.bin': bytes, 'd/y.bin': Uint8Array.of(1, 0) }

  test('are read by their description', async () => {
    const dataset = await open(files, 'd/x.json', pictures)
    const samples = await all(dataset)
    expect(samples.map(s => [s.name, s.label])).toEqual([
      ['x[0]', 1],
      ['x[1]', 0],
    ])
    expect(samples[1].feeds.x.data[0]).toBe(bytes[17 * 23 * 3])
  })

  test('of another size than described are refused', async () => {
    const short = { ...files, 'd/x.bin': bytes.subarray(1) }
    await expect(open(short, 'd/x.json', pictures)).rejects.toThrow(/x\.bin has 2345 bytes, .* needs 2346/)
    const swapped = { ...files, 'd/x.json': json({ layout: 'NCHW' }) }
    await expect(open(swapped, 'd/x.json', pictures)).rejects.toThrow(/17 channels/)
    const gone = { 'd/x.json': json(), 'd/x.bin': bytes }
    await expect(open(gone, 'd/x.json', pictures)).rejects.toThrow(/y\.bin, which is not there/)
    await expect(open({ 'x.json': utf8('{}') }, 'x.json', pictures)).rejects.toThrow(/describes no raw images/)
  })
})

test('nothing at all, or nothing that is data, is an error that says what would be', async () => {
  await expect(open({}, null, vector)).rejects.toThrow(/No samples/)
  await expect(open({ 'a.txt': utf8('x') }, null, vector)).rejects.toMatchObject({
    code: 'bad-data',
    hint: expect.stringMatching(/npz/),
  })
})

test('the hash changes with the content and with the spec, and with nothing else', async () => {
  const file = (first: number) =>
    writeNpz({ x: { dtype: 'float32', shape: [1, 4], data: Float32Array.of(first, 2, 3, 4) } })
  const hash = async (first: number, spec: InputSpec) =>
    (await open({ 'a.npz': file(first) }, 'a.npz', vector, spec)).hash
  expect(await hash(1, asIs)).toBe(await hash(1, asIs))
  expect(await hash(1, asIs)).not.toBe(await hash(2, asIs))
  expect(await hash(1, asIs)).not.toBe(await hash(1, { inputs: {} }))
})
