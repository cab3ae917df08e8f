// `npm run test:targets [-- --all] [--only tflite,ncnn] [--models resnet20]`: every exporter's bundle in its target's own runtime, on real
// models and labelled data of ../shared/data, against the float model and against what the studio previews. Prints a row for each; one
// that cannot be run is named with the reason. Ends with a line that counts, and fails where a row falls short.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
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
  const here = asked.filter(written)
  for (const row of asked.filter(r => !written(r))) say(id, row, { state: 'skipped', why: 'no exporter for it yet' })
  for (const row of here) await run(model, row, work)
  if (!values.keep) rmSync(work, { recursive: true, force: true })
}

/** Each bundle is prepared by itself, so that one that is refused does not take the others along. */
function run(model, row, work) {
  const out = join(work, `${row.target}-${row.form ?? 'default'}`.replaceAll(':', '-'))
  const input =
    model.input === null || typeof model.input === 'string' ? model.input : save(join(work, 'input.json'), model.input)
  const recipe = {
    thimble: 1,
    steps: [
      { do: 'optimize' },
      ...(row.form === 'float' ? [] : [{ do: 'quantize', ...(row.quantize ?? {}) }]),
      { do: 'export', target: row.target, ...(row.form ? { form: row.form } : {}) },
    ],
  }
  const job = {
    model: join(shared, model.file),
    data: join(shared, model.data),
    eval: join(shared, model.eval),
    input: input === null ? null : typeof model.input === 'string' ? join(shared, input) : input,
    recipe,
    samples: 128,
    limit: row.limit ?? 846,
    out,
  }
  const prepared = spawnSync(process.execPath, [program, JSON.stringify(job)], { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (prepared.status !== 0) return say(model.id, row, { state: 'failed', why: lastLine(prepared.stderr) })
  const { program: python, why } = row.runtime === 'c' ? targetPython('onnxruntime') : targetPython(row.runtime)
  if (!python) return say(model.id, row, { state: 'skipped', why: `${row.runtime} cannot be installed here: ${why}` })
  const [dir] = readdirSync(join(out, 'bundles'))
  const bundle = join(out, 'bundles', dir)
  const got = join(out, 'got.npz')
  const options = Object.entries(row.options ?? {}).flatMap(([key, value]) => ['--opt', `${key}=${value}`])
  const ran = spawnSync(
    python,
    [
      join(root, 'test/targets/runtimes/run_target.py'),
      ...['--target', row.runtime, '--bundle', bundle, '--inputs', join(out, 'feeds.npz'), '--out', got, ...options],
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
