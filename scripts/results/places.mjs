// Where what scripts/results/models.mjs names lies, in the words of the command line.
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../install.mjs'

export const shared = join(root, '../shared/data')

export const isThere = model => existsSync(join(shared, model.file))

/** The path of a file, a folder or a part of one; of a spec, a file in `work` that holds it. */
export function placeOf(what, work) {
  if (typeof what === 'string') return join(shared, what)
  return what.folder ? partOf(what, work) : save(join(work, 'input.json'), what)
}

/** A folder of some of the files of another, in their order. */
function partOf({ folder, part, labels }, work) {
  const to = mkdtempSync(join(work, 'part-'))
  const names = readdirSync(join(shared, folder))
    .filter(name => name !== 'labels.csv')
    .sort()
    .slice(...(part ?? []))
  for (const name of names) copyFileSync(join(shared, folder, name), join(to, name))
  if (labels) {
    const [head, ...rows] = readFileSync(join(shared, folder, 'labels.csv'), 'utf8')
      .trim()
      .split('\n')
    const wanted = rows.filter(row => names.includes(row.slice(0, row.indexOf(','))))
    writeFileSync(join(to, 'labels.csv'), [head, ...wanted].join('\n'))
  }
  return to
}

export function save(path, value) {
  writeFileSync(path, JSON.stringify(value))
  return path
}
