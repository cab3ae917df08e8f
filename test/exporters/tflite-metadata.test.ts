// What a .tflite file says of itself: read back by our own schema, and by tflite-support's.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { collect, memorySource, text } from '../../src/base/bytes.ts'
import type { ImageInput } from '../../src/data/input-spec.ts'
import { tflite as exporter } from '../../src/exporters/tflite.ts'
import { labelsIn } from '../../src/exporters/tflite-metadata.ts'
import { readTflite } from '../../src/formats/tflite.ts'
import { readMetadata } from '../../src/formats/tflite-metadata-schema.ts'
import { readZip } from '../../src/formats/zip.ts'
import { importModel } from '../../src/importers/index.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import { floats } from '../../src/ir/tensor.ts'
import { tflite, tflm } from '../../src/targets/tflite.ts'
import { build } from '../build.ts'
import { installed, runTflite } from '../targets/runtimes.ts'

const spec: ImageInput = {
  layout: 'NCHW',
  color: 'RGB',
  scale: 1 / 255,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  pad: 0,
}

const graph = `graph (x: f32[1,3,8,6], extra: f32[1,2]) -> (y) {
  c = Conv(x, f32[4,3,3,3])
  g = GlobalAveragePool(c)
  f = Flatten(g)
  j = Concat(f, extra) {axis=1}
  y = Gemm(j, f32[6,3], f32[3])
}`

async function written(meta: Record<string, string>, preprocess: Record<string, ImageInput>, target = tflite) {
  const model = build(graph, { meta })
  const rest = { io: 'float' as const, quantized: null, calibration: null, name: 'birds', bytes: createBytes() }
  const { files } = await exporter.write(model, target, { form: 'float', preprocess, ...rest })
  return collect(files[0].chunks())
}

const names = "{0: 'wren', 1: \"rook's nest\", 2: 'kite'}"

test('pictures are said as (pixel - mean) / std, and places of an output by their names', async () => {
  const file = await written({ names }, { x: spec })
  const { metadata, buffers } = readTflite(file, 'model.tflite')
  expect(metadata?.map(m => m.name)).toEqual(['TFLITE_METADATA'])
  const said = readMetadata(buffers![metadata![0].buffer!].data!)
  expect(said.name).toBe('birds')
  const [{ inputTensorMetadata: inputs, outputTensorMetadata: outputs }] = said.subgraphMetadata!
  expect(inputs!.map(i => i.name)).toEqual(['x', 'extra'])
  expect(inputs![0].processUnits![0].options).toEqual({
    name: 'NormalizationOptions',
    value: {
      mean: Float32Array.from(spec.mean, m => m * 255),
      std: Float32Array.from(spec.std, s => s * 255),
    },
  })
  expect(inputs![0].content).toMatchObject({
    contentProperties: { name: 'ImageProperties', value: { colorSpace: 1, defaultSize: { width: 6, height: 8 } } },
  })
  expect(inputs![1].content).toBeNull()
  expect(outputs).toMatchObject([{ name: 'y', associatedFiles: [{ name: 'labels.txt', type: 2 }] }])
  const zipped = await readZip(memorySource('model.tflite', file))
  const labels = zipped.get('labels.txt')!
  expect(text(await labels.read(0, labels.size))).toBe("wren\nrook's nest\nkite\n")
})

test('the model before it is as it was, and microcontrollers get no words', async () => {
  const plain = await written({}, {})
  expect(readTflite(plain, 'model.tflite').metadata).toBeNull()
  expect(await written({}, { x: spec }, tflm)).toEqual(plain)
  const described = await written({ names }, { x: spec })
  const again = await importModel(new Map([['model.tflite', memorySource('model.tflite', described)]]))
  expect(again.model.graph.nodes.map(n => n.op)).toEqual(
    (await importModel(new Map([['model.tflite', memorySource('model.tflite', plain)]]))).model.graph.nodes.map(
      n => n.op,
    ),
  )
})

test('names of classes that are not as many as the output has places are not said', async () => {
  const { buffers, metadata } = readTflite(await written({ names: "{0: 'a', 1: 'b'}" }, { x: spec }), 'model.tflite')
  const said = readMetadata(buffers![metadata![0].buffer!].data!)
  expect(said.subgraphMetadata![0].outputTensorMetadata![0].associatedFiles).toBeNull()
})

test.each([
  [{ names: "{0: 'a b', 1: 'c'}" }, ['a b', 'c']],
  [{ labels: '["a", "b"]' }, ['a', 'b']],
  [{ classes: 'a\nb\n' }, ['a', 'b']],
  [{ names: "{1: 'a'}" }, null],
  [{ names: '[a, b]' }, null],
  [{}, null],
])('%o names %o', (meta, labels) => {
  expect(labelsIn(meta as Record<string, string>)).toEqual(labels)
})

const support = installed('tflite-support')
test.skipIf(support === null)('tflite-support reads the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-metadata-'))
  try {
    const path = join(folder, 'model.tflite')
    writeFileSync(path, await written({ names }, { x: spec }))
    const script = fileURLToPath(new URL('../targets/run-tflite-support.py', import.meta.url))
    const { metadata, files } = JSON.parse(execFileSync(support!, [script, path], { encoding: 'utf8' }))
    const [{ input_tensor_metadata: inputs, output_tensor_metadata: outputs }] = metadata.subgraph_metadata
    expect(inputs[0].content).toMatchObject({
      content_properties_type: 'ImageProperties',
      content_properties: { color_space: 'RGB', default_size: { width: 6, height: 8 } },
    })
    expect(inputs[0].process_units[0].options.mean[0]).toBeCloseTo(0.485 * 255, 4)
    expect(inputs[0].stats.max[0]).toBeCloseTo((1 - 0.485) / 0.229, 4)
    expect(outputs[0].associated_files).toMatchObject([{ name: 'labels.txt', type: 'TENSOR_AXIS_LABELS' }])
    expect(files).toEqual({ 'labels.txt': "wren\nrook's nest\nkite\n" })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

const litert = installed('tflite')
describe.skipIf(litert === null)('LiteRT', () => {
  test('runs the model with what stands behind it', async () => {
    const feeds = {
      x: floats([1, 8, 6, 3], new Float32Array(144).fill(0.5)),
      extra: floats([1, 2], [1, 2]),
    }
    const models = [await written({}, {}), await written({ names }, { x: spec })]
    const [plain, described] = await runTflite(
      litert!,
      models.map(model => ({ model, feeds })),
    )
    expect(described).toEqual(plain)
  })
})
