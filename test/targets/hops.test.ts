// From one framework to another in one go: models that come in quantised leave without samples, float ones of one format are compressed for
// the runtime of another. Each is judged by both frameworks' own runtimes.
import { readdirSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { collect, memorySource } from '../../src/base/bytes.ts'
import { openDataset } from '../../src/data/dataset.ts'
import type { ImageInputSpec, InputSpec } from '../../src/data/input-spec.ts'
import { createNodeCodecs } from '../../src/host/node/codecs.ts'
import { importModel } from '../../src/importers/index.ts'
import type { Context, Dataset, Feeds } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { type NdArray, transposed } from '../../src/ir/tensor.ts'
import { convert } from '../../src/jobs/convert.ts'
import {
  allFeeds,
  hasShared,
  outputsOf,
  sharedData,
  sharedFile,
  sharedModel,
  stacked,
  writtenFor,
} from '../exporters/written.ts'
import { native } from '../importers/native.ts'
import { testContext } from '../quantize/played.ts'
import { decibels } from './decibels.ts'
import { installed, runTflite } from './runtimes.ts'

const litert = installed('tflite')
const ncnn = native('ncnn', '../importers/run-ncnn.py')
const openvino = native('openvino', '../targets/run-openvino.py')

const reals = (array: NdArray): Float32Array => Float32Array.from(array.data as ArrayLike<number>, Number)
const ratio = (want: NdArray, got: NdArray): number => decibels(reals(want), reals(got))

/** The model files of a bundle, converted without samples. */
async function converted(model: Awaited<ReturnType<typeof sharedModel>>, target: string) {
  const ctx = await testContext(model.sources)
  const bundle = await convert(model, target, ctx)
  const files: Record<string, Uint8Array> = {}
  for (const { path, file } of bundle.files) files[path] = await collect(file.chunks())
  return { files, manifest: bundle.manifest }
}

/** What a float model of the studio's runtime gives, sample by sample. */
async function ran(files: Record<string, Uint8Array>, feeds: Feeds[]): Promise<NdArray> {
  const sources = new Map([['model.onnx', memorySource('model.onnx', files['model.onnx'])]])
  const { model } = await importModel(sources)
  return Object.values(await outputsOf(model, feeds, await testContext(sources)))[0]
}

const asCodes = ({ shape, data }: NdArray, scale: number, zero: number): NdArray => ({
  dtype: 'int8',
  shape,
  data: Int8Array.from(data as Float32Array, x => Math.max(-128, Math.min(127, Math.round(x / scale) + zero))),
})

/** Pictures in RGB, scaled to a size whatever their shape. */
const exactly = (
  size: [number, number],
  rest: Pick<ImageInputSpec, 'layout' | 'scale' | 'mean' | 'std'>,
): InputSpec => ({
  inputs: { '*': { color: 'RGB', resize: { fit: 'exact', size, filter: 'bilinear' }, ...rest } },
})

/** Pictures of ImageNet. */
const pictures = (model: Model, spec: InputSpec, folder: string, count: number): Promise<Dataset> => {
  const names = readdirSync(new URL(`../../../shared/data/imagenet/${folder}`, import.meta.url))
  const chosen = names
    .filter(name => name.endsWith('.jpg'))
    .sort()
    .slice(0, count)
  const files = new Map(chosen.map(name => [name, memorySource(name, sharedFile(`imagenet/${folder}/${name}`))]))
  return openDataset(files, null, { model, spec, codecs: createNodeCodecs() })
}

describe.skipIf(!hasShared || litert === null)('a quantised TFLite model, without samples', () => {
  /** Codes that its own interpreter gives, with the kernels that it takes unless told otherwise and with its reference. */
  async function asked(path: string, samples: NdArray, scale: number, zero: number) {
    const { model } = await sharedModel(path)
    const [name] = model.graph.inputs
    const job = { model: sharedFile(path), feeds: { [name]: asCodes(samples, scale, zero) } }
    const [usual] = await runTflite(litert!, [job], '--default')
    const [reference] = await runTflite(litert!, [job])
    return { usual: Object.values(usual)[0], reference: Object.values(reference)[0] }
  }
  const inReals = (codes: NdArray): NdArray => ({
    dtype: 'float32',
    shape: codes.shape,
    data: Float32Array.from(codes.data as Int8Array, q => (q + 128) / 256), // of a Softmax
  })

  async function judged(path: string, samples: NdArray, scale: number, zero: number) {
    const codes = await asked(path, samples, scale, zero)
    const [usual, reference] = [inReals(codes.usual), inReals(codes.reference)]
    const imported = await sharedModel(path)
    const [input] = imported.model.graph.inputs
    const each = samples.data.length / samples.shape[0]
    const feeds = Array.from(
      { length: samples.shape[0] },
      (_, i): Feeds => ({
        [input]: {
          dtype: 'float32',
          shape: [1, ...samples.shape.slice(1)],
          data: (samples.data as Float32Array).slice(i * each, (i + 1) * each),
        },
      }),
    )
    const onnx = await ran((await converted(imported, 'onnxruntime')).files, feeds)
    const forNcnn = (await converted(imported, 'ncnn')).files
    const got = ncnn && (await ncnn.run([{ files: forNcnn, feeds: { [input]: samples } }]))[0]
    return {
      kernels: ratio(reference, usual),
      onnxruntime: ratio(usual, onnx),
      ncnn: got && ratio(usual, Object.values(got)[0]),
    }
  }

  async function holds(...given: Parameters<typeof judged>) {
    const db = await judged(...given)
    console.log(db)
    expect(db.onnxruntime).toBeGreaterThan(30)
    if (db.ncnn !== null) expect(db.ncnn).toBeGreaterThan(30)
  }

  test('the keyword network: 30 dB in ONNX Runtime and in ncnn', async () => {
    const { model } = await sharedModel('onnx/mlperf_kws.onnx')
    const { feeds } = await allFeeds(await sharedData(model, { inputs: {} }, 'kws/test800.npz'))
    const samples = stacked(feeds.slice(0, 200).map(f => Object.values(f)[0]))
    await holds('ref_int8/kws_int8.tflite', samples, 0.5847029089927673, 83)
  }, 120_000)

  test('ResNet8: 30 dB in ONNX Runtime and in ncnn, of what two sets of TFLite kernels agree on to 23', async () => {
    const { model } = await sharedModel('onnx/mlperf_resnet8.onnx')
    const pixels: InputSpec = {
      inputs: { '*': { layout: 'NHWC', color: 'RGB', scale: 1, mean: [0, 0, 0], std: [1, 1, 1] } },
    }
    const of = (name: string): string[] => ['.json', '_images.bin', '_labels.bin'].map(end => `cifar10/${name}${end}`)
    const { feeds } = await allFeeds(await sharedData(model, pixels, ...of('test846')))
    const samples = stacked(feeds.slice(0, 200).map(f => Object.values(f)[0]))
    await holds('ref_int8/resnet8_int8.tflite', samples, 1, -128)
  }, 120_000)

  test('person or not: 30 dB in ONNX Runtime and in ncnn', async () => {
    const { model } = await sharedModel('onnx/mlperf_vww96.onnx')
    const spec = exactly([96, 96], { layout: 'NHWC', scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1] })
    const { feeds } = await allFeeds(await pictures(model, spec, 'eval136', 60))
    const samples = stacked(feeds.map(f => Object.values(f)[0]))
    await holds('ref_int8/vww96_int8.tflite', samples, 0.003921568859368563, -128)
  }, 120_000)
})

describe.skipIf(!hasShared)('RFB-320 by one command', () => {
  const spec = exactly([240, 320], { layout: 'NCHW', scale: 1, mean: [127, 127, 127], std: [128, 128, 128] })
  let ctx: Context
  beforeAll(async () => {
    ctx = await testContext()
  })

  async function hop(paths: string[], target: string) {
    const { model, sources } = await sharedModel(...paths)
    const here = { ...ctx, ...(await testContext(sources)) }
    const calibration = await pictures(model, spec, 'calib64', 16)
    const { files } = await writtenFor(model, here, target, 'int8', { calibration, samples: 16, input: spec })
    const { feeds } = await allFeeds(await pictures(model, spec, 'eval136', 8))
    return { files, feeds, float: await outputsOf(model, feeds, here), input: model.graph.inputs[0] }
  }
  const levels = (float: Record<string, NdArray>, got: Record<string, NdArray>) =>
    Object.fromEntries(Object.entries(float).map(([name, want]) => [name, ratio(want, got[name])]))

  test.skipIf(openvino === null)(
    'Caffe to OpenVINO int8',
    async () => {
      const paths = ['formats/ultraface_rfb320.prototxt', 'formats/ultraface_rfb320.caffemodel']
      const { files, feeds, float } = await hop(paths, 'openvino')
      const got = await openvino!.run(feeds.map(f => ({ files, feeds: f })))
      const whole = Object.fromEntries(Object.keys(float).map(name => [name, stacked(got.map(g => g![name]))]))
      const db = levels(float, whole)
      console.log(db)
      expect(db.scores).toBeGreaterThan(38)
      expect(db.boxes).toBeGreaterThan(14)
    },
    300_000,
  )

  test.skipIf(litert === null)(
    'MNN to TFLite int8',
    async () => {
      const { files, feeds, float, input } = await hop(['formats/ultraface_rfb320.mnn'], 'tflite')
      const image = transposed(stacked(feeds.map(f => f[input])), [0, 2, 3, 1])
      const [got] = await runTflite(litert!, [{ model: files['model.tflite'], feeds: { [input]: image } }], '--default')
      const db = levels(float, got)
      console.log(db)
      expect(db.scores).toBeGreaterThan(38)
      expect(db.boxes).toBeGreaterThan(14)
    },
    300_000,
  )
})
