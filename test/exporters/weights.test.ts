// Files of weights, and what goes to Rockchip's toolkit and to TVM.
import { expect, test } from 'vitest'
import { collect, memorySource, text } from '../../src/base/bytes.ts'
import { viewAs } from '../../src/base/dtype.ts'
import { gguf } from '../../src/exporters/gguf.ts'
import { rknn } from '../../src/exporters/rknn.ts'
import { safetensors } from '../../src/exporters/safetensors.ts'
import { tvm } from '../../src/exporters/tvm.ts'
import type { WriteOptions, Written } from '../../src/exporters/types.ts'
import { readGguf } from '../../src/formats/gguf.ts'
import { readSafetensors } from '../../src/formats/safetensors.ts'
import { importModel } from '../../src/importers/index.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import { keptInFloat, type QuantPlan } from '../../src/ir/quant.ts'
import { infer } from '../../src/ops/infer.ts'
import { toFloat16 } from '../../src/stages/quantize/to-float16.ts'
import { findTarget } from '../../src/targets/index.ts'
import { build } from '../build.ts'

const options = (more: Partial<WriteOptions> = {}): WriteOptions => ({
  form: 'float',
  io: 'float',
  bytes: createBytes(),
  preprocess: {},
  quantized: null,
  calibration: null,
  name: 'm.onnx',
  ...more,
})

async function filesOf({ files, around = [] }: Written): Promise<Map<string, Uint8Array>> {
  const read = [...files, ...around].map(async file => [file.path, await collect(file.chunks())] as const)
  return new Map(await Promise.all(read))
}

test('safetensors: codes as w.qweight beside w.scale, which import again as the floats of a graph', async () => {
  const model = infer(
    build(
      'graph (x: f32[1,2]) -> (y) { w = DequantizeLinear(w_q: i8[3,2]{1, 2, 3, 4, 5, 6}, w_scale: f32[3]{0.5, 0.25, 1}, w_zero: i8[3]{0, 0, 0}) {axis=0} y = Gemm(x, w, b: f32[3]{1}) {transB=1} }',
    ),
  )
  const written = await safetensors.write(model, findTarget('safetensors'), options({ form: 'int8' }))
  const file = (await filesOf(written)).get('model.safetensors')!
  const { tensors, metadata } = await readSafetensors(memorySource('model.safetensors', file))
  expect([...tensors.keys()].sort()).toEqual(['b', 'w.qweight', 'w.scale', 'w.zero_point'])
  expect(tensors.get('w.qweight')).toMatchObject({ dtype: 'int8', shape: [3, 2] })
  expect(JSON.parse(metadata.quantization)).toEqual({ w: { axis: 0 } })

  const float = build('graph (x: f32[1,2]) -> (y) { y = Gemm(x, w: f32[3,2], b: f32[3]{1}) {transB=1} }')
  const plain = (await filesOf(await safetensors.write(infer(float), findTarget('safetensors'), options()))).get(
    'model.safetensors',
  )!
  const other = build('graph (x: f32[1,2]) -> (y) { y = Gemm(x, w: f32[3,2]{0}, b: f32[3]{0}) {transB=1} }')
  const onnx = (await filesOf(await tvm.write(other, findTarget('tvm'), options()))).get('model.onnx')!
  const back = await importModel(
    new Map([
      ['m.onnx', memorySource('m.onnx', onnx)],
      ['w.safetensors', memorySource('w.safetensors', plain)],
    ]),
    'm.onnx',
  )
  const read = await createBytes(back.sources).read(back.model.graph.values.get('w')!.data!)
  expect(new Uint8Array(read)).toEqual(new Uint8Array(float.graph.values.get('w')!.data!.data as Uint8Array))
})

test('safetensors: halves go by the names of the floats that they were made of', async () => {
  const model = infer(build('graph (x: f32[1,2]) -> (y) { y = Gemm(x, w: f32[3,2], b: f32[3]) {transB=1} }'))
  const half = await toFloat16(model, createBytes(), () => false, null)
  const written = await safetensors.write(infer(half.model), findTarget('safetensors'), options({ form: 'float16' }))
  const file = (await filesOf(written)).get('model.safetensors')!
  const { tensors } = await readSafetensors(memorySource('model.safetensors', file))
  expect(Object.fromEntries([...tensors].map(([name, t]) => [name, t.dtype]))).toEqual({ b: 'float16', w: 'float16' })
})

test('GGUF: rows of whole blocks are quantised, other matrices halves, vectors floats', async () => {
  const model = infer(
    build(
      'graph (x: f32[1,3]) -> (y) { h = MatMul(x, w: f32[3,64]) i = MatMul(h, v: f32[64,5]) y = Add(i, b: f32[5]) }',
    ),
  )
  const written = await gguf.write(model, findTarget('gguf'), options({ form: 'q4_0' }))
  const file = (await filesOf(written)).get('model.gguf')!
  const { tensors } = await readGguf(memorySource('model.gguf', file))
  expect(Object.fromEntries(tensors.map(t => [t.name, [t.type, t.shape.join()]]))).toEqual({
    w: ['q4_0', '3,64'],
    v: ['f16', '64,5'],
    b: ['f32', '5'],
  })
  expect(written.notes.join('\n')).toMatch(/1 of 3 tensors are halves/)
})

const float = infer(build('graph (x: f32[N,2]) -> (y) { h = Gemm(x, w: f32[3,2]) {transB=1} y = Relu(h) }'))
const fixed = infer(build('graph (x: f32[1,2]) -> (y) { h = Gemm(x, w: f32[3,2]) {transB=1} y = Relu(h) }'))
const plan = { float: [{ node: float.graph.nodes[0].id, op: 'Gemm', why: keptInFloat }] } as unknown as QuantPlan
const sample = (value: number) => ({ x: { dtype: 'float32' as const, shape: [1, 2], data: Float32Array.of(value, 0) } })

test('RKNN: the float model with its dimensions, samples and their list, and the layers that stay float', async () => {
  const written = await rknn.write(
    fixed,
    findTarget('rknn:rk3588'),
    options({ form: 'int8', quantized: { float, plan }, calibration: { real: true, samples: [sample(1), sample(2)] } }),
  )
  const files = await filesOf(written)
  expect([...files.keys()]).toEqual([
    'model.onnx',
    'rknn_config.json',
    'build.py',
    'calibration/0000.npy',
    'calibration/0001.npy',
    'dataset.txt',
  ])
  expect(JSON.parse(text(files.get('rknn_config.json')!))).toMatchObject({
    config: { target_platform: 'rk3588', quantized_dtype: 'w8a8' },
    do_quantization: true,
    dataset: 'dataset.txt',
    hybrid: { float16: ['h'] },
  })
  expect(text(files.get('dataset.txt')!)).toBe('calibration/0000.npy\ncalibration/0001.npy\n')
  const npy = files.get('calibration/0001.npy')!
  expect(viewAs('float32', npy.slice(npy.length - 8))).toEqual(Float32Array.of(2, 0))
  expect(written.notes[0]).toMatch(/calibration\/0000\.npy to calibration\/0001\.npy hold real samples/)
  const { model } = await importModel(new Map([['m.onnx', memorySource('m.onnx', files.get('model.onnx')!)]]))
  expect(model.graph.values.get('x')!.shape).toEqual([1, 2])
})

test('RKNN: made-up samples are called so, and the first toolkit has its own words', async () => {
  const written = await rknn.write(
    fixed,
    findTarget('rknn:rv1126'),
    options({ form: 'int8', calibration: { real: false, samples: [sample(1)] } }),
  )
  expect(written.notes[0]).toMatch(/made-up samples/)
  const files = await filesOf(written)
  expect(JSON.parse(text(files.get('rknn_config.json')!)).config).toMatchObject({
    target_platform: ['rv1126'],
    quantized_dtype: 'asymmetric_affine-u8',
  })
})
