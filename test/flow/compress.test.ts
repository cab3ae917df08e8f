// The main job through the command line on the digits that ship: report, bundle, replay, the same bytes again, and exit statuses.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { unzipSync } from 'fflate'
import * as v from 'valibot'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Report } from '../../src/jobs/report.ts'
import { npyBytes } from '../samples/files.ts'
import { type Ended, filesOf, readJson, root, samples, scratch, start, thimble } from './cli.ts'
import { saveJson, saveNpz } from './files.ts'
import { python, runPython } from './python.ts'

const work = scratch()
const model = join(samples, 'digits/model.onnx')
const calibration = join(samples, 'digits/calibration.npz')
const spec = join(samples, 'digits/input.json')
const quick = saveJson(join(work, 'quick.json'), {
  thimble: 1,
  steps: [{ do: 'optimize' }, { do: 'quantize' }, { do: 'evaluate', layerSamples: 4, latency: false }],
})
const data = ['--data', calibration, '--input', spec, '--samples', '64']
const labelled = join(work, 'labelled.npz')
const judged = [...data, '--eval', labelled]

{
  const arrays = unzipSync(readFileSync(join(samples, 'digits/evaluation.npz')))
  const images = npyBytes(arrays['image.npy'])
  const labels = npyBytes(arrays['labels.npy'])
  saveNpz(labelled, {
    image: { dtype: 'uint8', shape: [200, 28, 28, 1], data: images.data.slice(0, 200 * 784) },
    labels: { dtype: 'uint8', shape: [200], data: labels.data.slice(0, 200) },
  })
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const interval = v.strictObject({ low: v.number(), high: v.number() })
const accuracy = v.object({
  metric: v.string(),
  value: v.number(),
  top1: v.nullable(v.number()),
  top5: v.nullable(v.number()),
  samples: count,
  interval95: interval,
  against: v.nullable(v.object({ difference: v.number(), interval95: interval, words: v.string() })),
})
const latency = v.object({ median: v.number(), p90: v.number(), runs: count })
const side = v.object({
  bytes: count,
  macs: count,
  parameters: count,
  accuracy: v.nullable(accuracy),
  latencyMs: v.nullable(latency),
  peakActivationBytes: count,
})
const agreement = v.object({ top1: v.number(), cosine: v.number(), sqnrDb: v.number(), samples: count })
const layers = v.array(
  v.object({
    node: v.string(),
    op: v.string(),
    weightBits: v.nullable(count),
    activationBits: v.nullable(count),
    scheme: v.string(),
    sqnrDb: v.nullable(v.number()),
    cumulativeSqnrDb: v.nullable(v.number()),
    weightSqnrDb: v.nullable(v.number()),
  }),
)
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))
const reportSchema = v.object({
  thimble: v.literal(1),
  seed: count,
  device: v.literal('wasm'),
  model: v.strictObject({
    name: v.string(),
    format: v.string(),
    bytes: count,
    parameters: count,
    macs: count,
    nodes: count,
  }),
  before: side,
  after: side,
  agreement,
  layers,
  floatLeft: v.array(v.strictObject({ node: v.string(), op: v.string(), why: v.string() })),
  data: v.strictObject({
    samples: count,
    skipped: v.array(v.strictObject({ sample: v.string(), why: v.string() })),
    suspicious: v.array(v.strictObject({ sample: v.string(), what: v.string() })),
  }),
  timing: v.strictObject({
    importMs: v.number(),
    optimizeMs: v.number(),
    inferenceMs: v.number(),
    calibrateMs: v.number(),
    quantizeMs: v.number(),
    evaluateMs: v.number(),
    exportMs: v.number(),
    totalMs: v.number(),
  }),
  memory: v.strictObject({ peakBytes: count }),
  steps: v.array(v.looseObject({ do: v.string() })),
  bundles: v.array(
    v.object({
      target: v.string(),
      form: v.nullable(v.string()),
      dir: v.string(),
      after: side,
      agreement,
      layers,
      operators: v.strictObject({ lowBit: count, float: count }),
      files: v.array(v.strictObject({ path: v.string(), bytes: count, sha256 })),
    }),
  ),
})

const dims = v.nullable(v.array(v.union([v.number(), v.string()])))
const tensor = {
  name: v.string(),
  shape: dims,
  dtype: v.string(),
  layout: v.nullable(v.picklist(['NCHW', 'NHWC'])),
  targetName: v.string(),
  targetShape: dims,
  targetLayout: v.nullable(v.picklist(['NCHW', 'NHWC'])),
  targetDtype: v.string(),
  scale: v.nullable(v.number()),
  zeroPoint: v.nullable(v.number()),
}
const manifestSchema = v.strictObject({
  thimble: v.literal(1),
  target: v.string(),
  form: v.nullable(v.string()),
  targetVersion: v.string(),
  batch: v.literal(1),
  files: v.record(v.string(), v.string()),
  sha256: v.record(v.string(), sha256),
  inputs: v.array(v.strictObject({ ...tensor, preprocess: v.nullable(v.looseObject({ layout: v.string() })) })),
  outputs: v.array(v.strictObject(tensor)),
  precision: v.strictObject({ weights: v.string(), activations: v.string() }),
  accuracy: v.nullable(accuracy),
  agreement: v.nullable(agreement),
  ranOnItsRuntime: v.boolean(),
  notes: v.array(v.string()),
})

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const bundleOf = (out: string, dir = 'onnxruntime') => filesOf(join(out, dir))
const left = (): string[] => readdirSync(work).filter(name => name.includes('.part-'))

describe('the main job', () => {
  const out = join(work, 'first')
  let ended: Ended
  let report: v.InferOutput<typeof reportSchema>

  beforeAll(async () => {
    ended = await thimble('compress', model, ...judged, '--recipe', quick, '--out', out, '--json')
    report = v.parse(reportSchema, JSON.parse(ended.stdout))
  })

  test('ends with 0, and stdout is one JSON document, the same as report.json', () => {
    expect(ended.status).toBe(0)
    expect(ended.stdout).toBe(readFileSync(join(out, 'report.json'), 'utf8'))
    expect(ended.stderr).toMatch(/observe/)
  })

  test('the folder holds the report and one folder for the target, and nothing is left beside it', () => {
    expect(readdirSync(out).sort()).toEqual(['onnxruntime', 'report.json'])
    expect(left()).toEqual([])
  })

  test('the bundle has the layout that people rely on', () => {
    expect([...bundleOf(out).keys()]).toEqual([
      'README.md',
      'golden/hashes.json',
      'golden/inputs.npz',
      'golden/layers.npz',
      'golden/outputs.npz',
      'manifest.json',
      'model.onnx',
      'recipe.json',
      'report.json',
      'sample/run.cpp',
      'sample/run.mjs',
      'sample/run.py',
    ])
  })

  test('every file of the bundle is in the report with its size and hash', () => {
    const [bundle] = report.bundles
    const written = [...bundleOf(out)].map(([path, bytes]) => ({ path, bytes: bytes.length, sha256: hashOf(bytes) }))
    expect([...bundle.files].sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual(written)
  })

  test('the manifest has no key too many, and the hash of its model', () => {
    const manifest = v.parse(manifestSchema, readJson(join(out, 'onnxruntime/manifest.json')))
    expect(manifest.target).toBe('onnxruntime')
    expect(manifest.files).toEqual({ model: 'model.onnx' })
    expect(manifest.sha256).toEqual({ 'model.onnx': hashOf(bundleOf(out).get('model.onnx')!) })
    expect(manifest.inputs[0].preprocess).toMatchObject({ color: 'GRAY', mean: [0.1307], std: [0.3081] })
    expect(manifest.accuracy).toEqual(report.after.accuracy)
    expect(manifest.agreement).toEqual(report.agreement)
  })

  test('nothing in the bundle is timed, and no sample of the data is in it', () => {
    const [bundle] = [bundleOf(out)]
    for (const path of ['manifest.json', 'recipe.json', 'report.json', 'README.md'])
      expect(new TextDecoder().decode(bundle.get(path))).not.toMatch(/Ms"|peakBytes|calibration\[/)
  })

  test('the steps stand in the report with every default filled in', () => {
    expect(report.steps.map(s => s.do)).toEqual(['optimize', 'quantize', 'evaluate', 'export'])
    expect(report.steps[1]).toMatchObject({ weights: 'int8', activations: 'uint8', range: 'auto' })
  })

  test('figures: both models judged on the same 200 samples, the file a third of what it was, every convolution in 8 bits', () => {
    expect(report.before.accuracy?.samples).toBe(200)
    expect(report.after.accuracy?.samples).toBe(200)
    expect(report.after.accuracy?.against?.words).toMatch(/points/)
    expect(report.after.bytes).toBeLessThan(report.before.bytes * 0.4)
    expect(report.agreement.sqnrDb).toBeGreaterThan(25)
    expect(report.data.samples).toBe(64)
    expect(report.layers.length).toBeGreaterThan(5)
    for (const layer of report.layers) expect([layer.weightBits, layer.activationBits]).toEqual([8, 8])
  })

  test('verify finds the bundle as it was written', async () => {
    const verified = await thimble('verify', join(out, 'onnxruntime'), '--json')
    expect(verified.status).toBe(0)
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, outputs: [{ equal: true }] })
  })

  test('the program in JavaScript that lies in the bundle runs, and gets the golden outputs', async () => {
    symlinkSync(join(root, 'node_modules'), join(work, 'node_modules'))
    const program = join(out, 'onnxruntime/sample/run.mjs')
    const { stdout } = await promisify(execFile)(process.execPath, [program])
    expect(stdout).toMatch(/^logits: shape \[1,10\], infinite dB against the golden output\none run: median /)
  })

  test.skipIf(python === null)('so does the one in Python', async () => {
    expect(await runPython(join(out, 'onnxruntime/sample/run.py'))).toMatch(
      /^logits: shape \(1, 10\), (inf|[3-9]\d\.\d|\d{3}\.\d) dB/,
    )
  })

  test('the recipe of the bundle makes the same bundle, byte for byte', async () => {
    const again = join(work, 'replayed')
    const recipe = join(out, 'onnxruntime/recipe.json')
    const ended = await thimble(
      'compress',
      model,
      '--data',
      calibration,
      '--samples',
      '64',
      '--eval',
      labelled,
      '--recipe',
      recipe,
      '--out',
      again,
    )
    expect(ended.status).toBe(0)
    expect(bundleOf(again)).toEqual(bundleOf(out))
  })

  test('one thread and two give the same bytes, and the same figures', async () => {
    for (const threads of ['1', '2']) {
      const other = join(work, `threads${threads}`)
      const run = ['compress', model, ...judged, '--recipe', quick, '--threads', threads, '--device', 'wasm']
      const ended = await thimble(...run, '--out', other, '--json')
      expect(bundleOf(other)).toEqual(bundleOf(out))
      const { timing: _, memory: __, ...timeless } = JSON.parse(ended.stdout)
      const { timing: ___, memory: ____, ...first } = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))
      expect(timeless).toEqual(first)
    }
  })

  test('a folder that is there is refused, and replaced with --force, without touching what is not of an earlier run', async () => {
    writeFileSync(join(out, 'notes.txt'), 'mine')
    mkdirSync(join(out, 'mine'))
    const run = ['compress', model, ...data, '--recipe', quick, '--target', 'ort-web', '--out', out]
    const refused = await thimble(...run)
    expect(refused.status).toBe(2)
    expect(refused.stderr).toMatch(/exists already[\s\S]*--force/)
    expect(existsSync(join(out, 'onnxruntime'))).toBe(true)

    const forced = await thimble(...run, '--force')
    expect(forced.status).toBe(0)
    expect(readdirSync(out).sort()).toEqual(['mine', 'notes.txt', 'ort-web', 'report.json'])
    expect(left()).toEqual([])
  })
})

describe('what a run says without --json', () => {
  test('a table on stdout, proposals and stages on stderr', async () => {
    const ended = await thimble(
      'compress',
      model,
      '--data',
      calibration,
      '--samples',
      '16',
      '--recipe',
      quick,
      '--out',
      join(work, 'text'),
    )
    expect(ended.status).toBe(0)
    expect(ended.stdout).toMatch(/size\s+91\.8 kB\s+33\.2 kB/)
    expect(ended.stdout).toMatch(/No accuracy was measured: no labelled samples were given/)
    expect(ended.stdout).not.toMatch(/^observe/m)
    expect(ended.stderr).toMatch(/Input 'image'.*assumed/)
  })
})

describe('without samples', () => {
  const none = ['--input', spec, '--recipe', quick]

  test('ranges are estimated, and stdout, stderr, report and manifest say so; nothing is evaluated, and that is said', async () => {
    const out = join(work, 'none')
    const ended = await thimble('compress', model, ...none, '--out', out)
    expect(ended.status).toBe(0)
    const { estimated, agreement, data, notes } = readJson<Report>(join(out, 'report.json'))
    expect(estimated).toMatch(/^No samples were given\. THE RANGES OF ACTIVATIONS ARE ESTIMATES/)
    expect(ended.stderr).toContain(`warning: ${estimated}`)
    expect(ended.stdout).toContain(estimated)
    expect(readJson<{ notes: string[] }>(join(out, 'onnxruntime/manifest.json')).notes).toContain(estimated)
    expect(data.samples).toBe(0)
    expect(agreement).toBeNull()
    expect(notes.join(' ')).toMatch(/Nothing was evaluated: no samples of use were given/)
  })

  test('the same seed gives the same bytes, and labelled samples judge the result as ever', async () => {
    const again = join(work, 'none-again')
    const judging = await thimble('compress', model, ...none, '--eval', labelled, '--out', again, '--json')
    const report: Report = JSON.parse(judging.stdout)
    expect(report.after!.accuracy!.value).toBeGreaterThan(report.before.accuracy!.value - 2)
    expect(bundleOf(again).get('model.onnx')).toEqual(bundleOf(join(work, 'none')).get('model.onnx'))
  })
})

describe('an interrupted command', () => {
  test('ends with 130, writes nothing on stdout and leaves nothing behind', async () => {
    const out = join(work, 'interrupted')
    const { child, ended } = start(['compress', model, ...judged, '--out', out, '--json'])
    await new Promise<void>(done => child.stderr?.on('data', text => /observe/.test(text) && done()))
    child.kill('SIGINT')
    const { status, stdout, stderr } = await ended
    expect(status).toBe(130)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/interrupted/)
    expect(existsSync(out)).toBe(false)
    expect(left()).toEqual([])
  })

  test('that was killed goes on where it was, to the same bundle, and then leaves nothing beside it', async () => {
    const recipe = saveJson(join(work, 'refit.json'), {
      thimble: 1,
      steps: [{ do: 'optimize' }, { do: 'quantize', weights: 'int4', repairs: ['refit'] }],
    })
    const command = (out: string) => ['compress', model, ...data, '--recipe', recipe, '--out', join(work, out)]
    const { child, ended } = start(command('killed'))
    await new Promise<void>(done => child.stderr?.on('data', text => /quantize/.test(text) && done()))
    child.kill('SIGKILL')
    await ended
    expect(existsSync(join(work, 'killed'))).toBe(false)
    expect(readdirSync(join(work, 'killed.unfinished')).length).toBeGreaterThan(0)

    const again = await thimble(...command('killed'))
    expect(again.stderr).toMatch(/optimize: taken from .*killed\.unfinished/)
    expect(existsSync(join(work, 'killed.unfinished'))).toBe(false)
    await thimble(...command('whole'))
    expect(bundleOf(join(work, 'killed'))).toEqual(bundleOf(join(work, 'whole')))
  })
})

describe('exit statuses', () => {
  const cases: [string, number, RegExp, ...string[]][] = [
    ['no command is help', 0, /^$/],
    ['a command that is none', 2, /There is no command compres[\s\S]*compress/, 'compres', model],
    ['compress without --out', 2, /--out DIR/, 'compress', model],
    ['an option that is none', 2, /--dat\b[\s\S]*--data/, 'compress', model, '--dat', calibration, '--out', 'x'],
    ['a count that is none', 2, /--samples wants a whole number/, 'compress', model, '--samples', 'many', '--out', 'x'],
    [
      'a search without samples',
      1,
      /step search needs calibration samples[\s\S]*--data/,
      ...['compress', model, '--preset', 'smallest', '--out', 'x'],
    ],
    ['WebGPU', 1, /WebGPU is not available on the command line/, 'compress', model, ...data, '--device', 'webgpu'],
    ['a device that is none', 2, /--device is auto, webgpu or wasm/, 'compress', model, ...data, '--device', 'npu'],
    ['a model that is not there', 1, /There is no model at nowhere\.onnx/, 'compress', 'nowhere.onnx', '--out', 'x'],
  ]
  test.each(cases)('%s: %i', async (_, status, words, ...args) => {
    const out = args.includes('--device') ? ['--out', 'x'] : []
    const ended = await thimble(...args, ...out)
    expect(ended.status).toBe(status)
    expect(ended.stderr).toMatch(words)
    if (status !== 0) expect(ended.stdout).toBe('')
    expect(existsSync('x')).toBe(false)
  })
})
