// One measurement: the command line itself on one model with one recipe, its report, and Python's onnxruntime as a second opinion.
// What was found is kept under .cache/results, named after everything it depends on, so that a stopped run goes on where it was.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashOf, programSources } from '../fresh.mjs'
import { root } from '../install.mjs'
import { packedBytes } from './packed.mjs'
import { placeOf, save, shared } from './places.mjs'
import { recipeOf } from './settings.mjs'

const kept = join(root, '.cache/results')
const cli = 'dist/cli/thimble.mjs'

export const isThere = model => existsSync(join(shared, model.file))

/** Which program measured: its sources, since a build also says where its libraries lie. */
export const engineHash = () => hashOf(programSources)

const short = value => createHash('sha256').update(value).digest('hex').slice(0, 24)

const keyOf = (model, setting, repairs, engine) => {
  // The recipe says how often it learns.
  const { title: _, note: __, learning: ___, ...about } = model
  const bytes = readFileSync(join(shared, model.file))
  return short(JSON.stringify([short(bytes), about, recipeOf(setting, repairs, model), engine]))
}

const fileOf = key => join(kept, `${key}.json`)

/** What was found earlier, or null. */
export function recall(model, setting, repairs, engine) {
  const path = fileOf(keyOf(model, setting, repairs, engine))
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null
}

/** Measures and keeps. Throws where the command was stopped from outside, which says nothing about the model. */
export async function measure(model, setting, repairs, engine, python) {
  const work = mkdtempSync(join(tmpdir(), 'thimble-results-'))
  try {
    const found = await run(model, recipeOf(setting, repairs, model), work, python)
    mkdirSync(kept, { recursive: true })
    // Written beside and renamed: a run that is stopped here leaves no half a result.
    const part = join(work, 'result.json')
    writeFileSync(part, JSON.stringify(found, null, 1))
    const path = fileOf(keyOf(model, setting, repairs, engine))
    copyFileSync(part, `${path}.part`)
    renameSync(`${path}.part`, path)
    return found
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

async function run(model, recipe, work, python) {
  const place = what => (what === 'recipe' ? save(join(work, 'recipe.json'), recipe) : placeOf(what, work))
  const before = { cpu: cpus()[0].model.trim(), cores: cpus().length, node: process.versions.node, load: loadavg()[0] }
  const out = join(work, 'out')
  const args = [join(root, cli), ...argsOf(model, place), '--out', out, '--json']
  const { status, stdout, stderr } = await call(process.execPath, args)
  if (status === 1 || status === 2) return { machine: before, failed: saidIn(stderr) }
  if (status !== 0) throw new Error(`The command ended with ${status}: ${stderr.slice(-500)}`)
  const report = JSON.parse(stdout)
  const bundle = join(out, 'onnxruntime')
  const path = join(bundle, JSON.parse(readFileSync(join(bundle, 'manifest.json'), 'utf8')).files.model)
  return {
    machine: before,
    before: { accuracy: report.before.accuracy, bytes: report.before.bytes },
    accuracy: report.after.accuracy,
    agreement: report.agreement,
    bytes: report.after.bytes,
    packed: await packedBytes(path, report.layers),
    seconds: (report.timing.totalMs - report.timing.evaluateMs) / 1000,
    notes: report.notes,
    python: model.python && python ? await secondOpinion(model, bundle, python) : null,
  }
}

async function secondOpinion(model, bundle, python) {
  const script = join(root, 'scripts/verify-python.py')
  const labelled = join(shared, model.eval)
  const args = [script, bundle, labelled, '--reference', join(shared, model.file), '--json']
  const { status, stdout, stderr } = await call(python, args)
  if (status !== 0) return { failed: stderr.trim().split('\n').at(-1) }
  const { int8, sqnrDb, onnxruntime, vnni } = JSON.parse(stdout)
  return { top1: int8.top1, sqnrDb, onnxruntime, vnni }
}

/** The command's own words about why it failed. */
const saidIn = stderr => /^thimble: (.*)$/m.exec(stderr)?.[1] ?? stderr.trim().split('\n').at(-1) ?? 'nothing was said'

const call = (program, args) =>
  new Promise((done, fail) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const said = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'])
      child[stream].setEncoding('utf8').on('data', text => (said[stream] += text))
    child.on('error', fail)
    child.on('close', (status, signal) => done({ status: status ?? signal, ...said }))
  })
