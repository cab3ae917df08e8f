// docs/results.jsonl: what was measured, a line a row, with the build that measured it. docs/results.md is drawn from it.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hashOf, programSources } from '../fresh.mjs'
import { root } from '../install.mjs'
import { shared } from './places.mjs'
import { recipeOf } from './settings.mjs'

const path = join(root, 'docs/results.jsonl')

/** Which program measures: its sources, since a build also says where its libraries lie. */
export const buildNow = () => hashOf(programSources).slice(0, 12)

const short = value => createHash('sha256').update(value).digest('hex').slice(0, 12)

const nameOf = ({ model, setting, repairs }) => `${model.id}/${setting.id}/${repairs.id}`

/** What a row is of: the file, the data and the recipe. A row that is of something else is none. */
function subjectOf({ model, setting, repairs }) {
  const { file, data, eval: judged, input, samples } = model
  const recipe = recipeOf(setting, repairs, model)
  return short(JSON.stringify([contentOf(file), data, judged, input, samples, recipe]))
}

const contents = new Map()
function contentOf(file) {
  if (!contents.has(file)) contents.set(file, short(readFileSync(join(shared, file))))
  return contents.get(file)
}

export const linesOf = text => text.split('\n').filter(line => line !== '')

/** Every row by its name. */
const rows = () =>
  new Map(
    (existsSync(path) ? linesOf(readFileSync(path, 'utf8')) : []).map(line => {
      const { row, ...found } = JSON.parse(line)
      return [row, found]
    }),
  )

/** Tells what is kept by now of a row, or null. */
export function recalled() {
  const kept = rows()
  return row => {
    const found = kept.get(nameOf(row))
    return found?.of === subjectOf(row) ? found : null
  }
}

/** Keeps what a build found. Other runs may have written since: the file is read anew, and replaced whole. */
export function remember(row, build, found) {
  const all = rows().set(nameOf(row), { of: subjectOf(row), build, ...found })
  const sorted = [...all].sort(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(`${path}.part`, sorted.map(([name, f]) => `${JSON.stringify({ row: name, ...f })}\n`).join(''))
  renameSync(`${path}.part`, path)
}
