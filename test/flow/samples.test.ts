// The programs that bundles carry: each compiles or parses; those whose runtime is here run the golden input and a picture, are timed,
// and run on several threads.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { compiler, sanitized, strict } from '../exporters/c-compiler.ts'
import { installed } from '../targets/runtimes.ts'
import { filesOf, root, samples, scratch, thimble } from './cli.ts'
import { saveText } from './files.ts'

const work = scratch()
const digits = join(samples, 'digits')
const out = join(work, 'bundles')
const wanted = [
  'onnxruntime',
  'tflite',
  'tflm',
  'ncnn',
  'openvino',
  'mnn',
  'c',
  'rknn:rk3588',
  'ambarella',
  'qualcomm',
  'tensorrt',
  'coreml',
]
const floats = ['caffe', 'tvm', 'paddle']
const at = (target: string, path = ''): string => join(out, target.replace(':', '-'), path)

/** Pixels of a seven, as a .pgm file has them. */
const picture = join(work, 'seven.pgm')

beforeAll(async () => {
  const pixels = new Uint8Array(28 * 28)
  for (let x = 7; x < 21; x++) for (const y of [6, 7]) pixels[y * 28 + x] = 255
  for (let y = 8; y < 23; y++) for (const k of [0, 1]) pixels[y * 28 + Math.round(20 - (y - 8) / 1.8) - k] = 255
  writeFileSync(picture, Buffer.concat([Buffer.from('P5\n28 28\n255\n'), pixels]))
  symlinkSync(join(root, 'node_modules'), join(work, 'node_modules'))
  const recipe = (steps: object[], name: string): string => {
    const file = join(work, name)
    writeFileSync(file, JSON.stringify({ thimble: 1, steps: [{ do: 'optimize' }, ...steps] }))
    return file
  }
  const asked = (targets: readonly string[]) => targets.map(target => ({ do: 'export', target }))
  const quantised = recipe([{ do: 'quantize' }, ...asked(wanted)], 'quantised.json')
  const plain = recipe(asked(floats), 'plain.json')
  const model = join(digits, 'model.onnx')
  const input = ['--input', join(digits, 'input.json'), '--samples', '32']
  const data = ['--data', join(digits, 'calibration.npz')]
  const first = await thimble('compress', model, ...data, ...input, '--recipe', quantised, '--out', out)
  expect(first.stderr).not.toMatch(/^thimble:/m)
  const second = await thimble('compress', model, ...input, '--recipe', plain, '--out', join(work, 'plain'))
  expect(second.stderr).not.toMatch(/^thimble:/m)
  for (const target of floats) symlinkSync(join(work, 'plain', target), at(target))
})

const programs = (end: RegExp): string[] =>
  [...wanted, ...floats].flatMap(target =>
    [...filesOf(at(target)).keys()].filter(path => end.test(path)).map(path => at(target, path)),
  )

test('every bundle has a program or a script, and those of one language are whole programs', () => {
  for (const target of [...wanted, ...floats])
    expect([...filesOf(at(target)).keys()].some(path => /\.(py|c|cc|cpp|mjs|sh|swift)$/.test(path))).toBe(true)
  for (const path of programs(/sample\/run\.py$/))
    expect(readFileSync(path, 'utf8')).toMatch(/def load\(\)[\s\S]*def infer\(session, feeds\)[\s\S]*def preprocess/)
})

test.skipIf(spawnSync('python3', ['--version']).status !== 0)('Python compiles', () => {
  const all = programs(/\.py$/)
  expect(all.length).toBeGreaterThan(7)
  execFileSync('python3', ['-m', 'py_compile', ...all], { stdio: ['ignore', 'ignore', 'inherit'] })
})

test('JavaScript and shell parse', () => {
  for (const path of programs(/\.mjs$/)) execFileSync(process.execPath, ['--check', path])
  for (const path of programs(/\.sh$/)) execFileSync('sh', ['-n', path])
})

/** What was said of the outputs. */
function goldenDb(said: string): number {
  const db = /, (inf|[\d.]+) dB against the golden output/.exec(said)![1]
  return db === 'inf' ? 200 : Number(db)
}

/** Both lines of time, after what was said of the outputs. */
const timed = /one run: median [\d.]+ ms, 90th percentile [\d.]+ ms\n([^\n]*\n)*2 threads: [\d.]+ runs a second\n$/

test('in JavaScript, the golden input and a picture', () => {
  const run = (...args: string[]) =>
    execFileSync(process.execPath, [at('onnxruntime', 'sample/run.mjs'), ...args], { encoding: 'utf8' })
  expect(run()).toMatch(timed)
  expect(run(picture, '3')).toMatch(/^logits: \[7\] /)
})

describe.each([
  ['onnxruntime', 'onnxruntime', 60],
  ['tflite', 'tflite', 25],
  ['openvino', 'openvino', 25],
  ['mnn', 'mnn', 25],
  ['caffe', 'caffe', 90],
  ['paddle', 'paddle', 90],
])('%s in Python', (target, runtime, least) => {
  const python = installed(runtime)
  test.skipIf(python === null)('gives the golden output', () => {
    const said = execFileSync(python!, [at(target, 'sample/run.py'), '--runs', '3'], { encoding: 'utf8' })
    expect(said).toMatch(timed)
    expect(goldenDb(said)).toBeGreaterThan(least)
  })
})

const ort = installed('onnxruntime')
test.skipIf(ort === null)('products of matrices in integers run in Python, told to sum bytes exactly', async () => {
  const file = await saveText(
    join(work, 'products.onnx'),
    `graph (x: f32[1,6,16]) -> (y) {
    p = MatMul(x, w: f32[16,12])
    a = Add(p, b: f32[12])
    r = Relu(a)
    q = MatMul(r, v: f32[12,12])
    c = Add(q, d: f32[12])
    y = Relu(c)
  }`,
  )
  const products = join(work, 'products')
  const { stderr } = await thimble('compress', file, '--target', 'onnxruntime', '--out', products)
  expect(stderr).not.toMatch(/^thimble:/m)
  const program = join(products, 'onnxruntime/sample/run.py')
  expect(readFileSync(program, 'utf8')).toContain('session.x64quantprecision')
  const said = execFileSync(ort!, [program, '--runs', '3'], { encoding: 'utf8' })
  expect(goldenDb(said)).toBeGreaterThan(60)
})

describe.skipIf(!compiler())('in C', () => {
  test('the golden input, a picture, several runs and threads', () => {
    const program = join(work, 'main')
    const build = (...flags: string[]) =>
      execFileSync('gcc', [...strict, ...flags, '-I.', 'model.c', 'sample/main.c', '-o', program], { cwd: at('c') })
    const run = (...args: string[]) => spawnSync(program, args, { cwd: at('c'), encoding: 'utf8' })
    build(...sanitized)
    const golden = run('5')
    expect(golden.stderr).toMatch(/: 0 of 10 values differ.*\none run: median [\d.]+ ms/)
    expect(golden.status).toBe(0)
    const values = run(picture)
      .stderr.replace(/^logits: /, '')
      .trim()
      .split(' ')
      .map(Number)
    expect(values.indexOf(Math.max(...values))).toBe(7)
    expect(run('nothing.pgm').status).toBe(2)
    build('-D_POSIX_C_SOURCE=200809L', '-DSAMPLE_THREADS=2', '-pthread')
    expect(run('5').stderr).toMatch(/2 threads: all gave the same\n$/)
  })
})

const cpp = spawnSync('g++', ['--version']).status === 0
const warned = ['-std=c++17', '-Wall', '-Wextra', '-Werror', '-pedantic']

describe.skipIf(!cpp)('in C++', () => {
  const openvino = installed('openvino')
  const home = openvino ? join(openvino, '../../lib') : ''
  test.skipIf(openvino === null)('OpenVINO: a picture, several runs and threads', () => {
    const [package_] = execFileSync('sh', ['-c', `ls -d ${home}/python3*/site-packages/openvino`], {
      encoding: 'utf8',
    }).split('\n')
    const library = execFileSync('sh', ['-c', `ls ${package_}/libs/libopenvino.so.*`], { encoding: 'utf8' }).split(
      '\n',
    )[0]
    const program = join(work, 'run-openvino')
    const args = [
      ...warned,
      '-isystem',
      join(package_, 'include'),
      at('openvino', 'sample/run.cpp'),
      library,
      '-pthread',
      '-o',
      program,
    ]
    execFileSync('g++', args, { stdio: ['ignore', 'ignore', 'inherit'] })
    const environment = { ...process.env, LD_LIBRARY_PATH: join(package_, 'libs') }
    const said = execFileSync(program, [at('openvino', 'model.xml'), picture, '5'], {
      encoding: 'utf8',
      env: environment,
    })
    expect(said).toMatch(timed)
    const values = /logits:(.*)/.exec(said)![1].trim().split(' ').map(Number)
    expect(values.indexOf(Math.max(...values))).toBe(7)
  })

  // Their headers are in no package that can be had here; what the programs call of them is declared as they declare it.
  test.each([
    ['onnxruntime', 'sample/run.cpp'],
    ['ncnn', 'sample/run.cpp'],
    ['tflm', 'sample/main.cc'],
  ])('%s is right C++ against the declarations of its runtime', (target, path) => {
    const headers = join(import.meta.dirname, 'headers', target)
    expect(existsSync(headers)).toBe(true)
    for (const flags of [[], ['-DSAMPLE_THREADS=2', '-DSAMPLE_PICTURE="a.pgm"']])
      execFileSync('g++', [...warned, '-fsyntax-only', ...flags, '-isystem', headers, at(target, path)], {
        stdio: ['ignore', 'ignore', 'inherit'],
      })
  })
})
