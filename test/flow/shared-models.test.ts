// Real networks through the built command line, each held to what it must reach, and its report to what Python's onnxruntime
// measures on the bundle. The models and data lie outside the repository.
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Report } from '../../src/jobs/report.ts'
import { root, scratch, thimble } from './cli.ts'
import { saveJson } from './files.ts'
import { measure, python, runPython } from './python.ts'

const shared = join(root, '../shared/data')
const missing = !existsSync(join(shared, 'onnx'))
if (missing) console.log(`The real models are not run: ${shared} is missing.`)

const work = scratch()
// Layers are looked at on a few samples, and nothing is timed: neither changes what is written.
const recipe = saveJson(join(work, 'recipe.json'), {
  thimble: 1,
  steps: [{ do: 'optimize' }, { do: 'quantize' }, { do: 'evaluate', layerSamples: 2, latency: false }],
})
const at = (path: string): string => join(shared, path)
const model = (name: string): string => at(`onnx/${name}.onnx`)

async function compress(name: string, out: string, ...args: string[]): Promise<Report> {
  const dir = join(work, out)
  const own = args.includes('--recipe') ? [] : ['--recipe', recipe]
  const run = [...own, '--samples', '128', '--target', 'onnxruntime', '--out', dir, '--json']
  const { status, stdout, stderr } = await thimble('compress', model(name), ...args, ...run)
  expect(stderr).not.toMatch(/^thimble:/m)
  expect(status).toBe(0)
  return JSON.parse(stdout)
}

/** A count of right answers out of a percentage of so many samples. */
const right = (report: Report): number =>
  Math.round(((report.after?.accuracy?.value ?? 0) * (report.after?.accuracy?.samples ?? 0)) / 100)

const floatOps = (report: Report): string[] => [...new Set(report.floatLeft.map(f => f.op))].sort()

async function agreesWithPython(out: string, labelled: string, name: string): Promise<void> {
  if (python === null) return
  const bundle = join(work, out, 'onnxruntime')
  const checked = await measure(bundle, at(labelled), model(name))
  console.log(
    `${name}: ${checked.cpu}, VNNI ${checked.vnni}: float ${checked.float.top1.toFixed(2)}, int8 ${checked.int8.top1.toFixed(2)} (report ${checked.int8.reportTop1.toFixed(2)}), ${checked.sqnrDb.toFixed(2)} dB (report ${checked.reportSqnrDb.toFixed(2)})`,
  )
  expect(Math.abs(checked.float.top1 - checked.float.reportTop1)).toBeLessThanOrEqual(0.2)
  expect(Math.abs(checked.int8.top1 - checked.int8.reportTop1)).toBeLessThanOrEqual(0.2)
  expect(Math.abs(checked.sqnrDb - checked.reportSqnrDb)).toBeLessThanOrEqual(0.3)
}

const cifar = ['--data', at('cifar10/calib512.json'), '--eval', at('cifar10/test846.json')]
const normalised = ['--input', at('cifar10/input.json')]

describe.skipIf(missing)('real models', () => {
  test.for(['cifar10_resnet20', 'cifar10_resnet20_raw', 'cifar10_resnet20_dynamo'])(
    '%s: top-1 at least 91.4, 29 dB, agreement 99 %, at most 335 kB, every convolution in integers',
    async name => {
      const report = await compress(name, name, ...cifar, ...normalised)
      expect(report.before.accuracy?.value).toBeCloseTo((100 * 776) / 846, 6)
      expect(report.after?.accuracy?.value).toBeGreaterThanOrEqual(91.4)
      expect(report.agreement?.sqnrDb).toBeGreaterThanOrEqual(29)
      expect(report.agreement?.top1).toBeGreaterThanOrEqual(99)
      expect(report.after?.bytes).toBeLessThanOrEqual(335_000)
      expect(report.optimized?.nodesAfter).toBeLessThanOrEqual(54)
      for (const op of ['Conv', 'Gemm', 'Add']) expect(floatOps(report)).not.toContain(op)
      await agreesWithPython(name, 'cifar10/test846.json', name)
    },
  )

  test('ResNet20 that takes pixels, repaired: 32 dB, every convolution in integers', async () => {
    const options = { rawInput: true, repairs: ['equalize', 'correct-bias'] }
    const repaired = saveJson(join(work, 'repaired.json'), {
      thimble: 1,
      steps: [{ do: 'optimize' }, { do: 'quantize', ...options }, { do: 'evaluate', layerSamples: 2, latency: false }],
    })
    const report = await compress('cifar10_resnet20', 'pixels', ...cifar, ...normalised, '--recipe', repaired)
    expect(report.agreement?.sqnrDb).toBeGreaterThanOrEqual(32)
    expect(report.agreement?.top1).toBeGreaterThanOrEqual(99)
    expect(report.layers.every(layer => layer.sqnrDb! > 25)).toBe(true)
    for (const op of ['Conv', 'Gemm']) expect(floatOps(report)).not.toContain(op)
    await agreesWithPython('pixels', 'cifar10/test846.json', 'cifar10_resnet20')
  })

  test('ResNet8 in NHWC: top-1 at least 87.0, 22.5 dB', async () => {
    const report = await compress('mlperf_resnet8', 'r8', ...cifar, '--input', at('cifar10/input-raw-nhwc.json'))
    expect(report.after?.accuracy?.value).toBeGreaterThanOrEqual(87)
    expect(report.agreement?.sqnrDb).toBeGreaterThanOrEqual(22.5)
    expect(floatOps(report)).not.toContain('Conv')
    await agreesWithPython('r8', 'cifar10/test846.json', 'mlperf_resnet8')
  })

  test('keywords: at least 725 of 800', async () => {
    const report = await compress(
      'mlperf_kws',
      'kws',
      '--data',
      at('kws/calib200.npz'),
      '--eval',
      at('kws/test800.npz'),
    )
    expect(report.after?.accuracy?.samples).toBe(800)
    expect(right(report)).toBeGreaterThanOrEqual(725)
    await agreesWithPython('kws', 'kws/test800.npz', 'mlperf_kws')
  })

  test('MobileNetV2: at least 122 of 136', async () => {
    const name = 'imagenet_mobilenet_v2_1.0_224_deq'
    const data = ['--data', at('imagenet/calib64'), '--eval', at('imagenet/eval136')]
    const report = await compress(name, 'mb2', ...data, '--input', at('imagenet/input-mobilenet.json'))
    expect(report.after?.accuracy?.samples).toBe(136)
    expect(right(report)).toBeGreaterThanOrEqual(122)
    expect(floatOps(report)).not.toContain('Conv')
    await agreesWithPython('mb2', 'imagenet/eval136', name)
  })

  test('visual wake words on pictures whose labels are of other classes: agreement at least 97 %, and a word on the labels', async () => {
    const data = ['--data', at('imagenet/calib64'), '--eval', at('imagenet/eval136')]
    const report = await compress('mlperf_vww96', 'vww', ...data)
    expect(report.agreement?.samples).toBe(136)
    expect(report.agreement?.top1).toBeGreaterThanOrEqual(97)
    expect(report.after?.accuracy).toBeNull()
    expect(report.notes.join('\n')).toMatch(/NO ACCURACY WAS MEASURED.*none of the model's 2 classes.*labelOffset/)
  })

  test('the face detector RFB-320 goes through, and what stays float is named', async () => {
    const report = await compress('ultraface_rfb320', 'rfb', '--data', at('imagenet/calib64'))
    expect(report.agreement?.sqnrDb).toBeGreaterThan(20)
    expect(report.layers.length).toBeGreaterThan(30)
    expect(floatOps(report)).not.toContain('Conv')
    for (const { node, op, why } of report.floatLeft) expect([node, op, why]).not.toContain('')
  })

  test('the text recogniser PP-OCRv4 goes through, and what stays float is named', async () => {
    // A few lines: the engine reads about four a second.
    const lines = join(work, 'lines')
    mkdirSync(lines)
    const [header, ...rows] = readFileSync(at('ocr_lines/labels.csv'), 'utf8').split('\n')
    writeFileSync(join(lines, 'labels.csv'), [header, ...rows.slice(0, 12)].join('\n'))
    for (let i = 0; i < 12; i++) {
      const file = `line_${String(i).padStart(3, '0')}.png`
      symlinkSync(at(`ocr_lines/${file}`), join(lines, file))
    }
    const report = await compress('ppocrv4_rec', 'ocr', '--data', lines, '--eval', lines)
    expect(report.before.accuracy?.value).toBe(100)
    expect(right(report)).toBeGreaterThanOrEqual(11)
    expect(report.floatLeft.length).toBeGreaterThan(0)
    for (const { node, op, why } of report.floatLeft) expect([node, op, why]).not.toContain('')
  })

  test.for([
    ['cifar10_resnet20_raw', 'BatchNorm statistics', 770],
    ['cifar10_resnet20', 'synthesised inputs', 770],
  ] as const)('%s without samples: ranges from %s, at least %i of 846', async ([name, from, least]) => {
    const report = await compress(name, `${name}-none`, '--eval', at('cifar10/test846.json'), ...normalised)
    expect(report.estimated).toContain(from)
    expect(right(report)).toBeGreaterThanOrEqual(least)
    expect(report.agreement?.sqnrDb).toBeGreaterThan(24)
  })

  test('keywords without samples, and without a spec that says what is fed: at least 720 of 800', async () => {
    const report = await compress('mlperf_kws', 'kws-none', '--eval', at('kws/test800.npz'))
    expect(report.estimated).toContain('synthesised inputs')
    expect(right(report)).toBeGreaterThanOrEqual(720)
  })

  test.skipIf(python === null)('the program in Python that lies in the bundle gets the golden outputs', async () => {
    for (const out of ['cifar10_resnet20', 'r8', 'kws']) {
      const said = await runPython(join(work, out, 'onnxruntime/sample/run.py'))
      const decibels = [...said.matchAll(/(inf|[\d.]+) dB against the golden output/g)].map(([, db]) => db)
      expect(decibels.length, said).toBeGreaterThan(0)
      for (const db of decibels) expect(db === 'inf' || Number(db) > 30, said).toBe(true)
    }
  })
})
