import { expect, test } from 'vitest'
import { type ByteSource, collect, concat, type FileSet, memorySource, utf8 } from '../../src/base/bytes.ts'
import { bytesOf, viewAs } from '../../src/base/dtype.ts'
import { StudioError } from '../../src/base/errors.ts'
import { encodeModel, encodeOnnx } from '../../src/exporters/onnx.ts'
import type { GraphRecord, ModelRecord, NodeRecord, TensorRecord } from '../../src/formats/onnx.ts'
import { writeOnnx } from '../../src/formats/onnx-write.ts'
import { Writer } from '../../src/formats/protobuf.ts'
import { importModel } from '../../src/importers/index.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Model } from '../../src/ir/model.ts'
import { build } from '../build.ts'

const fileSet = (files: Record<string, Uint8Array>): FileSet =>
  new Map(Object.entries(files).map(([path, bytes]) => [path, memorySource(path, bytes)]))

const bytesOfModel = (model: Model): Promise<Uint8Array> => encodeModel(model, createBytes())

const node = (op: string, inputs: string[], outputs: string[], more: Partial<NodeRecord> = {}): NodeRecord => ({
  name: '',
  op,
  domain: '',
  overload: '',
  inputs,
  outputs,
  attributes: [],
  ...more,
})
const tensor = (name: string, dims: number[], values: number[]): TensorRecord => ({
  name,
  dims,
  dataType: 1,
  data: bytesOf(Float32Array.from(values)),
  external: null,
})
const info = (name: string, shape: (number | string | null)[] | null = [2]) => ({
  name,
  tensor: { elemType: 1, shape },
})

function file(graph: Partial<GraphRecord>, more: Partial<ModelRecord> = {}): Uint8Array {
  const { parts } = writeOnnx({
    irVersion: 8,
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0,
    opsets: [['', 17]],
    meta: [],
    functions: [],
    graph: {
      name: 'g',
      nodes: [node('Relu', ['x'], ['y'])],
      initializers: [],
      sparse: [],
      inputs: [info('x')],
      outputs: [info('y')],
      valueInfos: [],
      ...graph,
    },
    ...more,
  })
  return concat(parts as Uint8Array[])
}

const read = async (bytes: Uint8Array, others: Record<string, Uint8Array> = {}): Promise<Model> =>
  (await importModel(fileSet({ 'm.onnx': bytes, ...others }))).model

async function fault(work: Promise<unknown>): Promise<StudioError> {
  try {
    await work
  } catch (error) {
    if (error instanceof StudioError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** A record's fields that onnx.proto has and the graph does not model, as wire bytes. */
function wire(make: (w: Writer) => void): Uint8Array {
  const w = new Writer()
  make(w)
  return concat(w.parts() as Uint8Array[])
}

test('what is not modelled comes back in the file that is written', async () => {
  const metadata = (no: number, key: string): Uint8Array =>
    wire(w =>
      w.message(no, pair => {
        pair.string(1, key)
        pair.string(2, 'v')
      }),
    )
  const denoted = wire(w =>
    w.message(1, type => {
      type.varint(1, 1)
      type.message(2, shape =>
        shape.message(1, dim => {
          dim.varint(1, 2)
          dim.string(3, 'DATA_BATCH')
        }),
      )
    }),
  )
  const bytes = file(
    {
      nodes: [
        node('Relu', ['x'], ['h'], { extra: metadata(9, 'node-note'), doc: 'node-doc' }),
        node('Add', ['h', 'w'], ['y'], {
          attributes: [{ name: 'alpha', type: 1, f: 0.5, extra: wire(w => w.string(13, 'attribute-doc')) }],
        }),
      ],
      initializers: [{ ...tensor('w', [2], [1, 2]), extra: wire(w => w.string(12, 'tensor-doc')) }],
      inputs: [{ name: 'x', tensor: null, type: denoted, doc: 'input-doc', extra: metadata(4, 'input-note') }],
      extra: metadata(16, 'graph-note'),
      doc: 'graph-doc',
    },
    { extra: metadata(20, 'training'), doc: 'model-doc', meta: [['key', 'meta-value']] },
  )
  const written = new TextDecoder('latin1').decode(await bytesOfModel(await read(bytes)))
  const words =
    'node-note node-doc attribute-doc tensor-doc DATA_BATCH input-doc input-note graph-note graph-doc training model-doc meta-value'
  for (const word of words.split(' ')) expect(written, word).toContain(word)
})

test('dimensions: zero, minus one, symbol, question mark, absent; and unknown rank', async () => {
  const bytes = file({ inputs: [info('x', [0, -1, 'N', '?', null, ''])], outputs: [info('y', null)] })
  const model = await read(bytes)
  expect(model.graph.values.get('x')?.shape).toEqual([0, -1, 'N', '?', null, null])
  expect(model.graph.values.get('y')?.shape).toBeNull()
  expect(await read(await bytesOfModel(model))).toEqual(model)
})

test('node ids are unique: the name, else the first output, else operator and position', async () => {
  const nodes = [
    node('Relu', ['x'], ['a'], { name: 'same' }),
    node('Relu', ['a'], ['b'], { name: 'same' }),
    node('Relu', ['b'], ['y']),
    node('Print', ['y'], []),
  ]
  const { graph } = await read(file({ nodes }))
  expect(graph.nodes.map(n => n.id)).toEqual(['same', 'same_1', 'y', 'Print_3'])
  expect(graph.nodes.map(n => n.name)).toEqual(['same', 'same', '', ''])
})

test('nodes out of order are put in order; subgraphs keep their captures', async () => {
  const nodes = [node('Relu', ['a'], ['y']), node('Relu', ['x'], ['a'])]
  expect((await read(file({ nodes }))).graph.nodes.map(n => n.id)).toEqual(['a', 'y'])
  const model = build(`graph (c: bool[], x: f32[2]) -> (y) {
    h = Relu(x)
    y = If(c) {then_branch = graph t () -> (a) { a = Neg(h) }, else_branch = graph e () -> (b) { b = Identity(h) }}
  }`)
  expect((await read(await bytesOfModel(model))).graph.nodes[1].attrs.get('then_branch')?.kind).toBe('graph')
})

test('an initializer listed as input stays one, with the shape that the input declares', async () => {
  const model = await read(
    file({
      nodes: [node('Add', ['x', 'w'], ['y'])],
      inputs: [info('x'), info('w', ['N'])],
      initializers: [tensor('w', [2], [1, 2])],
    }),
  )
  expect(model.graph.inputs).toEqual(['x', 'w'])
  expect(model.graph.values.get('w')).toMatchObject({ shape: ['N'], data: { shape: [2] } })
  expect(await read(await bytesOfModel(model))).toEqual(model)
})

test('ai.onnx and the empty domain are one', async () => {
  const nodes = [node('Relu', ['x'], ['y'], { domain: 'ai.onnx' })]
  const model = await read(
    file(
      { nodes },
      {
        opsets: [
          ['ai.onnx', 17],
          ['com.example', 3],
        ],
      },
    ),
  )
  expect(model.opsets).toEqual({ '': 17, 'com.example': 3 })
  expect(model.graph.nodes[0].domain).toBe('')
})

test('a sparse initializer is made dense, by flat or by many-dimensional indices', async () => {
  const indices = (dims: number[], values: number[]): TensorRecord => ({
    name: '',
    dims,
    dataType: 7,
    data: bytesOf(BigInt64Array.from(values, BigInt)),
    external: null,
  })
  const nodes = [node('Add', ['a', 'b'], ['y'])]
  const sparse = [
    { values: tensor('a', [2], [5, 7]), indices: indices([2], [1, 5]), dims: [2, 3] },
    { values: tensor('b', [2], [5, 7]), indices: indices([2, 2], [0, 1, 1, 2]), dims: [2, 3] },
  ]
  const { model, notes } = await importModel(fileSet({ 'm.onnx': file({ nodes, sparse, inputs: [] }) }))
  for (const name of ['a', 'b'])
    expect([...viewAs('float32', model.graph.values.get(name)?.data?.data as Uint8Array)]).toEqual([0, 5, 0, 0, 0, 7])
  expect(notes.length).toBe(2)
})

test('external data are slices of the file beside the model, and small ones are read', async () => {
  const model = build(
    'graph (x: f32[1,64]) -> (y) { h = MatMul(x, v: f32[64,128])  k = MatMul(h, w: f32[128,64])  y = Add(k, b: f32[64,64]) }',
  )
  const [main, data] = encodeOnnx(model, createBytes(), { externalData: 'always', path: 'net/m.onnx' })
  const files = fileSet({ [main.path]: await collect(main.chunks()), [data.path]: await collect(data.chunks()) })
  const imported = await importModel(files)
  expect(imported.model.graph.values.get('v')?.data?.data).toMatchObject({ source: 'net/m.onnx.data', length: 32768 })
  expect(imported.model.graph.values.get('b')?.data?.data).toBeInstanceOf(Uint8Array)
  expect(await encodeModel(imported.model, createBytes(imported.sources))).toEqual(await bytesOfModel(model))
  // Dropped without their folders.
  const flat = new Map<string, ByteSource>([...files].map(([path, source]) => [path.slice(4), source]))
  expect((await importModel(flat)).model).toBeDefined()
  // Missing, and cut short.
  const missing = await fault(importModel(fileSet({ 'm.onnx': await collect(main.chunks()) })))
  expect(missing).toMatchObject({ code: 'missing-file', where: { file: 'm.onnx.data' } })
  expect(missing.message).toContain('v, w, b')
  const short = {
    'net/m.onnx': await collect(main.chunks()),
    'net/m.onnx.data': (await collect(data.chunks())).subarray(0, 40000),
  }
  expect(await fault(importModel(fileSet(short)))).toMatchObject({
    code: 'truncated',
    where: { file: 'net/m.onnx.data', value: 'w' },
  })
})

test.each(['../secret', '/etc/passwd', 'a/../../b', 'C:\\weights', '..\\x', ''])(
  'external data at %j are refused',
  async location => {
    const external = new Map([['location', location]])
    const initializers = [{ ...tensor('w', [2], []), data: null, external }]
    const error = await fault(read(file({ initializers }), { secret: new Uint8Array(8) }))
    expect(error).toMatchObject({ code: 'malformed', where: { value: 'w' } })
  },
)

test('a cycle, an undefined value and a double definition name file and node', async () => {
  const cycle = [
    node('Add', ['x', 'b'], ['a'], { name: 'one' }),
    node('Relu', ['a'], ['b'], { name: 'two' }),
    node('Relu', ['b'], ['y']),
  ]
  const error = await fault(read(file({ nodes: cycle })))
  expect(error).toMatchObject({ code: 'invalid-graph', where: { file: 'm.onnx' } })
  expect(error.message).toMatch(/one.*two|two.*one/)
  const undefinedValue = [node('Add', ['x', 'nowhere'], ['y'], { name: 'adder' })]
  expect(await fault(read(file({ nodes: undefinedValue })))).toMatchObject({
    code: 'invalid-graph',
    where: { file: 'm.onnx', node: 'adder', value: 'nowhere' },
  })
  const twice = [node('Relu', ['x'], ['y']), node('Neg', ['x'], ['y'], { name: 'second' })]
  expect((await fault(read(file({ nodes: twice })))).code).toBe('invalid-graph')
})

test('a tensor whose data do not fit its shape is named', async () => {
  const error = await fault(read(file({ initializers: [tensor('weights', [3], [1, 2])] })))
  expect(error).toMatchObject({ code: 'malformed', where: { file: 'm.onnx', value: 'weights' } })
  expect(error.message).toContain('8 bytes')
})

test.each([
  ['empty', new Uint8Array(), /empty/],
  ['a zip', utf8('PK\x03\x04........'), /zip/],
  ['a PNG', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10), /PNG/],
  ['a text', utf8('hello there, this is no model'), /text file/],
  ['a Git LFS pointer', utf8('version https://git-lfs.github.com/spec/v1\noid sha256:1'), /LFS/],
  ['zeros', new Uint8Array(100), /zeros/],
])('%s named .onnx is no model, and the message says what it is', async (_, bytes, words) => {
  const error = await fault(read(bytes))
  expect(error).toMatchObject({ code: 'not-a-model', where: { file: 'm.onnx' } })
  expect(error.message).toMatch(words)
})

test('a file cut short is truncated, wherever it is cut', async () => {
  const bytes = await bytesOfModel(build('graph (x: f32[1,64]) -> (y) { y = MatMul(x, w: f32[64,128]) }'))
  for (const length of [bytes.length - 1, bytes.length >> 1, 40])
    expect(await fault(read(bytes.subarray(0, length)))).toMatchObject({ where: { file: 'm.onnx' }, code: 'truncated' })
})

test('a photograph alone is of no known format; two models ask for a choice', async () => {
  const photograph = await fault(importModel(fileSet({ 'cat.jpg': Uint8Array.of(0xff, 0xd8, 0xff, 0xe0) })))
  expect(photograph.code).toBe('not-a-model')
  expect(photograph.message).toContain('JPEG')
  const both = fileSet({ 'a.onnx': file({}), 'b.onnx': file({}) })
  const error = await fault(importModel(both))
  expect(error.code).toBe('usage')
  expect(error.message).toContain('a.onnx, b.onnx')
  expect((await importModel(both, 'b.onnx')).name).toBe('b.onnx')
})

test('a local function and its opsets survive', async () => {
  const model = build(`opset local 1
    function local.Twice (a) -> (b) { b = Scale(a) {by = @factor:1} }
    graph (x: f32[2]) -> (y) { y = local.Twice(x) {factor = 2.0} }`)
  const again = await read(await bytesOfModel(model))
  expect(again.functions).toEqual(model.functions)
  expect(again.graph.nodes[0]).toMatchObject({ domain: 'local', op: 'Twice' })
})
