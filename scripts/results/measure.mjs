// One measurement: the command line itself on one model with one recipe, its report, and Python's onnxruntime as a second opinion.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../install.mjs'
import { packedBytes } from './packed.mjs'
import { placeOf, save, shared } from './places.mjs'
import { recipeOf } from './settings.mjs'

const cli = 'dist/cli/thimble.mjs'

/** What was found. Throws where the command was stopped from outside, which says nothing about the model. */
export async function measure(model, setting, repairs, python) {
  const work = mkdtempSync(join(tmpdir(), 'thimble-results-'))
  try {
    return await run(model, recipeOf(setting, repairs, model), work, python)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** The arguments of `compress`; `place` says where a thing is, for running it or for showing it. */
function argsOf(model, place) {
  return [
    ...['compress', place(model.file)],
    ...['--data', place(model.data), '--eval', place(model.eval)],
    ...(model.samples ? ['--samples', String(model.samples)] : []),
    ...(model.input === null ? [] : ['--input', place(model.input)]),
    ...['--recipe', place('recipe'), '--target', 'onnxruntime'],
  ]
}

/** The command as a person would type it in the checkout. */
export const commandOf = model => `npm run -s thimble -- ${argsOf(model, shown).join(' ')} --out out --json`
const shown = what => {
  if (what === 'recipe') return 'RECIPE.json'
  if (typeof what === 'string') return `../shared/data/${what}`
  if (!what.folder) return `'${JSON.stringify(what)}'`
  return `../shared/data/${what.folder}${what.part ? `[${what.part[0]}..${what.part[1] - 1}]` : ''}`
}

export const machine = () => `${cpus()[0].model.trim()}, ${cpus().length} cores, Node ${process.versions.node}`

/** Whether others use the machine beside this command, which takes so many cores itself. */
export const isBusy = (own = 1) => loadavg()[0] > own + 1

async function run(model, recipe, work, python) {
  const place = what => (what === 'recipe' ? save(join(work, 'recipe.json'), recipe) : placeOf(what, work))
  const before = isBusy()
  const out = join(work, 'out')
  const args = [join(root, cli), ...argsOf(model, place), '--out', out, '--json']
  const { status, stdout, stderr } = await call(process.execPath, args)
  const loaded = before || isBusy()
  if (status === 1 || status === 2) return { machine: machine(), loaded, failed: saidIn(stderr) }
  if (status !== 0) throw new Error(`The command ended with ${status}: ${stderr.slice(-500)}`)
  const report = JSON.parse(stdout)
  const bundle = join(out, 'onnxruntime')
  const path = join(bundle, JSON.parse(readFileSync(join(bundle, 'manifest.json'), 'utf8')).files.model)
  return {
    machine: machine(),
    loaded,
    float: { value: report.before.accuracy?.value ?? null, bytes: report.before.bytes },
    accuracy: report.after.accuracy && accuracyOf(report.after.accuracy),
    agreement: report.agreement.top1,
    sqnrDb: report.agreement.sqnrDb,
    bytes: report.after.bytes,
    packed: await packedBytes(path, report.layers),
    seconds: (report.timing.totalMs - report.timing.evaluateMs) / 1000,
    python: model.python && python ? await secondOpinion(model, bundle, report.after.accuracy.value, python) : null,
  }
}

const accuracyOf = ({ metric, value, against }) => ({
  metric,
  value,
  difference: against?.difference ?? null,
  interval95: against && [against.interval95.low, against.interval95.high],
})

// Beyond this both are shown: integer kernels of two builds of the runtime may round differently at ties, which moves a sample or two.
export const apart = 0.2

async function secondOpinion(model, bundle, ours, python) {
  const script = join(root, 'scripts/verify-python.py')
  const labelled = join(shared, model.eval)
  const args = [script, bundle, labelled, '--reference', join(shared, model.file), '--json']
  const { status, stdout, stderr } = await call(python, args)
  if (status !== 0) return { failed: stderr.trim().split('\n').at(-1) }
  const { int8, onnxruntime } = JSON.parse(stdout)
  return { onnxruntime, differs: Math.abs(int8.top1 - ours) > apart ? int8.top1 : null }
}

/** The command's own words about why it failed. */
const saidIn = stderr => /^thimble: (.*)$/m.exec(stderr)?.[1] ?? stderr.trim().split('\n').at(-1) ?? 'nothing was said'

/** Runs a program to its end: its status, or the signal that ended it, and what it said. */
export const call = (program, args) =>
  new Promise((done, fail) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const said = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'])
      child[stream].setEncoding('utf8').on('data', text => (said[stream] += text))
    child.on('error', fail)
    child.on('close', (status, signal) => done({ status: status ?? signal, ...said }))
  })
