// The documents speak of the code as it is: paths that they name exist, links lead somewhere, both languages are there.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const documents = [
  'README.md',
  'README.zh.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'NOTICE',
  'docs/architecture.md',
  'docs/decisions/README.md',
  ...readdirSync(join(root, 'docs/decisions')).map(name => `docs/decisions/${name}`),
]
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')
const exists = (path: string): boolean => existsSync(join(root, path))

describe.each([...new Set(documents)])('%s', document => {
  it('names files and folders that exist', () => {
    const named = textOf(document).matchAll(/`((?:src|workers|kernels|test|scripts|docs|public)\/[^`\s<>]*)`/g)
    const missing = [...named].map(([, path]) => path).filter(path => !exists(path.split('*')[0]))
    expect(missing).toEqual([])
  })

  it('links to what exists', () => {
    const links = [...textOf(document).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, target]) => target)
    const local = links.filter(target => !/^https?:/.test(target))
    expect(local.filter(target => !exists(join(dirname(document), target)))).toEqual([])
  })
})

it('architecture.md has a row for every room', () => {
  const text = textOf('docs/architecture.md')
  const rooms = readdirSync(join(root, 'src'), { withFileTypes: true }).filter(entry => entry.isDirectory())
  const stages = readdirSync(join(root, 'src/stages'), { withFileTypes: true }).filter(entry => entry.isDirectory())
  const wanted = [...rooms.map(r => `src/${r.name}`), ...stages.map(s => `src/stages/${s.name}`), 'workers', 'kernels']
  expect(wanted.filter(room => room !== 'src/stages' && !text.includes(`| \`${room}\` |`))).toEqual([])
})

it('every decision is in the list of decisions', () => {
  const list = textOf('docs/decisions/README.md')
  for (const name of readdirSync(join(root, 'docs/decisions')))
    if (/^\d{4}-/.test(name)) expect(list).toContain(`(${name})`)
})
