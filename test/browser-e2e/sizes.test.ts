// What the page costs to load, compressed: a shell that is there at once, and each place on top of it.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { siteFolder } from '../../scripts/serve.mjs'

const assets = join(siteFolder, 'assets')
const all = readdirSync(assets)
const read = (name: string): string => readFileSync(join(assets, name), 'utf8')
const size = (names: Iterable<string>): number =>
  [...names].reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name)), { level: 9 }).length, 0)

/** A chunk with all that it imports before it runs. */
function closure(entry: string, into = new Set<string>()): Set<string> {
  if (into.has(entry)) return into
  into.add(entry)
  for (const [, name] of read(entry).matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)) closure(name!, into)
  return into
}

const page = readFileSync(join(siteFolder, 'index.html'), 'utf8')
const linked = [...page.matchAll(/assets\/([\w.-]+\.(?:js|css))"/g)].map(([, name]) => name!)
const shell = new Set(linked.flatMap(name => (name.endsWith('.js') ? [...closure(name)] : [name])))

test('the shell stays within 120 kB', () => {
  console.log(`shell: ${(size(shell) / 1000).toFixed(1)} kB`)
  expect(shell.size).toBeGreaterThan(1)
  expect(size(shell)).toBeLessThan(120_000)
})

test.each(['model', 'data', 'recipe', 'run', 'result', 'compare', 'export', 'graph-panel'])(
  'the place %s adds at most 40 kB',
  place => {
    const entry = all.find(name => new RegExp(`^${place}-[\\w-]{8}\\.js$`).test(name))!
    const scripts = [...closure(entry)]
    // Styles are named after the chunk that they belong to.
    const styles = all.filter(name => name.endsWith('.css') && scripts.some(script => stem(script) === stem(name)))
    const added = [...scripts, ...styles].filter(name => !shell.has(name))
    console.log(`${place}: ${(size(added) / 1000).toFixed(1)} kB`)
    expect(size(added)).toBeLessThan(40_000)
  },
)

const stem = (name: string): string => name.replace(/-[\w-]{8}\.(js|css)$/, '')
