// `npm run results [-- --only resnet20,kws] [--settings w4a8] [--repairs none,refit] [--page]`: what compression costs on the real
// models of ../shared/data, measured through the command line and written to docs/results.md. What was measured already with this
// build is not measured again; --page only writes the page anew.
import { readFileSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { install, root } from './install.mjs'

install()
const { buildCli } = await import('./build.mjs')
const { ensurePython } = await import('./python.mjs')
const { models } = await import('./results/models.mjs')
const { applies, repairSets, settings } = await import('./results/settings.mjs')
const { engineHash, isThere, measure, recall } = await import('./results/measure.mjs')
const { page } = await import('./results/page.mjs')

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    settings: { type: 'string' },
    repairs: { type: 'string' },
    page: { type: 'boolean' },
  },
})

/** Those of a list that an option names; all without it. */
function chosen(list, option) {
  if (values[option] === undefined) return list
  const ids = values[option].split(',')
  const unknown = ids.filter(id => !list.some(item => item.id === id))
  if (unknown.length > 0) {
    console.error(`--${option} does not know ${unknown.join(', ')}; there are ${list.map(item => item.id).join(', ')}.`)
    process.exit(2)
  }
  return list.filter(item => ids.includes(item.id))
}

const combine = (someModels, someSettings, someRepairs) =>
  someModels.flatMap(model =>
    someSettings.flatMap(setting =>
      someRepairs.filter(repairs => applies(model, setting, repairs)).map(repairs => ({ model, setting, repairs })),
    ),
  )

const wanted = combine(chosen(models, 'only'), chosen(settings, 'settings'), chosen(repairSets, 'repairs'))
// It takes long, and others may want the machine; the command and Python inherit it.
setPriority(10)
await buildCli({ quiet: true })
const engine = engineHash()

const todo = values.page
  ? []
  : wanted.filter(r => isThere(r.model) && recall(r.model, r.setting, r.repairs, engine) === null)
const python = todo.length > 0 ? ensurePython() : null
for (const [i, { model, setting, repairs }] of todo.entries()) {
  const name = `${model.id}, ${setting.id}, ${repairs.id}`
  try {
    const found = await measure(model, setting, repairs, engine, python)
    const figure =
      found.failed ??
      `${(found.accuracy?.value ?? found.agreement.top1)?.toFixed(2)}, ${found.agreement.sqnrDb.toFixed(1)} dB`
    console.error(`${i + 1} of ${todo.length}: ${name}: ${figure}`)
  } catch (error) {
    console.error(`${i + 1} of ${todo.length}: ${name} was not measured: ${error.message}`)
  }
}

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const results = combine(models.filter(isThere), settings, repairSets).map(r => ({
  ...r,
  found: recall(r.model, r.setting, r.repairs, engine),
}))
if (results.every(r => r.found === null)) {
  console.error(
    'Nothing was measured: the page stays as it is. The models lie in ../shared/data, or they are not here.',
  )
  process.exit(1)
}
const absent = models.filter(model => !isThere(model))
writeFileSync(join(root, 'docs/results.md'), page(results, { version, engine, settings, absent }))
