// ncnn and Caffe files that are broken or hold what is not known: each error names the layer or file, and nothing foreign is thrown.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { concat, text, utf8 } from '../../src/base/bytes.ts'
import { StudioError } from '../../src/base/errors.ts'
import { writeCaffemodel } from '../../src/formats/caffemodel.ts'
import { NcnnBinWriter } from '../../src/formats/ncnn-bin.ts'
import { parseNcnnParam, printNcnnParam, readNcnnParam } from '../../src/formats/ncnn-param.ts'
import { parsePrototxt, printPrototxt } from '../../src/formats/prototxt.ts'
import { importModel } from '../../src/importers/index.ts'
import { printGraph } from '../../src/ir/print.ts'
import { type Files, fileSet } from './compared.ts'

async function fault(files: Files, main?: string): Promise<StudioError> {
  try {
    await importModel(fileSet(files), main)
  } catch (error) {
    if (error instanceof StudioError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const ncnnParam = `7767517
4 5
Input                    x                        0 1 x 0=8 1=9 2=6
Split                    s                        1 2 x a b
Convolution              c                        1 1 a y 0=4 1=3 4=1 5=1 6=216 9=3 -23310=2,-4.00000006e-01,3.00000012e-01
ReLU                     r                        1 1 b z 0=2.00000003e-01
`
const ncnnBin = (): Uint8Array => {
  const bin = new NcnnBinWriter()
  bin.float32(new Float32Array(216).fill(0.5))
  bin.raw(new Float32Array(4).fill(1))
  return concat(bin.parts)
}
const ncnnFiles = (param = ncnnParam, bin = ncnnBin()): Files => ({ 'm.param': utf8(param), 'm.bin': bin })

describe('ncnn', () => {
  test('a network printed is the network read', () => {
    expect(text(printNcnnParam(parseNcnnParam(ncnnParam, 'm.param')))).toBe(ncnnParam)
  })

  test('the binary form says the same layers without their names', () => {
    const words = [7767517, 3, 3, 16, 0, 1, 0, 0, 8, 1, 9, 2, 6, -233, 26, 1, 1, 0, 1, 0, 0x3e4ccccd, -233]
    words.push(54, 1, 1, 1, 2, 0, -1090519040, 1, 0x40c00000, -233)
    const [input, relu, clip] = readNcnnParam(new Uint8Array(Int32Array.from(words).buffer), 'm.param.bin')
    expect([input.type, relu.type, clip.type]).toEqual(['Input', 'ReLU', 'Clip'])
    expect(relu.inputs).toEqual(['blob0'])
    expect(clip.outputs).toEqual(['blob2'])
  })

  test('names, shapes and layers of the graph are those of the network', async () => {
    const { model, notes } = await importModel(fileSet(ncnnFiles()))
    expect(notes).toEqual([])
    expect(printGraph(model.graph)).toMatchInlineSnapshot(`
      "graph m.param (x: f32[N,6,9,8]) -> (y: f32[N,4,9,8], z: f32[N,6,9,8]) {
        c.Conv: f32[N,4,9,8] = Conv(x, c.weight: f32[4,6,3,3], c.bias: f32[4]) {kernel_shape=[3,3], dilations=[1,1], strides=[1,1], pads=[1,1,1,1], group=1} as c
        y = Clip(c.Conv, c.min: f32[]{-0.4}, c.max: f32[]{0.3}) as c.Clip
        z = LeakyRelu(x) {alpha=0.2} as r
      }
      "
    `)
  })

  test('a layer that is not known is named', async () => {
    const error = await fault(ncnnFiles(ncnnParam.replace('ReLU', 'Yolo')))
    expect(error).toMatchObject({ code: 'unsupported', where: { file: 'm.param', node: 'r' } })
    expect(error.message).toBe('The layer r is a Yolo, which is not known here')
  })

  test('a .bin that is too short names the layer whose weights it ends in', async () => {
    const error = await fault(ncnnFiles(ncnnParam, ncnnBin().subarray(0, 700)))
    expect(error).toMatchObject({ code: 'truncated', where: { file: 'm.bin', node: 'c' } })
  })

  test('a .bin that is longer than its .param asks for is another network’s', async () => {
    const error = await fault(ncnnFiles(ncnnParam, concat([ncnnBin(), new Uint8Array(40)])))
    expect(error).toMatchObject({ code: 'malformed', where: { file: 'm.bin' } })
  })

  test.each([
    ['a cut text', ncnnParam.split('\n').slice(0, 5).join('\n'), 'truncated'],
    ['a blob that nothing gives', ncnnParam.replace('1 1 b z', '1 1 q z'), 'invalid-graph'],
    ['a blob given twice', ncnnParam.replace('1 1 b z', '1 1 b y'), 'invalid-graph'],
    ['weights that do not make the channels', ncnnParam.replace('6=216', '6=215'), 'unsupported'],
    ['a parameter that is no number', ncnnParam.replace('4=1', '4=1x'), 'malformed'],
    ['a layer without its blobs', ncnnParam.replace('1 2 x a b', '1 9 x a b'), 'malformed'],
  ])('%s', async (_, param, code) => {
    expect(await fault(ncnnFiles(param))).toMatchObject({ code, where: { file: 'm.param' } })
  })

  test('a .param alone asks for its .bin', async () => {
    const error = await fault({ 'm.param': utf8(ncnnParam) })
    expect(error.code).toBe('missing-file')
    expect(error.hint).toContain('m.bin')
  })

  test('weights that were asked for bring the layers of their name', async () => {
    const { name } = await importModel(fileSet({ ...caffeFiles(), ...ncnnFiles() }), 'm.bin')
    expect(name).toBe('m.param')
  })

  test('the file that was asked for is read, and not what lies beside it', async () => {
    const both = { ...ncnnFiles(), 'n.param': utf8(ncnnParam.replace(' r  ', ' q  ')), 'n.bin': ncnnBin() }
    const { name, model } = await importModel(fileSet({ ...both, ...caffeFiles() }), 'n.param')
    expect(name).toBe('n.param')
    expect(model.graph.nodes.some(node => node.id === 'q')).toBe(true)
  })
})

const prototxt = `name: "small"
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 dim: 4 dim: 4 } } }
layer {
  name: "c" type: "Convolution" bottom: "x" top: "c"
  convolution_param { num_output: 3 kernel_size: 3 pad: 1 }  # as usual
}
layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
`
const weights = new Map([
  [
    'c',
    [
      { shape: [3, 2, 3, 3], data: new Float32Array(54).fill(0.5) },
      { shape: [3], data: new Float32Array(3) },
    ],
  ],
])
const caffemodel = writeCaffemodel(parsePrototxt(prototxt, 'n.prototxt'), weights)
const caffeFiles = (words = prototxt, model = caffemodel): Files => ({
  'n.prototxt': utf8(words),
  'n.caffemodel': model,
})

describe('Caffe', () => {
  test('a text printed says what was read', () => {
    const read = parsePrototxt(prototxt, 'n.prototxt')
    expect(parsePrototxt(printPrototxt(read), 'again')).toEqual(read)
  })

  test('a blob written in place becomes two values, of which the last has its name', async () => {
    const { model } = await importModel(fileSet(caffeFiles()))
    expect(printGraph(model.graph)).toMatchInlineSnapshot(`
      "graph n.prototxt (x: f32[1,2,4,4]) -> (c: f32[1,3,4,4]) {
        "c@c": f32[1,3,4,4] = Conv(x, c.weight: f32[3,2,3,3], c.bias: f32[3]{0, 0, 0}) {kernel_shape=[3,3], strides=[1,1], dilations=[1,1], pads=[1,1,1,1], group=1} as c
        c = Relu("c@c") as r
      }
      "
    `)
  })

  test('old files: inputs at the top, types in capitals, layers of training', async () => {
    const old = `input: "x" input_dim: 10 input_dim: 2 input_dim: 4 input_dim: 4
      layers { name: "d" type: DATA top: "x" include: { phase: TRAIN } }
      layers { name: "c" type: CONVOLUTION bottom: "x" top: "c" convolution_param { num_output: 3 kernel_size: 3 pad: 1 } }
      layers { name: "r" type: RELU bottom: "c" top: "c" }
      layers { name: "l" type: SOFTMAX_LOSS bottom: "c" include { phase: TRAIN } }`
    const { model } = await importModel(fileSet(caffeFiles(old)))
    expect(model.graph.nodes.map(node => node.op)).toEqual(['Conv', 'Relu'])
    expect(model.graph.values.get('x')?.shape).toEqual(['N', 2, 4, 4])
  })

  test('a layer that is not known is named', async () => {
    const error = await fault(caffeFiles(prototxt.replace('"ReLU"', '"PriorBox"')))
    expect(error).toMatchObject({ code: 'unsupported', where: { file: 'n.prototxt', node: 'r' } })
  })

  test('a network for training asks for that for deployment', async () => {
    const error = await fault(caffeFiles(prototxt.replace('"ReLU"', '"SoftmaxWithLoss"')))
    expect(error.hint).toContain('for deployment')
  })

  test.each([
    ['a text that ends within a layer', prototxt.slice(0, 200), 'malformed'],
    ['a list that is not closed', `${prototxt}layer { name: ["a" `, 'malformed'],
    ['a blob that nothing gives', prototxt.replace('bottom: "c"', 'bottom: "q"'), 'invalid-graph'],
    ['weights of another size', prototxt.replace('num_output: 3', 'num_output: 4'), 'unsupported'],
    ['weights that are not there', prototxt.replace('name: "c"', 'name: "other"'), 'malformed'],
  ])('%s', async (_, words, code) => {
    expect((await fault(caffeFiles(words))).code).toBe(code)
  })

  test('half of a network asks for the other half', async () => {
    expect(await fault({ 'n.prototxt': utf8(prototxt) })).toMatchObject({ code: 'missing-file' })
    expect(await fault({ 'n.caffemodel': caffemodel })).toMatchObject({ code: 'missing-file' })
  })

  test('a caffemodel that is cut says so', async () => {
    expect(await fault(caffeFiles(prototxt, caffemodel.subarray(0, 150)))).toMatchObject({
      code: 'truncated',
      where: { file: 'n.caffemodel' },
    })
  })
})

/** Reads, or fails with an error of ours that says what to do. */
async function survives(files: Files): Promise<void> {
  try {
    await importModel(fileSet(files))
  } catch (error) {
    if (!(error instanceof StudioError)) throw error
    expect(error.hint).not.toBe('')
  }
}

describe('files broken by chance end in an error of ours', () => {
  const files = { ...ncnnFiles(), ...caffeFiles() }
  test.each(Object.keys(files))('%s', async name => {
    const of = (broken: Uint8Array): Files => {
      const pair = name.startsWith('m.') ? ncnnFiles() : caffeFiles()
      return { ...pair, [name]: broken }
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(files[name].length - 1), length => survives(of(files[name].subarray(0, length)))),
      { numRuns: 200, seed: 1 },
    )
    const edits = fc.array(fc.tuple(fc.nat(files[name].length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(edits, changes => {
        const broken = files[name].slice()
        for (const [at, value] of changes) broken[at] = value
        return survives(of(broken))
      }),
      { numRuns: 600, seed: 2 },
    )
  })
})
