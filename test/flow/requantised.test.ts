// A model that was quantised for one runtime leaves for another without samples: in integers, and as good as it came.
import { beforeAll, expect, test } from 'vitest'
import { collect, memorySource } from '../../src/base/bytes.ts'
import { createRng } from '../../src/base/rng.ts'
import { importModel } from '../../src/importers/index.ts'
import type { Context, Feeds } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { floats, type NdArray, transposed } from '../../src/ir/tensor.ts'
import { convert } from '../../src/jobs/convert.ts'
import { previewing } from '../../src/recipe/steps/preview.ts'
import { findTarget } from '../../src/targets/index.ts'
import { build } from '../build.ts'
import { outputsOf, writtenFor } from '../exporters/written.ts'
import { testContext } from '../quantize/played.ts'
import { decibels } from '../targets/decibels.ts'

const targets = ['onnxruntime', 'openvino', 'tflite', 'ncnn', 'mnn']

const network = build(`graph (x: f32[1,3,12,12]) -> (y) {
  a = Conv(x, w0: f32[8,3,3,3], b0: f32[8]) {pads=[1,1,1,1]}
  b = Relu(a)
  c = Conv(b, w1: f32[8,8,3,3], b1: f32[8]) {pads=[1,1,1,1]}
  d = Add(c, b)
  e = Relu(d)
  p = MaxPool(e) {kernel_shape=[2,2], strides=[2,2]}
  f = Conv(p, w2: f32[8,1,3,3], b2: f32[8]) {pads=[1,1,1,1], group=8}
  g = Relu(f)
  h = Conv(g, w3: f32[16,8,1,1], b3: f32[16])
  i = Relu(h)
  j = GlobalAveragePool(i)
  k = Flatten(j)
  y = Gemm(k, w4: f32[10,16], b4: f32[10]) {transB=1}
}`)

const rng = createRng(11)
const feeds = Array.from(
  { length: 8 },
  (): Feeds => ({
    x: floats(
      [1, 3, 12, 12],
      Float32Array.from({ length: 432 }, () => rng.normal()),
    ),
  }),
)

let ctx: Context
let float: Float32Array
const flat = (arrays: Record<string, NdArray>): Float32Array => Object.values(arrays)[0].data as Float32Array
beforeAll(async () => {
  ctx = await testContext()
  float = flat(await outputsOf(network, feeds, ctx))
})

async function read(files: Record<string, Uint8Array>) {
  const model = Object.entries(files).filter(([path]) => /\.(onnx|xml|tflite|param|mnn)$|model\.bin$/.test(path))
  return importModel(new Map(model.map(([path, bytes]) => [path, memorySource(path, bytes)])))
}

/** What the files of a target give by its own arithmetic, against the float network. */
async function levelOf(files: Record<string, Uint8Array>, target: string): Promise<number> {
  const { model, sources } = await read(files)
  const here = await testContext(sources)
  const [input] = model.graph.inputs
  const last = model.graph.values.get(input)!.shape!.at(-1) === 3
  const laid = feeds.map((f): Feeds => ({ [input]: last ? transposed(f.x, [0, 2, 3, 1]) : f.x }))
  return decibels(float, flat(await outputsOf(model, laid, previewing(findTarget(target), here))))
}

/** Products whose factors are both codes, and all of them. */
function products({ graph }: Model): [number, number] {
  const restored = new Set(graph.nodes.filter(n => n.op === 'DequantizeLinear').flatMap(n => n.outputs))
  const all = graph.nodes.filter(n => ['Conv', 'Gemm', 'MatMul'].includes(n.op))
  // A border stands between the codes and what reads them where the format pads with other than 0.
  for (const n of graph.nodes) if (n.op === 'Pad' && restored.has(n.inputs[0])) restored.add(n.outputs[0])
  return [all.filter(({ inputs: [x, w] }) => restored.has(x) && restored.has(w)).length, all.length]
}

// Of the network's five products, those that stay in integers. The last one's output has no scale in the files of most, and integer kernels
// of TFLite and MNN need one; ncnn's and MNN's files say nothing of what products give to layers that are in floats there, and MNN's last
// product has but its weights in few bits. ncnn has 255 codes: what takes a model's input in 256 of them is in floats there.
function least(from: string, to: string): number {
  if (from === 'ncnn') return to === 'ncnn' ? 5 : 2
  if (from === 'mnn') return 3
  return to === 'onnxruntime' || to === 'openvino' ? 5 : 4
}

test.each(targets)(
  'from %s',
  async from => {
    const form = findTarget(from).forms.find(f => f.holds === 'quantised')!.id
    const { files } = await writtenFor(network, ctx, from, form)
    const came = await levelOf(files, from)
    for (const to of targets.filter(t => t !== from)) {
      const imported = await read(files)
      const bundle = await convert(imported, to, await testContext(imported.sources))
      const written: Record<string, Uint8Array> = {}
      for (const { path, file } of bundle.files) written[path] = await collect(file.chunks())
      const level = await levelOf(written, to)
      const { model } = await read(written)
      expect.soft(level, to).toBeGreaterThan(came - 2)
      expect.soft(products(model)[0], to).toBeGreaterThanOrEqual(least(from, to))
    }
  },
  120_000,
)
