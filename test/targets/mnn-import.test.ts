// Models that MNN's own converter made are imported, run by our runner and by MNN, and must agree.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ByteSource, memorySource } from '../../src/base/bytes.ts'
import { createRng } from '../../src/base/rng.ts'
import { encodeModel } from '../../src/exporters/onnx.ts'
import { importModel } from '../../src/importers/index.ts'
import type { Imported } from '../../src/importers/types.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Feeds } from '../../src/ir/context.ts'
import { type Model, requiredInputs } from '../../src/ir/model.ts'
import { build } from '../build.ts'
import { createTestContext } from '../runner.ts'
import { decibels } from './decibels.ts'
import { convertToMnn, mnnPython, runMnn } from './mnn.ts'
import { texts } from './small-models.ts'

const shared = new URL('../../../shared/data/', import.meta.url).pathname
const haveModels = existsSync(join(shared, 'onnx'))
if (!haveModels) console.log('The models of ../shared/data are not here; MNN is asked of small ones only.')

const folder = mkdtempSync(join(tmpdir(), 'thimble-mnn-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function open(path: string): Promise<Imported> {
  const files = new Map<string, ByteSource>()
  for (const at of [path, `${path}.weight`])
    if (existsSync(at)) files.set(basename(at), memorySource(basename(at), new Uint8Array(readFileSync(at))))
  return importModel(files, basename(path))
}

function feedsOf(model: Model): Feeds {
  const rng = createRng(7)
  const feeds: Feeds = {}
  for (const name of requiredInputs(model.graph)) {
    const declared = model.graph.values.get(name)!.shape!
    // The text recogniser leaves height and width open.
    const shape = declared.map((d, i) => (typeof d === 'number' ? d : i === 2 ? 48 : i === 3 ? 320 : 1))
    const count = shape.reduce((n, d) => n * d, 1)
    feeds[name] = { dtype: 'float32', shape, data: Float32Array.from({ length: count }, () => 2 * rng.uniform() - 1) }
  }
  return feeds
}

/** Ours against MNN's, in dB, the lowest of all outputs of each model. */
async function compared(paths: readonly string[]): Promise<number[]> {
  const ours = []
  for (const path of paths) {
    const { model, sources } = await open(path)
    const feeds = feedsOf(model)
    const { runner } = await createTestContext(sources)
    const session = await runner.open(model)
    ours.push({ model: path, feeds, outputs: await session.run(feeds) })
    await session.close()
  }
  const theirs = await runMnn(folder, ours)
  return ours.map(({ outputs }, i) => {
    const each = Object.entries(outputs).map(([name, { data }]) => {
      const other = theirs[i].outputs.get(name)
      return other ? decibels(other.data as ArrayLike<number>, data as ArrayLike<number>) : Number.NaN
    })
    return Math.min(...each)
  })
}

describe.skipIf(mnnPython === null)('small models of one operator each', () => {
  const names = Object.keys(texts)
  let levels: number[] = []
  let failures: (string | null)[] = []
  beforeAll(async () => {
    const jobs = []
    for (const [i, name] of names.entries()) {
      const onnx = join(folder, `small-${i}.onnx`)
      const model = build(texts[name])
      writeFileSync(onnx, await encodeModel(model, createBytes()))
      jobs.push(['-f', 'ONNX', '--modelFile', onnx, '--MNNModel', join(folder, `small-${i}.mnn`), '--bizCode', 'test'])
    }
    convertToMnn(folder, jobs)
    const paths = names.map((_, i) => join(folder, `small-${i}.mnn`))
    failures = await Promise.all(paths.map(path => open(path).then(() => null, String)))
    const good = paths.filter((_, i) => failures[i] === null)
    const found = await compared(good)
    levels = paths.map(path => found[good.indexOf(path)])
  })
  test.each(names.map((name, i) => [name, i] as const))('%s', (_, i) => {
    expect(failures[i]).toBeNull()
    expect(levels[i]).toBeGreaterThan(90)
  })
})

describe.skipIf(mnnPython === null || !haveModels)('real models', () => {
  const onnx = (name: string, ...options: string[]) => [
    '-f',
    'ONNX',
    '--modelFile',
    join(shared, 'onnx', `${name}.onnx`),
    ...options,
  ]
  const file = (format: string, name: string, ...options: string[]) => [
    '-f',
    format,
    '--modelFile',
    join(shared, 'formats', name),
    ...options,
  ]
  const jobs: Record<string, string[]> = {
    resnet20: onnx('cifar10_resnet20'),
    resnet20_raw: onnx('cifar10_resnet20_raw'),
    resnet20_dynamo: onnx('cifar10_resnet20_dynamo'),
    mobilenet_v1: onnx('imagenet_mobilenet_v1_0.25_128_deq'),
    mobilenet_v2: onnx('imagenet_mobilenet_v2_1.0_224_deq'),
    kws: onnx('mlperf_kws'),
    resnet8: onnx('mlperf_resnet8'),
    vww: onnx('mlperf_vww96'),
    ocr: onnx('ppocrv4_rec'),
    ultraface: onnx('ultraface_rfb320_simplified'),
    'weights of 8 bits': onnx('cifar10_resnet20', '--weightQuantBits', '8'),
    'weights of 8 bits, symmetric': onnx('cifar10_resnet20', '--weightQuantBits', '8', '--weightQuantAsymmetric', '0'),
    'weights of 4 bits': onnx('cifar10_resnet20', '--weightQuantBits', '4'),
    'weights of 4 bits in blocks': onnx('cifar10_resnet20', '--weightQuantBits', '4', '--weightQuantBlock', '16'),
    'weights of 3 bits': onnx('cifar10_resnet20', '--weightQuantBits', '3'),
    'scales in halves': onnx('cifar10_resnet20', '--weightQuantBits', '4', '--hqq', '1', '--weightQuantScaleBit', '16'),
    'weights in halves': onnx('cifar10_resnet20', '--fp16'),
    'weights in another file': onnx('cifar10_resnet20', '--saveExternalData', '1'),
    'packed weights in another file': onnx('cifar10_resnet20', '--weightQuantBits', '8', '--saveExternalData', '1'),
    'copies of memory': onnx('ultraface_rfb320_simplified', '--saveStaticModel', '1'),
    'from TFLite': file('TFLITE', 'resnet8_float.tflite'),
    'from TensorFlow': file('TF', 'resnet8_frozen.pb'),
    'from Caffe': file(
      'CAFFE',
      'ultraface_rfb320.caffemodel',
      '--prototxt',
      join(shared, 'formats', 'ultraface_rfb320.prototxt'),
    ),
    'a detector from TFLite': file('TFLITE', 'ultraface_rfb320_nopost.tflite'),
  }
  const names = ['as published', ...Object.keys(jobs)]
  let levels: number[] = []
  beforeAll(async () => {
    const paths = Object.keys(jobs).map((_, i) => join(folder, `real-${i}.mnn`))
    convertToMnn(
      folder,
      Object.values(jobs).map((job, i) => [...job, '--MNNModel', paths[i], '--bizCode', 'test']),
    )
    levels = await compared([join(shared, 'formats', 'ultraface_rfb320.mnn'), ...paths])
    console.log(names.map((name, i) => `${name}: ${levels[i].toFixed(1)} dB`).join('\n'))
  }, 600_000)
  test.each(names.map((name, i) => [name, i] as const))('%s', (_, i) => {
    expect(levels[i]).toBeGreaterThan(90)
  })
})
