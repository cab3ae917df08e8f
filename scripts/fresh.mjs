// Is what was built still what the sources say? One hash over the content of the sources, kept in .cache beside the name of what
// was built; file times are not asked, since a checkout changes them and an edit may not.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './install.mjs'

/** Hash of files and folders, given relative to the root. */
export function hashOf(paths) {
  const hash = createHash('sha256')
  const add = path => {
    const stat = statSync(join(root, path), { throwIfNoEntry: false })
    if (!stat) return
    if (stat.isDirectory()) for (const name of readdirSync(join(root, path)).sort()) add(`${path}/${name}`)
    else hash.update(`${path}\0${stat.size}\0`).update(readFileSync(join(root, path)))
  }
  for (const path of paths) add(path)
  return hash.digest('hex')
}

/** What every build of the program is made of. */
export const programSources = ['src', 'kernels', 'package-lock.json', 'scripts/build.mjs']

/** Which program a build is. */
export const programHash = () => hashOf(programSources).slice(0, 16)

const noteOf = name => join(root, '.cache', `${name}.sha256`)

/** Calls `build` unless `output` is there and was built from sources of this hash. */
export async function keepFresh(name, output, sources, build) {
  const hash = hashOf(sources)
  const note = noteOf(name)
  if (existsSync(join(root, output)) && existsSync(note) && readFileSync(note, 'utf8') === hash) return false
  await build()
  mkdirSync(join(root, '.cache'), { recursive: true })
  writeFileSync(note, hash)
  return true
}
