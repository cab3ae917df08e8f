// Bundles of C through the built command line: their sample program compiles strictly, gives the golden output under sanitizers, and
// what it dumps of its layers is what the bundle holds of them;
// it computes in hardly more memory than what lives at once.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compiler, sanitized, strict } from '../exporters/c-compiler.ts'
import { root, samples, scratch, thimble } from './cli.ts'

const work = scratch()
const shared = join(root, '../shared/data')
const isThere = existsSync(join(shared, 'onnx'))
if (!isThere) console.log(`The real models are not run: ${shared} is missing.`)
const at = (path: string): string => join(shared, path)

const digits = ['digits', join(samples, 'digits/model.onnx'), '--data', join(samples, 'digits/calibration.npz')]
const real = [
  [
    'resnet8',
    at('onnx/mlperf_resnet8.onnx'),
    '--data',
    at('cifar10/calib512.json'),
    '--input',
    at('cifar10/input-raw-nhwc.json'),
  ],
  ['kws', at('onnx/mlperf_kws.onnx'), '--data', at('kws/calib200.npz')],
]

test.skipIf(!compiler()).for([digits, ...(isThere ? real : [])])('%s', async ([name, model, ...data]) => {
  const out = join(work, name)
  const made = await thimble('compress', model, ...data, '--samples', '32', '--target', 'c', '--out', out)
  expect(made.stderr).not.toMatch(/^thimble:/m)
  const bundle = join(out, 'c')
  const { notes } = JSON.parse(readFileSync(join(bundle, 'manifest.json'), 'utf8'))
  const [, arena, bound] = /RAM: (\d+) bytes .* needs (\d+) at once/.exec(notes.join('\n'))!.map(Number)
  expect(arena).toBeLessThanOrEqual(1.1 * bound)
  const sources = ['-I.', 'model.c', 'sample/main.c', '-o', join(work, `${name}-main`)]
  for (const flags of [sanitized, ['-O2', '-DMODEL_DUMP']]) {
    execFileSync('gcc', [...strict, ...flags, ...sources], { cwd: bundle })
    const { status, stdout, stderr } = spawnSync(join(work, `${name}-main`), { cwd: bundle, maxBuffer: 1 << 28 })
    expect(stderr.toString()).toMatch(/: 0 of \d+ values differ/)
    expect(status).toBe(0)
    writeFileSync(join(work, `${name}.txt`), stdout)
  }
  const verified = await thimble('verify', bundle, '--dump', join(work, `${name}.txt`), '--json')
  const { ok, layers, unknown } = JSON.parse(verified.stdout)
  expect(ok).toBe(true)
  expect(unknown).toEqual([])
  expect(layers.length).toBeGreaterThan(4)
  expect(layers.filter((layer: { equal: boolean }) => !layer.equal)).toEqual([])
})
