// Targets whose own tools make the file that runs: ONNX for TensorRT and Qualcomm, with ranges beside it. What the tools refuse is not written.
import { beforeAll, expect, test } from 'vitest'
import { collect, memorySource, text } from '../../src/base/bytes.ts'
import { viewAs } from '../../src/base/dtype.ts'
import { ambarella as ambarellaExporter } from '../../src/exporters/ambarella.ts'
import { qualcomm as qualcommExporter } from '../../src/exporters/qualcomm.ts'
import { tensorrt as tensorrtExporter } from '../../src/exporters/tensorrt.ts'
import type { Written } from '../../src/exporters/types.ts'
import { parseAimetEncodings } from '../../src/formats/aimet-encodings.ts'
import { parseTensorrtCache } from '../../src/formats/tensorrt-cache.ts'
import { importModel } from '../../src/importers/index.ts'
import type { Context } from '../../src/ir/context.ts'
import type { Graph } from '../../src/ir/model.ts'
import type { Target } from '../../src/ir/target.ts'
import { floats } from '../../src/ir/tensor.ts'
import { freeze } from '../../src/ops/freeze.ts'
import { ambarella } from '../../src/targets/ambarella.ts'
import { onnxruntime } from '../../src/targets/onnxruntime.ts'
import { qualcomm } from '../../src/targets/qualcomm.ts'
import { tensorrt } from '../../src/targets/tensorrt.ts'
import { build } from '../build.ts'
import { play, testContext } from '../quantize/played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const model = build(`graph (x: f32[N,4,8,8]) -> (y) {
  c = Conv(x, w1: f32[8,4,3,3], b1: f32[8]) {pads=[1,1,1,1]}
  r = Relu(c)
  d = Conv(r, w2: f32[8,1,3,3], b2: f32[8]) {group=8, pads=[1,1,1,1]}
  k = Clip(d, f32[]{-0.5}, f32[]{6})
  e = Conv(k, w3: f32[8,8,1,1], b3: f32[8])
  s = Add(e, r)
  t = Relu(s)
  p = Pad(t, i64[8]{0,2,0,0,0,2,0,0}, zero: f32[]{0}) {mode="constant"}
  f = Conv(p, w4: f32[8,12,3,3], b4: f32[8])
  g = Flatten(f)
  y = Gemm(g, w5: f32[5,288], b5: f32[5]) {transB=1}
}`)

async function writtenFor(target: Target, form: string) {
  const { state, variant, sqnr } = await play(model, ctx, { wanted: { target, form } })
  const plan = variant.plan!
  const exporter = target.exporter === 'tensorrt' ? tensorrtExporter : qualcommExporter
  const written = await exporter.write(variant.model, target, {
    form,
    io: 'float',
    bytes: ctx.bytes,
    preprocess: {},
    calibration: null,
    quantized: { float: variant.reference ?? state.model, plan },
    name: 'model',
  })
  return { written, plan, sqnr: sqnr.y }
}

async function file({ files, around = [] }: Written, path: string): Promise<Uint8Array> {
  const found = [...files, ...around].find(f => f.path === path)
  expect(found, path).toBeDefined()
  return collect(found!.chunks())
}

async function graphIn(written: Written): Promise<Graph> {
  const onnx = memorySource('model.onnx', await file(written, 'model.onnx'))
  return (await importModel(new Map([['model.onnx', onnx]]))).model.graph
}

test('TensorRT gets symmetric pairs, also before both sides of a sum, and biases in floats', async () => {
  const { written, sqnr } = await writtenFor(tensorrt, 'qdq')
  expect(sqnr).toBeGreaterThan(25)
  const { nodes, values } = await graphIn(written)
  const maker = new Map(nodes.flatMap(n => n.outputs.map(name => [name, n] as const)))
  for (const node of nodes.filter(n => /QuantizeLinear$/i.test(n.op) || n.op === 'DequantizeLinear')) {
    const [input, , zero] = node.inputs.map(name => values.get(name!) ?? null)
    expect(zero?.dtype ?? input?.dtype).toBe('int8')
    if (zero?.data)
      expect(Array.from(viewAs('int8', zero.data.data as Uint8Array), Number).every(z => z === 0)).toBe(true)
  }
  const sum = nodes.find(n => n.op === 'Add')!
  expect(sum.inputs.map(name => maker.get(name!)?.op)).toEqual(['DequantizeLinear', 'DequantizeLinear'])
  for (const conv of nodes.filter(n => n.op === 'Conv'))
    expect(values.get(conv.inputs[2]!)?.data?.dtype).toBe('float32')
  expect(written.notes.join()).toContain('Not run on its own runtime')
  expect(text(await file(written, 'build.py'))).toContain('build_serialized_network')
})

test('a calibration cache has the scale of every value that is rounded, beside the float model', async () => {
  const { written, plan } = await writtenFor(tensorrt, 'calibration')
  const graph = await graphIn(written)
  expect(graph.nodes.map(n => n.op)).not.toContain('QuantizeLinear')
  const { scales } = parseTensorrtCache(text(await file(written, 'calibration.cache')), 'calibration.cache')
  expect(scales.length).toBe(plan.activations.size)
  const known = new Set([...graph.inputs, ...graph.nodes.flatMap(n => n.outputs)])
  for (const { name, scale } of scales) {
    expect(known.has(name), name).toBe(true)
    expect(scale).toBeCloseTo(plan.activations.get(name)!.scale[0], 6)
  }
})

test('unsigned codes are found before anything is written for TensorRT', async () => {
  const { variant } = await play(model, ctx, { wanted: { target: onnxruntime, form: 'qdq' } })
  const problems = tensorrtExporter.check!(variant.model, tensorrt, 'qdq')
  expect(problems.some(p => p.level === 'refused' && p.why.includes('uint8'))).toBe(true)
  const options = {
    form: 'qdq',
    io: 'float' as const,
    bytes: ctx.bytes,
    preprocess: {},
    calibration: null,
    quantized: null,
    name: 'm',
  }
  await expect(tensorrtExporter.write(variant.model, tensorrt, options)).rejects.toMatchObject({ code: 'unsupported' })
})

test.each([
  ['w8a8', 8],
  ['w8a16', 16],
])('encodings of %s are those of the plan, under the names of the float model', async (form, bits) => {
  const { written, plan, sqnr } = await writtenFor(qualcomm, form)
  expect(sqnr).toBeGreaterThan(25)
  const graph = await graphIn(written)
  expect(graph.nodes.map(n => n.op)).not.toContain('QuantizeLinear')
  const json = JSON.parse(text(await file(written, 'model.encodings')))
  const { version, activations, parameters } = parseAimetEncodings(json, 'model.encodings')
  expect(version).toBe('1.0.0')
  const names = activations.map(a => a.name)
  // What only moves values has no encoding of its own; the depthwise convolution has that of its Clip, the padding that of what it pads.
  expect(names.sort()).toEqual(
    ['d', 'e', 'f', 'k', 'r', 't', 'x', 'y', ...names.filter(n => !/^[a-z]$/.test(n))].sort(),
  )
  const of = (name: string) => activations.find(a => a.name === name)!
  expect(of('d')).toEqual({ ...of('k'), name: 'd' })
  expect(of('zero')).toEqual({ ...of('t'), name: 'zero' })
  for (const { name, bits: width, scales, offsets } of activations.filter(a => plan.activations.has(a.name))) {
    const { scale, zeroPoint } = plan.activations.get(name)!
    expect([width, scales, offsets]).toEqual([bits, Array.from(scale), Array.from(zeroPoint, z => 0 - z)])
  }
  expect(parameters.map(p => p.name).sort()).toEqual(['w1', 'w2', 'w3', 'w4', 'w5'])
  for (const { scales, offsets } of parameters) expect(offsets).toEqual(scales.map(() => -128))
  expect(text(await file(written, 'convert.sh'))).toContain(`--act_bitwidth ${bits}`)
})

test('Ambarella gets the float model, raw samples with their list, the bits of each layer, and the commands', async () => {
  const [target] = ambarella
  const step = { layers: { e: { activations: 'int16', weights: 'int16' }, f: { float: true } } }
  const { state, variant } = await play(model, ctx, { step, wanted: { target, form: 'mixed' } })
  const samples = [1, 2].map(k => ({
    x: floats(
      [1, 4, 8, 8],
      Float32Array.from({ length: 256 }, (_, i) => i * k),
    ),
  }))
  const written = await ambarellaExporter.write(freeze(variant.model, { x: [1, 4, 8, 8] }), target, {
    form: 'mixed',
    io: 'float',
    bytes: ctx.bytes,
    preprocess: {},
    calibration: { real: true, samples },
    quantized: { float: variant.reference ?? state.model, plan: variant.plan! },
    name: 'model',
  })
  const { nodes, values } = await graphIn(written)
  expect(nodes.some(n => /Quantize/.test(n.op))).toBe(false)
  expect(values.get('x')?.shape).toEqual([1, 4, 8, 8])
  const list = text(await file(written, 'calibration/input0.txt'))
  expect(list).toBe('calibration/input0/0000.bin\ncalibration/input0/0001.bin\n')
  const raw = await file(written, 'calibration/input0/0001.bin')
  expect(viewAs('float32', raw)).toEqual(samples[1].x.data)
  const bits = new Map(
    text(await file(written, 'layer_bits.csv'))
      .trim()
      .split('\n')
      .map(line => line.split(','))
      .map(([layer, , , count]) => [layer, count] as const),
  )
  expect([bits.get('c'), bits.get('e'), bits.get('f'), bits.get('y')]).toEqual(['8', '16', '16', '8'])
  const script = text(await file(written, 'compile.sh'))
  expect(script).toContain("-isrc 'is:1,4,8,8|iq|idf:1,2,0,7|i:x=calibration/input0.txt'")
  expect(script).toContain("-odst 'o:y|odf:fp32'")
  expect(written.notes.join()).toMatch(/Not run on its own runtime.*0000\.bin to .*0001\.bin hold real samples/)
  // Nobody here knows what the tools take.
  expect(ambarellaExporter.check!(model, target, 'mixed').every(p => p.level === 'unknown')).toBe(true)
})
