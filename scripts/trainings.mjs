// `npm run trainings [-- --only w4a4,d51] [--page]`: what a training of twenty minutes brings on ResNet20, measured through the command line
// without it and with it, on samples that it never saw; kept in docs/trainings.jsonl and written into docs/training.md. Nothing in the
// recipes below was chosen by what they are judged on. It wants a machine to itself: a step is bound by time.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { install, root } from './install.mjs'

install()
const { buildCli } = await import('./build.mjs')
const { call, isBusy, machine } = await import('./results/measure.mjs')
const { buildNow, linesOf } = await import('./results/record.mjs')
const { save, shared } = await import('./results/places.mjs')
const { writeBetween } = await import('./marked.mjs')

const eight = { weights: 'int8', activations: 'uint8' }
const fewBits = (weights, activations) => ({
  do: 'quantize',
  weights,
  activations,
  layers: { first: eight, last: eight },
  repairs: ['equalize', 'refit'],
})
const pruned = share => ({ do: 'prune', budget: { of: 'macs', share } })
// Threads of the command itself that are busy: two that compute, and the one that leads them.
const busyThreads = 3

// Twenty minutes less what calibration, repairs and the last judgement take.
const minutes = 18
const rounded = { do: 'qat', minutes, scaleRate: 0.3, augment: ['flip', 'crop'], every: 200 }
// Most steps at low rates, where weights that go to and fro between two codes come to rest.
const settling = {
  ...rounded,
  minutes: 19.3,
  augment: ['flip', 'cutmix'],
  schedule: 'cosine-cubed',
  average: 0,
  held: 0.03,
  outputs: 1000,
  features: 100,
}
const followed = {
  do: 'distil',
  minutes,
  rate: 0.006,
  outputs: 20,
  features: 0,
  augment: ['flip', 'crop', 'mixup'],
  views: 8,
  every: 200,
}

/** What is trained: the step without which there is nothing to learn, and the steps with those that train. */
const trainings = [
  {
    id: 'w4a4',
    title: 'W4A4, ends 8',
    ...behind(fewBits('int4', 'uint4'), { ...settling, rate: 0.001 }),
  },
  {
    id: 'w2a4',
    title: 'W2A4, ends 8',
    ...behind(fewBits('int2', 'uint4'), { ...settling, rate: 0.003 }),
  },
  {
    id: 'w2a2',
    title: 'ternary weights, A2, ends 8',
    ...behind(fewBits('ternary', 'uint2'), { ...rounded, rate: 0.01, outputs: 40, features: 40 }),
  },
  { id: 'd51', title: 'pruned to 51 % of the multiply-accumulates', ...behind(pruned(0.51), followed) },
  {
    id: 'd35',
    title: 'pruned to 35 %',
    plain: [pruned(0.35)],
    steps: [pruned(0.51), { ...followed, minutes: 5 }, pruned(0.35), { ...followed, minutes: 12.8 }],
  },
]

function behind(step, train) {
  return { plain: [step], steps: [step, train] }
}

const { values } = parseArgs({ options: { only: { type: 'string' }, page: { type: 'boolean' } } })
const wanted = values.only?.split(',') ?? trainings.map(t => t.id)
const unknown = wanted.filter(id => !trainings.some(t => t.id === id))
if (unknown.length > 0) {
  console.error(`--only does not know ${unknown.join(', ')}; there are ${trainings.map(t => t.id).join(', ')}.`)
  process.exit(2)
}

const kept = join(root, 'docs/trainings.jsonl')
const recalled = () =>
  new Map(
    (existsSync(kept) ? linesOf(readFileSync(kept, 'utf8')) : []).map(line => [JSON.parse(line).id, JSON.parse(line)]),
  )

const recipeOf = (...steps) => ({
  thimble: 1,
  steps: [{ do: 'optimize' }, ...steps, { do: 'evaluate', layerSamples: 0, latency: false }],
})

const shownArgs = [
  ...['compress', '../shared/data/onnx/cifar10_resnet20.onnx'],
  ...['--data', '../shared/data/cifar10/train4148.json', '--samples', '512'],
  ...['--eval', '../shared/data/cifar10/test846.json'],
  ...['--input', '../shared/data/cifar10/input.json', '--recipe', 'RECIPE.json', '--target', 'onnxruntime'],
]

async function measure(recipe) {
  const work = mkdtempSync(join(tmpdir(), 'thimble-trainings-'))
  try {
    const place = arg =>
      arg === 'RECIPE.json' ? save(join(work, arg), recipe) : arg.replace(/^\.\.\/shared\/data/, shared)
    const args = [join(root, 'dist/cli/thimble.mjs'), ...shownArgs.map(place), '--out', join(work, 'out'), '--json']
    const { status, stdout, stderr } = await call(process.execPath, args)
    if (status !== 0) throw new Error(`The command ended with ${status}: ${stderr.slice(-500)}`)
    const { after, agreement, timing, memory, trained } = JSON.parse(stdout)
    const seconds = (timing.totalMs - timing.evaluateMs) / 1000
    const found = { top1: after.accuracy.value, sqnrDb: agreement.sqnrDb, seconds, peakBytes: memory.peakBytes }
    if (trained.length === 0) return found
    const heldOut = trained.map(({ held }) => held.map(({ step, loss }) => [step, Number(loss.toPrecision(4))]))
    return { ...found, steps: trained.reduce((sum, t) => sum + t.taken, 0), heldOut }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

if (!values.page) {
  await buildCli({ quiet: true })
  for (const { id, plain, steps } of trainings.filter(t => wanted.includes(t.id))) {
    const busy = isBusy(busyThreads)
    const without = await measure(recipeOf(...plain))
    const trained = await measure(recipeOf(...steps))
    const found = {
      id,
      build: buildNow(),
      machine: machine(),
      loaded: busy || isBusy(busyThreads),
      plain,
      steps,
      without,
      trained,
    }
    const all = [...recalled().set(id, found).values()]
    writeFileSync(kept, all.map(row => `${JSON.stringify(row)}\n`).join(''))
    console.error(`${id}: ${said(without)} without, ${said(trained)} with ${trained.steps} steps`)
  }
}
writePage()

function said({ top1, sqnrDb }) {
  return `${top1.toFixed(2)} %, ${sqnrDb.toFixed(2)} dB`
}

function writePage() {
  const marks = ['<!-- trainings: written by npm run trainings -->', '<!-- end of trainings -->']
  const all = recalled()
  const rows = trainings.flatMap(({ id, title }) => (all.has(id) ? [lineOf(title, all.get(id))] : []))
  const part = rows.length > 0 ? tableOf(rows, [...all.values()]) : ['`npm run trainings` has not been run yet.']
  writeBetween(join(root, 'docs/training.md'), marks, part.join('\n\n'))
}

function tableOf(rows, found) {
  const machines = [...new Set(found.map(row => row.machine))].join('; ')
  return [
    `What some twenty minutes bring on ResNet20 from 4,148 unlabelled images, judged on 846 others (float 91.73 %), on ${machines}. Without training: the steps in brackets. Minutes are of the whole command but its evaluation.`,
    [
      '| | the recipe’s steps behind `optimize` | top-1 % without | with | SQNR dB without | with | steps | minutes without | with | memory |',
      '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
      ...rows,
    ].join('\n'),
    `\`npm run -s thimble -- ${shownArgs.join(' ')} --out out --json\``,
  ]
}

function listed(steps) {
  return steps.map(step => `\`${JSON.stringify(step)}\``).join(', ')
}

function lineOf(title, { plain, steps, without, trained, loaded }) {
  const cells = [
    title,
    `${listed(steps)} (${listed(plain)})`,
    ...[without.top1.toFixed(2), trained.top1.toFixed(2), without.sqnrDb.toFixed(2), trained.sqnrDb.toFixed(2)],
    String(trained.steps),
    ...[without, trained].map(({ seconds }) => (seconds / 60).toFixed(1)),
    `${(trained.peakBytes / 1e9).toFixed(2)} GB${loaded ? '; others used the machine' : ''}`,
  ]
  return `| ${cells.join(' | ')} |`
}
