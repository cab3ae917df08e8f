// `npm run test:targets [-- --all] [--only tflite,ncnn] [--models resnet20] [--keep DIR] [--page]`: every exporter's bundle in its target's
// own runtime, on real models and data of ../shared/data, against the float model and against what the studio previews. Prints a row for
// each; one that cannot be run is named with the reason, and one that cannot be written must have been refused by lint. Ends with a line
// that counts, and fails where a row falls short. `--page` writes what was found, now and earlier, into docs/targets.md.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { install, root } from './install.mjs'

install()
const { buildCli } = await import('./build.mjs')
const { placeOf, shared } = await import('./results/places.mjs')
const { targetPython } = await import('./target-python.mjs')
const { buildPrepare, program } = await import('./targets/build.mjs')
const { compare, lineOf, shortOf } = await import('./targets/compare.mjs')
const { everyPush, models } = await import('./targets/models.mjs')
const { keep, writePage } = await import('./targets/page.mjs')
const { folderOf, nameOf, rows } = await import('./targets/rows.mjs')

const { values } = parseArgs({
  options: {
    all: { type: 'boolean' },
    only: { type: 'string' },
    models: { type: 'string' },
    keep: { type: 'string' },
    page: { type: 'boolean' },
  },
})
const wanted = values.models?.split(',') ?? (values.all ? models.map(model => model.id) : everyPush)
const only = values.only?.split(',') ?? null

if (!existsSync(join(shared, 'onnx'))) {
  console.log(`The bundles are not run: ${shared} is missing.\n0 passed, 0 failed, ${rows.length} skipped`)
  process.exit(0)
}
await buildCli({ quiet: true })
await buildPrepare()

const asked = rows.filter(
  row => (only === null || only.includes(row.target)) && (values.all || !row.slow || only !== null),
)
const count = { passed: 0, failed: 0, skipped: 0, refused: 0 }

for (const id of wanted) {
  const model = models.find(m => m.id === id)
  if (!model) {
    console.error(`--models does not know ${id}; it knows ${models.map(m => m.id).join(', ')}.`)
    process.exit(2)
  }
  const work = values.keep ? join(values.keep, id) : mkdtempSync(join(tmpdir(), 'thimble-targets-'))
  mkdirSync(work, { recursive: true })
  // All that are quantised alike from one calibration; where that fails, each by itself, so that one does not take the others along.
  const kinds = [...new Set(asked.map(kindOf))]
  for (const [k, kind] of kinds.entries()) {
    const group = asked.filter(row => kindOf(row) === kind)
    const out = join(work, String(k))
    const { prepared, why } = prepare(model, group, work, out)
    if (prepared) for (const [i, row] of group.entries()) judge(model, row, prepared[i], work, out)
    else if (group.length === 1) say(model, group[0], { state: 'failed', why })
    else
      for (const [i, row] of group.entries()) {
        const own = join(work, `${k}-${i}`)
        const alone = prepare(model, [row], work, own)
        if (alone.prepared) judge(model, row, alone.prepared[0], work, own)
        else say(model, row, { state: 'failed', why: alone.why })
      }
  }
  if (!values.keep) rmSync(work, { recursive: true, force: true })
}

function kindOf({ quantize }) {
  return JSON.stringify(quantize ?? {})
}

/** Bundles and what they are laid beside; what became of each row, or why nothing did. */
function prepare(model, group, work, out) {
  mkdirSync(out, { recursive: true })
  const job = {
    model: join(shared, model.file),
    data: placeOf(model.data, work),
    eval: placeOf(model.eval, work),
    input: model.input && placeOf(model.input, work),
    quantize: group[0].quantize ?? {},
    rows: group.map(({ target, form, samples }) => ({ target, form, ...(samples ? { samples } : {}) })),
    samples: model.calibrate,
    limit: model.judge,
    previewed: model.preview,
    common: work,
    out,
  }
  const ran = spawnSync(process.execPath, [program, JSON.stringify(job)], { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (ran.status === 0) return { prepared: JSON.parse(readFileSync(join(out, 'prepared.json'), 'utf8')) }
  return { why: saidIn(ran.stderr) }
}

function judge(model, row, { refused, linted, operators }, work, out) {
  if (refused !== null)
    return say(
      model,
      row,
      linted ? { state: 'refused', why: refused } : { state: 'failed', why: `lint had not said: ${refused}` },
    )
  if (!linted) return say(model, row, { state: 'failed', why: 'lint refuses what is written' })
  // A C compiler needs no Python of its own.
  const { program: python, why } = targetPython(row.runtime === 'c' ? 'onnxruntime' : row.runtime)
  if (!python) return say(model, row, { state: 'skipped', why: `${row.runtime} cannot be installed here: ${why}` })
  const folder = folderOf(row)
  const got = join(out, `got-${folder}.npz`)
  const kernels = row.kernels && !model.heavy ? { kernels: row.kernels } : {}
  const options = Object.entries({ ...row.options, ...kernels }).flatMap(([key, value]) => ['--opt', `${key}=${value}`])
  const ran = spawnSync(
    python,
    [
      join(root, 'test/targets/runtimes/run_target.py'),
      ...['--target', row.runtime, '--bundle', join(out, folder)],
      ...['--inputs', join(work, 'feeds.npz'), '--out', got, '--repeat', '1', ...options],
    ],
    { encoding: 'utf8', maxBuffer: 1 << 26, timeout: 1_200_000 },
  )
  const said = lastJson(ran.stdout)
  if (ran.status !== 0) return say(model, row, { state: 'failed', why: said?.error ?? lastLine(ran.stderr) })
  const figures = compare(python, row, { common: work, out, folder, got, said, operators })
  if (figures.failed) return say(model, row, { state: 'failed', why: figures.failed })
  // The least that is asked for is of ResNet20; what computes as the preview does does so on every model.
  const asPreviewed = row.exact && (!row.kernels || !model.heavy)
  const short = shortOf(figures, { least: model.id === 'resnet20' ? row.least : {}, exact: asPreviewed })
  say(model, row, short.length > 0 ? { state: 'failed', why: short.join(', ') } : { state: 'passed' }, figures)
}

function say(model, row, verdict, figures = null) {
  count[verdict.state]++
  keep(model, row, verdict, figures)
  const line = figures ? lineOf(figures) : null
  console.log(
    [model.id.padEnd(12), nameOf(row).padEnd(22), verdict.state, verdict.why, line].filter(Boolean).join('  '),
  )
}

function lastLine(text) {
  return text?.trim().split('\n').at(-1) ?? 'nothing was said'
}

/** The error itself, of what Node prints around it. */
function saidIn(stderr) {
  return /^(?:\w*Error|Error): .*$/m.exec(stderr)?.[0] ?? lastLine(stderr)
}

/** What the last line says as JSON; null where it is none. */
function lastJson(text) {
  try {
    return JSON.parse(lastLine(text))
  } catch {
    return null
  }
}

if (values.page) writePage()
console.log(
  `\n${count.passed} passed, ${count.failed} failed${count.skipped ? `, ${count.skipped} skipped` : ''}${count.refused ? `, ${count.refused} refused by lint and exporter` : ''}`,
)
process.exit(count.failed === 0 ? 0 : 1)
