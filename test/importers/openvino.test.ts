// OpenVINO IR: models give what the runtime gives, packed weights come in packed, and what cannot be read is refused by name.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { environments } from '../../scripts/target-python.mjs'
import { memorySource, utf8 } from '../../src/base/bytes.ts'
import { byteLength, elementCount, viewAs } from '../../src/base/dtype.ts'
import { StudioError } from '../../src/base/errors.ts'
import { encodeModel } from '../../src/exporters/onnx.ts'
import { readNpz } from '../../src/formats/npz.ts'
import { importModel } from '../../src/importers/index.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { NdArray } from '../../src/ir/tensor.ts'
import { createTestContext } from '../runner.ts'

const python = join(environments, 'openvino/bin/python')
const shared = fileURLToPath(new URL('../../../shared/data', import.meta.url))
const missing = [
  ...(existsSync(python) ? [] : ['its Python; node scripts/target-python.mjs openvino makes it']),
  ...(existsSync(shared) ? [] : ['the models of ../shared/data']),
]
if (missing.length > 0) console.log(`OpenVINO is not asked: not here: ${missing.join(', ')}.`)

const fileSet = (files: Record<string, Uint8Array>) =>
  new Map(Object.entries(files).map(([name, bytes]) => [name, memorySource(name, bytes)]))

async function arrays(path: string): Promise<Map<string, NdArray>> {
  const found = new Map<string, NdArray>()
  for (const [name, { dtype, shape, source, offset }] of await readNpz(memorySource(path, readFileSync(path)))) {
    const bytes = await source.read(offset, byteLength(dtype, elementCount(shape)))
    found.set(name, { dtype, shape, data: viewAs(dtype, bytes.slice()) })
  }
  return found
}

/** Signal to difference in dB; whole numbers count as they are. */
function agreement(reference: NdArray, got: NdArray): number {
  expect(got.shape).toEqual(reference.shape)
  expect(got.dtype).toBe(reference.dtype)
  let signal = 0
  let noise = 0
  for (let i = 0; i < reference.data.length; i++) {
    signal += Number(reference.data[i]) ** 2
    noise += (Number(reference.data[i]) - Number(got.data[i])) ** 2
  }
  return noise === 0 ? 200 : 10 * Math.log10(signal / noise)
}

describe.skipIf(missing.length > 0)('models in the runtime', () => {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-openvino-'))
  if (missing.length === 0) {
    const script = fileURLToPath(new URL('openvino-models.py', import.meta.url))
    execFileSync(python, [script, folder, shared], { stdio: ['ignore', 'ignore', 'inherit'] })
  }
  afterAll(() => rmSync(folder, { recursive: true }))
  const names = readdirSync(folder).flatMap(name => (name.endsWith('.xml') ? [name.slice(0, -4)] : []))

  test.each(names)('%s gives what OpenVINO gives', async name => {
    const { model, sources } = await importModel(
      fileSet({
        [`${name}.xml`]: readFileSync(join(folder, `${name}.xml`)),
        [`${name}.bin`]: readFileSync(join(folder, `${name}.bin`)),
      }),
    )
    const { runner } = await createTestContext(sources)
    const samples = await arrays(join(folder, `${name}.npz`))
    const of = (kind: string) =>
      [...samples].flatMap(([key, a]) => (key.startsWith(kind) ? [[key.slice(kind.length), a] as const] : []))
    const session = await runner.open(model)
    const got = await session.run(Object.fromEntries(of('in ')))
    await session.close()
    const wanted = of('out ')
    expect(Object.keys(got).sort()).toEqual(wanted.map(([key]) => key).sort())
    for (const [key, reference] of wanted) expect(agreement(reference, got[key]), key).toBeGreaterThan(90)
  })

  test.each([
    ['weights i8', 'int8', [24], {}],
    ['weights u8', 'uint8', [24], {}],
    ['weights i4', 'int4', [24], {}],
    ['weights i4 blocks', 'int4', [24, 4], { block_size: 16 }],
    ['weights u4 blocks', 'uint4', [24, 4], { block_size: 16 }],
    ['groups i8', 'int8', [8], {}],
  ])('%s stay packed behind one DequantizeLinear', async (name, dtype, scales, attributes) => {
    const files = Object.fromEntries(
      ['xml', 'bin'].map(e => [`${name}.${e}`, readFileSync(join(folder, `${name}.${e}`))]),
    )
    const { nodes, values } = (await importModel(fileSet(files))).model.graph
    const dequantize = nodes.filter(node => node.op === 'DequantizeLinear')
    expect(dequantize).toHaveLength(1)
    const [codes, scale] = dequantize[0].inputs.map(input => values.get(input!)!)
    expect(codes.dtype).toBe(dtype)
    expect(scale.shape).toEqual(scales)
    const said = [...dequantize[0].attrs].flatMap(([key, a]) =>
      a.kind === 'int' && key !== 'axis' ? [[key, a.value]] : [],
    )
    expect(Object.fromEntries(said)).toEqual(attributes)
    expect(nodes.map(node => node.op)).not.toContain('Cast')
  })

  test.each([
    ['levels u8', ['QuantizeLinear', 'DequantizeLinear']],
    ['levels i8 channels', ['QuantizeLinear', 'DequantizeLinear']],
    ['levels 255', ['Clip', 'QuantizeLinear', 'DequantizeLinear']],
    ['levels 16', ['QuantizeLinear', 'DequantizeLinear']],
  ])('%s of FakeQuantize are codes', async (name, ops) => {
    const files = Object.fromEntries(
      ['xml', 'bin'].map(e => [`${name}.${e}`, readFileSync(join(folder, `${name}.${e}`))]),
    )
    const { model } = await importModel(fileSet(files))
    expect(model.graph.nodes.map(node => node.op)).toEqual(ops)
  })
})

const port = (id: number, dims: readonly number[] = [1, 2], names = '') =>
  `<port id="${id}" precision="FP32"${names && ` names="${names}"`}>${dims.map(d => `<dim>${d}</dim>`).join('')}</port>`

/** x + w of one layer between, which tests replace. */
const net = (
  layer = '<layer id="2" name="sum" type="Add" version="opset1"><data auto_broadcast="numpy" />',
  version = 11,
) =>
  `<?xml version="1.0"?><net name="m" version="${version}"><layers>
    <layer id="0" name="x" type="Parameter" version="opset1"><data shape="?,2" element_type="f32" /><output>${port(0, [-1, 2], 'x,x:0')}</output></layer>
    <layer id="1" name="w" type="Const" version="opset1"><data element_type="f32" shape="1, 2" offset="0" size="8" /><output>${port(0)}</output></layer>
    ${layer}<input>${port(0, [-1, 2])}${port(1)}</input><output>${port(2, [-1, 2], 'y')}</output></layer>
    <layer id="3" name="r" type="Result" version="opset1"><input>${port(0, [-1, 2])}</input></layer></layers>
  <edges><edge from-layer="0" from-port="0" to-layer="2" to-port="0" /><edge from-layer="1" from-port="0" to-layer="2" to-port="1" />
    <edge from-layer="2" from-port="2" to-layer="3" to-port="0" /></edges></net>`
const constants = new Uint8Array(Float32Array.of(1, 2).buffer)

describe('files', () => {
  const read = (xml: string, bin: Uint8Array | null = constants, main?: string) =>
    importModel(fileSet({ 'm.xml': utf8(xml), ...(bin ? { 'm.bin': bin } : {}) }), main)
  const refused = async (work: Promise<unknown>): Promise<StudioError> => {
    const error = await work.then(
      () => null,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(StudioError)
    return error as StudioError
  }

  test('names, dimensions and types come as the file has them', async () => {
    const { model, format, name } = await read(net())
    expect([format, name]).toEqual(['openvino', 'm.xml'])
    expect([model.graph.inputs, model.graph.outputs]).toEqual([['x'], ['y']])
    expect(model.graph.values.get('x')).toMatchObject({ dtype: 'float32', shape: [null, 2] })
    expect(model.graph.nodes).toMatchObject([{ id: 'sum', op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }])
  })

  test('the constants may be named in place of the model', async () => {
    expect((await read(net(), constants, 'm.bin')).name).toBe('m.xml')
  })

  test('constants that are missing or end too early are named', async () => {
    expect(await refused(read(net(), null))).toMatchObject({ code: 'missing-file', where: { file: 'm.bin' } })
    const cut = await refused(read(net(), constants.subarray(0, 7)))
    expect(cut).toMatchObject({ code: 'truncated', where: { file: 'm.bin', node: 'w' } })
    expect(cut.message).toContain('ends at byte 7')
  })

  test.each([
    ['<layer id="2" name="sum" type="Frobnicate" version="opset9">', 'is of the type Frobnicate'],
    ['<layer id="2" name="sum" type="Mine" version="extension">', 'an extension whose meaning is not in the file'],
    ['<layer id="2" name="sum" type="Loop" version="opset5"><body />', 'has a graph of its own inside'],
    [
      '<layer id="2" name="sum" type="Add" version="opset1"><data auto_broadcast="pdpd" />',
      'broadcasts in the way of pdpd',
    ],
    ['<layer id="2" name="sum" type="constructor" version="opset1">', 'is of the type constructor'],
  ])('%s is refused by name', async (layer, words) => {
    const error = await refused(read(net(layer)))
    expect(error).toMatchObject({ code: 'unsupported', where: { file: 'm.xml', node: 'sum' } })
    expect(error.message).toContain(words)
  })

  test('an old version, a cycle and broken XML are refused', async () => {
    expect((await refused(read(net(undefined, 7)))).message).toContain('version 7')
    const circle = net().replace('<edge from-layer="0" from-port="0"', '<edge from-layer="2" from-port="2"')
    expect(await refused(read(circle))).toMatchObject({ code: 'invalid-graph' })
    expect(await refused(read(net().replace('</layers>', '')))).toMatchObject({ code: 'malformed' })
    const bomb = `<!DOCTYPE net [<!ENTITY a "aaaa">]>${net().slice(21).replace('name="m"', 'name="&a;"')}`
    expect(await refused(read(bomb))).toMatchObject({ code: expect.stringMatching(/malformed|not-a-model/) })
  })

  test('a broken file ends in an error of ours', async () => {
    const whole = net()
    const survives = async (xml: string): Promise<void> => {
      try {
        const { model, sources } = await read(xml)
        await encodeModel(model, createBytes(sources))
      } catch (error) {
        if (!(error instanceof StudioError)) throw error
        expect(error.hint).not.toBe('')
      }
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), length => survives(whole.slice(0, length))),
      { numRuns: 200, seed: 1 },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.constantFrom(...'0179-"<>/=ax,. ')), {
          minLength: 1,
          maxLength: 3,
        }),
        changes => {
          const text = [...whole]
          for (const [at, letter] of changes) text[at] = letter
          return survives(text.join(''))
        },
      ),
      { numRuns: 1500, seed: 2 },
    )
  })
})
