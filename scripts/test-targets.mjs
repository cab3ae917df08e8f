// `npm run test:targets [-- --all] [--only tflite,ncnn] [--models resnet20]`: every exporter's bundle in its target's own runtime, on real
// models and labelled data of ../shared/data, against the float model and against what the studio previews. Prints a row for each; one
// that cannot be run is named with the reason. Ends with a line that counts, and fails where a row falls short.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { install, root } from './install.mjs'

install()
const { buildCli } = await import('./build.mjs')
const { models } = await import('./results/models.mjs')
const { targetPython } = await import('./target-python.mjs')
const { buildPrepare, program } = await import('./targets/build.mjs')
const { compare, lineOf, shortOf } = await import('./targets/compare.mjs')
const { rows } = await import('./targets/rows.mjs')

const { values } = parseArgs({
  options: {
    all: { type: 'boolean' },
    only: { type: 'string' },
    models: { type: 'string' },
    keep: { type: 'string' },
  },
})
const shared = join(root, '../shared/data')
// Those of the others that fit into what every push may take.
const everyPush = ['resnet20', 'kws']
const wanted = values.models?.split(',') ?? (values.all ? ['resnet20', 'resnet8', 'kws'] : everyPush)
const only = values.only?.split(',') ?? null

if (!existsSync(join(shared, 'onnx'))) {
  console.log(`The bundles are not run: ${shared} is missing.\n0 passed, 0 failed, ${rows.length} skipped`)
  process.exit(0)
}
await buildCli({ quiet: true })
await buildPrepare()
const cli = spawnSync(process.execPath, [join(root, 'dist/cli/thimble.mjs'), 'targets', '--json'], { encoding: 'utf8' })
const targets = JSON.parse(cli.stdout)

const asked = rows.filter(
  row => (only === null || only.includes(row.target)) && (values.all || !row.heavy || only !== null),
)
const written = row => {
  const target = targets.find(t => t.id === row.target)
  return target !== undefined && (row.form === null || target.forms.includes(row.form))
}

const count = { passed: 0, failed: 0, skipped: 0 }
function say(model, row, verdict, line = '') {
  count[verdict.state]++
  const name = `${row.target}${row.form ? ` ${row.form}` : ''}`
  console.log([model.padEnd(9), name.padEnd(22), verdict.state, verdict.why, line].filter(Boolean).join('  '))
}

const lastLine = text => text?.trim().split('\n').at(-1) ?? 'nothing was said'

/** What the last line says as JSON; null where it is none. */
function lastJson(text) {
  try {
    return JSON.parse(lastLine(text))
  } catch {
    return null
  }
}

for (const id of wanted) {
  const model = models.find(m => m.id === id)
  if (!model || typeof model.data !== 'string') {
    console.error(`--models does not know ${id}.`)
    process.exit(2)
  }
  const work = values.keep ? join(values.keep, id) : mkdtempSync(join(tmpdir(), 'thimble-targets-'))
  mkdirSync(work, { recursive: true })
  for (const row of asked.filter(r => !written(r))) say(id, row, { state: 'skipped', why: 'no exporter for it yet' })
  const here = asked.filter(written)
  // All from one calibration; where a bundle is refused, each by itself, so that it does not take the others along.
  const together = join(work, 'together')
  const refused = here.length > 1 ? prepare(model, here, together) : 'each by itself'
  for (const [i, row] of here.entries()) {
    const out = refused === null ? together : join(work, String(i))
    const why = refused === null ? null : prepare(model, [row], out)
    if (why !== null) say(id, row, { state: 'failed', why })
    else judge(model, row, out)
  }
  if (!values.keep) rmSync(work, { recursive: true, force: true })
}

/** Bundles and what they are laid beside, in `out`; null, or why not. */
function prepare(model, rowsHere, out) {
  mkdirSync(out, { recursive: true })
  const input =
    model.input === null
      ? null
      : typeof model.input === 'string'
        ? join(shared, model.input)
        : save(join(out, 'input.json'), model.input)
  const recipe = {
    thimble: 1,
    steps: [
      { do: 'optimize' },
      { do: 'quantize' },
      ...rowsHere.map(({ target, form, samples }) => ({
        do: 'export',
        target,
        ...(form ? { form } : {}),
        ...(samples ? { samples } : {}),
      })),
    ],
  }
  const [file, data, evaluation] = [model.file, model.data, model.eval].map(path => join(shared, path))
  const job = { model: file, data, eval: evaluation, input, recipe, samples: 128, limit: 846, out }
  const ran = spawnSync(process.execPath, [program, JSON.stringify(job)], { encoding: 'utf8', maxBuffer: 1 << 26 })
  return ran.status === 0 ? null : lastLine(ran.stderr.replace(/\n\nNode\.js .*$/s, ''))
}

function judge(model, row, out) {
  // A C compiler needs no Python of its own.
  const { program: python, why } = targetPython(row.runtime === 'c' ? 'onnxruntime' : row.runtime)
  if (!python) return say(model.id, row, { state: 'skipped', why: `${row.runtime} cannot be installed here: ${why}` })
  const dir = `${row.target}${row.form ? `-${row.form}` : ''}`.replaceAll(':', '-')
  const got = join(out, `got-${dir}.npz`)
  const options = Object.entries(row.options ?? {}).flatMap(([key, value]) => ['--opt', `${key}=${value}`])
  const ran = spawnSync(
    python,
    [
      join(root, 'test/targets/runtimes/run_target.py'),
      ...['--target', row.runtime, '--bundle', join(out, 'bundles', dir)],
      ...['--inputs', join(out, 'feeds.npz'), '--out', got, ...options],
    ],
    { encoding: 'utf8', maxBuffer: 1 << 26, timeout: 1_200_000 },
  )
  const said = lastJson(ran.stdout)
  if (ran.status !== 0) return say(model.id, row, { state: 'failed', why: said?.error ?? lastLine(ran.stderr) })
  const figures = compare(python, out, dir, got, said)
  if (figures.failed) return say(model.id, row, { state: 'failed', why: figures.failed })
  // The least that is asked for is of ResNet20; what computes as the preview does does so on every model.
  const short = shortOf(figures, model.id === 'resnet20' ? row : { exact: row.exact })
  say(
    model.id,
    row,
    short.length > 0 ? { state: 'failed', why: short.join(', ') } : { state: 'passed' },
    lineOf(figures),
  )
}

function save(path, value) {
  writeFileSync(path, JSON.stringify(value))
  return path
}
console.log(`\n${count.passed} passed, ${count.failed} failed${count.skipped ? `, ${count.skipped} skipped` : ''}`)
process.exit(count.failed === 0 ? 0 : 1)
