// The source files and what each imports, read with a regular expression: enough for how this project writes imports.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Import {
  to: string // a path from the root, or a package
  local: boolean
  typeOnly: boolean
}

const statement = /^(?:import|export)\s+(type\s+)?(?:[\w*\s{},$]+?\s+from\s+)?'([^']+)'/gm
const dynamic = /\bimport\(\s*'([^']+)'\s*\)/g
const worker = /new URL\(\s*'(\.[^']+\.ts)',\s*import\.meta\.url\s*\)/g

/** Paths of all modules of the folders, from the root, with `/`. */
export function modulesOf(folders: readonly string[]): string[] {
  return folders.flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile() && /\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts'))
      .map(entry => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/')),
  )
}

export const codeOf = (path: string): string => readFileSync(join(root, path), 'utf8')

/** Code without comments and without template texts, which may hold other programs. Good enough for how this project writes. */
export const withoutComments = (code: string): string =>
  code
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:'"`])\/\/.*$/gm, '$1')
    .replace(/`(?:\\[\s\S]|[^`\\])*`/g, '``')

export function importsOf(path: string): Import[] {
  const code = withoutComments(codeOf(path))
  const found: Import[] = []
  const add = (to: string, typeOnly: boolean): void => {
    const local = to.startsWith('.')
    const target = local ? posix.join(dirname(path), to.replace(/\?.*$/, '')) : to
    found.push({ to: target, local, typeOnly })
  }
  for (const [, type, to] of code.matchAll(statement)) add(to!, Boolean(type))
  for (const [, to] of code.matchAll(dynamic)) add(to!, false)
  for (const [, to] of code.matchAll(worker)) add(to!, false)
  return found
}
