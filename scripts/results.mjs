// `npm run results [-- --only resnet20,kws] [--settings w4a8] [--repairs none,refit] [--anew] [--page]`: what compression costs on the
// real models of ../shared/data, measured through the command line, kept in docs/results.jsonl and written to docs/results.md. What is
// there is not measured again; --anew measures what another build of Thimble measured, --page only writes the page.
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
const { measure } = await import('./results/measure.mjs')
const { buildNow, recalled, remember } = await import('./results/record.mjs')
const { isThere } = await import('./results/places.mjs')
const { page } = await import('./results/page.mjs')

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    settings: { type: 'string' },
    repairs: { type: 'string' },
    anew: { type: 'boolean' },
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
const build = buildNow()

const earlier = recalled()
const isDone = row => {
  const found = earlier(row)
  return found !== null && (!values.anew || found.build === build)
}
const todo = values.page ? [] : wanted.filter(row => isThere(row.model) && !isDone(row))
const python = todo.length > 0 ? ensurePython() : null
for (const [i, row] of todo.entries()) {
  const { model, setting, repairs } = row
  const name = `${model.id}, ${setting.id}, ${repairs.id}`
  try {
    const found = await measure(model, setting, repairs, python)
    remember(row, build, found)
    const figure =
      found.failed ?? `${(found.accuracy?.value ?? found.agreement)?.toFixed(2) ?? ''} ${found.sqnrDb.toFixed(1)} dB`
    console.error(`${i + 1} of ${todo.length}: ${name}: ${figure}`)
  } catch (error) {
    console.error(`${i + 1} of ${todo.length}: ${name} was not measured: ${error.message}`)
  }
}

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const recall = recalled()
const results = combine(models.filter(isThere), settings, repairSets).map(row => ({ ...row, found: recall(row) }))
if (results.every(r => r.found === null)) {
  console.error(
    'Nothing was measured: the page stays as it is. The models lie in ../shared/data, or they are not here.',
  )
  process.exit(1)
}
const absent = models.filter(model => !isThere(model))
writeFileSync(join(root, 'docs/results.md'), page(results, { version, settings, absent }))
