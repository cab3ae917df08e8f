// Bad models, data and recipes through the built command line: one clear message that names file, node or sample and says what to
// do, the right exit status, nothing on stdout and nothing written.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import { floats, type NdArray } from '../../src/ir/tensor.ts'
import { build } from '../build.ts'
import { type Ended, scratch, thimble } from '../flow/cli.ts'
import { saveJson, saveModel, saveNpz, saveText } from '../flow/files.ts'

const work = scratch()
const path = (name: string): string => join(work, name)
const write = (name: string, content: string | Uint8Array): string => {
  writeFileSync(path(name), content)
  return path(name)
}
const rng = createRng(1)
const noise = (...shape: number[]): NdArray =>
  floats(
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.uniform() * 2 - 1),
  )

const head = 'graph (x: f32[N,3,8,8]) -> (y: f32[N,10])'
const tail = 'f = Flatten(r) y = Gemm(f, wf: f32[10,256]) {transB=1}'
const network = (middle: string): string =>
  `${head} { c = Conv(x, w: f32[4,3,3,3]) {pads=[1,1,1,1]} ${middle} ${tail} }`
const net = network('r = Relu(c)')
const model = await saveText(path('net.onnx'), net)
const bytes = readFileSync(model)
const data = saveNpz(path('data.npz'), { x: noise(16, 3, 8, 8) })
const quick = saveJson(path('quick.json'), {
  thimble: 1,
  steps: [{ do: 'optimize' }, { do: 'quantize' }, { do: 'evaluate', layerSamples: 2, latency: false }],
})
const out = path('out')

async function refused(status: number, ...args: string[]): Promise<string> {
  const ended = await thimble(...args)
  expect(ended.stdout).toBe('')
  expect(existsSync(out)).toBe(false)
  const message = ended.stderr.slice(ended.stderr.indexOf('thimble: '))
  expect(message).toMatch(/^thimble: .+\n( {2}where: .+\n)?( {2}what to do: .+\n)$/)
  expect(ended.status, message).toBe(status)
  return message
}
const compress = (file: string, samples = data): string[] => [
  ...['compress', file, '--data', samples, '--recipe', quick, '--out', out],
]

async function taken(...args: string[]): Promise<Ended> {
  const ended = await thimble(...args)
  expect(ended.status, ended.stderr).toBe(0)
  return ended
}
const fresh = (name: string): string[] => ['--out', path(name)]

describe('models', () => {
  const cycle = build('graph (x: f32[1,4]) -> (y) { a = Add(x, x) b = Relu(a) y = Relu(b) }')
  const [add, ...others] = cycle.graph.nodes
  const nodes = [{ ...add, inputs: ['x', 'b'] }, ...others]

  test.each<[string, () => Promise<string> | string, RegExp]>([
    [
      'a file that was cut off',
      () => write('cut.onnx', bytes.subarray(0, bytes.length / 2)),
      /cut\.onnx ends too early, after \d+ bytes[\s\S]*file cut\.onnx[\s\S]*again/,
    ],
    [
      'a picture',
      () => write('p.onnx', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')),
      /p\.onnx is no ONNX model: it looks like a PNG image/,
    ],
    ['a zip', () => write('z.onnx', 'PK\x03\x04 and more'), /z\.onnx is no ONNX model: it looks like a zip archive/],
    ['text', () => write('t.onnx', 'hello, this is no model\n'.repeat(9)), /it looks like a text file/],
    ['an empty file', () => write('e.onnx', ''), /e\.onnx is no ONNX model: it is empty/],
    [
      'a cycle',
      () => saveModel(path('cycle.onnx'), { ...cycle, graph: { ...cycle.graph, nodes } }),
      /The graph has a cycle: .* → .*[\s\S]*file cycle\.onnx, node/,
    ],
    [
      'NaN in weights',
      () => saveText(path('nan.onnx'), 'graph (x: f32[N,3,8,8]) -> (y) { y = Conv(x, w: f32[1,3,1,1]{1, nan, 1}) }'),
      /The weights w hold 1 NaN[\s\S]*file nan\.onnx, value w, node/,
    ],
    [
      'an operator of another domain',
      () =>
        saveText(path('custom.onnx'), network('s = com.acme.SuperNorm(c) r = Relu(s)'), { domains: { 'com.acme': 1 } }),
      /does not know the operator com\.acme\.SuperNorm[\s\S]*node s[\s\S]*--outputs/,
    ],
    [
      'a standard operator that there is not',
      () => saveText(path('unknown.onnx'), network('s = Whatever(c) r = Relu(s)')),
      /does not know the operator Whatever[\s\S]*node s/,
    ],
  ])('%s', async (_, make, words) => {
    expect(await refused(1, ...compress(await make()))).toMatch(words)
  })

  test('external data that are not there: the file and the tensors that are in it', async () => {
    const dynamo = join(import.meta.dirname, '../../../shared/data/onnx/cifar10_resnet20_dynamo.onnx')
    if (!existsSync(dynamo)) {
      console.log(`External data are not tested: ${dynamo} is missing.`)
      return
    }
    const lonely = write('lonely.onnx', readFileSync(dynamo))
    expect(await refused(1, ...compress(lonely))).toMatch(
      /keeps conv1\.weight.* and 17 more tensors in the file cifar10_resnet20_dynamo\.onnx\.data, which is not here/,
    )
  })

  test('an operator that the runtime does not know is no obstacle to convert: golden vectors are left out, and it is said', async () => {
    const custom = path('custom.onnx')
    const { stderr } = await taken('convert', custom, '--target', 'onnx', ...fresh('converted'))
    expect(stderr).toMatch(/There are no golden vectors: .*com\.acme\.SuperNorm \(node s\)/)
    expect(existsSync(join(path('converted'), 'onnx/model.onnx'))).toBe(true)
    expect((await taken('verify', join(path('converted'), 'onnx'))).stdout).toMatch(/only files were checked/)
  })

  test('a channel of zeros is named, and the job is done', async () => {
    const weights = 'w: f32[2,1,1,1]{0, 1}'
    const zero = await saveText(
      path('zero.onnx'),
      `graph (x: f32[N,1,8,8]) -> (y) { c = Conv(x, ${weights}) y = Relu(c) }`,
    )
    const fed = saveNpz(path('one.npz'), { x: noise(8, 1, 8, 8) })
    const { stderr } = await taken('compress', zero, '--data', fed, '--recipe', quick, '--json', ...fresh('zeroed'))
    expect(stderr).toMatch(/c: 1 output channel of w all zero \(0\)/)
  })
})

describe('samples', () => {
  const npz = (name: string, arrays: Record<string, NdArray>): string => saveNpz(path(name), arrays)
  const labels = (...values: number[]): NdArray => ({
    dtype: 'int64',
    shape: [values.length],
    data: BigInt64Array.from(values, BigInt),
  })
  const folder = (name: string, files: Record<string, string>): string => {
    mkdirSync(path(name), { recursive: true })
    for (const [file, content] of Object.entries(files)) write(`${name}/${file}`, content)
    return path(name)
  }

  test.each<[string, () => string, RegExp]>([
    ['none at the path', () => path('nowhere'), /There is no data at .*nowhere/],
    ['an empty folder', () => folder('empty', {}), /No samples were found[\s\S]*file .*empty[\s\S]*images/],
    ['a folder without samples', () => folder('notes', { 'a.txt': 'x' }), /No samples were found[\s\S]*notes/],
    ['an array of no samples', () => npz('none.npz', { x: noise(0, 3, 8, 8) }), /No sample of none\.npz can be used/],
    [
      'arrays of other names',
      () => npz('names.npz', { image: noise(4, 3, 8, 8), other: noise(4, 1) }),
      /names\.npz holds image \[4, 3, 8, 8\], other \[4, 1\]; the model's inputs are x \[N, 3, 8, 8\][\s\S]*numpy\.savez\(path, x=/,
    ],
    [
      'another shape',
      () => npz('shape.npz', { x: noise(4, 3, 9, 9) }),
      /array 'x' has the shape \[4, 3, 9, 9\]; the model wants \[N, 3, 8, 8\]/,
    ],
    [
      'the other layout, with the transpose that mends it',
      () => npz('nhwc.npz', { x: noise(4, 8, 8, 3) }),
      /array\.transpose\(0, 3, 1, 2\)/,
    ],
    ['an archive that was cut off', () => write('cut.npz', readFileSync(data).subarray(0, 900)), /cut\.npz is not a/],
  ])('%s', async (_, make, words) => {
    expect(await refused(1, ...compress(model, make()))).toMatch(words)
  })

  test('labels for another number of samples', async () => {
    const wrong = npz('labels.npz', { x: noise(4, 3, 8, 8), labels: labels(1, 2, 3) })
    expect(await refused(1, ...compress(model), '--eval', wrong)).toMatch(/'labels' has the shape \[3\] for 4 samples/)
  })

  test('a label beyond the classes ends evaluate, and leaves accuracy out of compress with a loud word', async () => {
    const beyond = npz('beyond.npz', { x: noise(4, 3, 8, 8), labels: labels(1, 2, 10, 3) })
    const said = /beyond\.npz\[2\][\s\S]*label 10 is none of the model's 10 classes[\s\S]*labelOffset/
    const { stderr } = await thimble('evaluate', model, '--data', beyond)
    expect(stderr).toMatch(/label 10 is none of the model's 10 classes[\s\S]*sample beyond\.npz\[2\][\s\S]*labelOffset/)
    const run = ['compress', model, '--data', data, '--eval', beyond, '--recipe', quick, '--json', ...fresh('beyond')]
    const ended = await taken(...run)
    expect(ended.stderr).toMatch(/NO ACCURACY WAS MEASURED/)
    expect(ended.stderr).toMatch(said)
    expect(JSON.parse(ended.stdout)).toMatchObject({ after: { accuracy: null }, agreement: { samples: 4 } })
  })

  test('one broken image among many is named, left out and counted', async () => {
    // The smallest BMP: 8 x 8 pixels of 24 bits behind 54 bytes of headers.
    const bmp = Buffer.alloc(54 + 8 * 24)
    bmp.write('BM')
    bmp.writeUInt32LE(54, 10)
    bmp.writeUInt32LE(40, 14)
    bmp.writeInt32LE(8, 18)
    bmp.writeInt32LE(8, 22)
    bmp.writeUInt16LE(1, 26)
    bmp.writeUInt16LE(24, 28)
    const images = folder('images', { 'b.png': '\u0089PNG\r\n', 'notes.txt': 'x' })
    for (let i = 0; i < 9; i++) {
      for (let p = 54; p < bmp.length; p++) bmp[p] = (p * 37 + i * 91) % 256
      writeFileSync(join(images, `${i}.bmp`), bmp)
    }
    const spec = saveJson(path('spec.json'), { inputs: { '*': { layout: 'NCHW', scale: 1 / 255 } } })
    const run = ['compress', model, '--data', images, '--input', spec, '--recipe', quick, '--json', ...fresh('nine')]
    const { stdout, stderr } = await taken(...run)
    expect(JSON.parse(stdout).data).toMatchObject({ samples: 9, skipped: [{ sample: 'b.png' }] })
    expect(stderr).toMatch(/skipped: b\.png: [\s\S]*1 samples? (was|were) left out; 9 were calibrated on/)
  })

  test('samples that are all equal are named as a whole, and the job is done', async () => {
    const constant = npz('constant.npz', { x: floats([8, 3, 8, 8], new Float32Array(8 * 192).fill(0.5)) })
    const { stderr } = await taken(
      ...['compress', model, '--data', constant, '--recipe', quick, '--json', ...fresh('constant')],
    )
    expect(stderr).toMatch(/^warning: all samples: all values of 'x' are 0\.5/m)
  })
})

describe('recipes and options', () => {
  const recipe = (name: string, ...steps: unknown[]): string => saveJson(path(name), { thimble: 1, steps })
  const run = (...args: string[]): string[] => ['compress', model, '--data', data, '--out', out, ...args]

  test.each<[string, number, () => string[], RegExp]>([
    ['an option', 2, () => run('--thread', '1'), /There is no option --thread; did you mean --threads\?/],
    ['a preset', 2, () => run('--preset', 'ballanced'), /There is no preset ballanced.*[\s\S]*balanced, float16/],
    ['a target', 2, () => run('--target', 'onnxruntim'), /There is no target onnxruntim[\s\S]*onnxruntime/],
    ['preset and recipe', 2, () => run('--preset', 'balanced', '--recipe', quick), /exclude each other/],
    ['a file that is no JSON', 1, () => run('--recipe', write('no.json', '{"thimble":')), /no\.json is no valid JSON/],
    [
      'a key of a step',
      1,
      () => run('--recipe', recipe('key.json', { do: 'quantize', weigths: 'int8' })),
      /no "weigths"; did you mean "weights"[\s\S]*file .*key\.json, step quantize/,
    ],
    [
      'a selector that matches nothing',
      1,
      () => run('--recipe', recipe('selector.json', { do: 'quantize', layers: { cc: { float: true } } })),
      /The selector "cc" matches no node[\s\S]*Near names: c, /,
    ],
    [
      'a form that the target has not',
      1,
      () => run('--recipe', recipe('form.json', { do: 'quantize' }, { do: 'export', form: 'qqdq' })),
      /has no form qqdq[\s\S]*qdq, qoperator, nbits, dynamic, float16, float/,
    ],
    ['an input spec', 2, () => run('--input', saveJson(path('s.json'), { inputs: { x: { layuot: 1 } } })), /"layout"/],
    ['a shape that the model cannot have', 2, () => run('--shape', 'x=1,3,9,9'), /x is \[N, 3, 8, 8\]/],
    ['a value to cut at', 2, () => run('--outputs', 'nowhere'), /no value nowhere to cut at/],
    ['a folder that is a file', 2, () => ['compress', model, '--data', data, '--out', model], /is a file/],
  ])('%s', async (_, status, args, words) => {
    expect(await refused(status, ...args())).toMatch(words)
  })
})
