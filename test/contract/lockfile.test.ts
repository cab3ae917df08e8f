// The lock file must work with any registry: it names packages and their hashes, and no place to take them from.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from './source-files.ts'

const text = readFileSync(join(root, 'package-lock.json'), 'utf8')
const lock = JSON.parse(text) as {
  packages: Record<
    string,
    { resolved?: string; integrity?: string; link?: boolean; optionalDependencies?: Record<string, string> }
  >
}
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown> & {
  scripts: Record<string, string>
  devDependencies: Record<string, string>
}

describe('package-lock.json', () => {
  test('names no registry', () => {
    expect(Object.keys(lock.packages).filter(name => lock.packages[name]!.resolved !== undefined)).toEqual([])
    expect(text).not.toMatch(/"resolved"|registry\./)
  })

  test('has a hash for every package', () => {
    const without = Object.entries(lock.packages).filter(
      ([name, entry]) => name !== '' && !entry.integrity && !entry.link,
    )
    expect(without.map(([name]) => name)).toEqual([])
  })
})

describe('every platform', () => {
  test('finds its own optional packages: npm leaves out those of others when it updates an installed tree', () => {
    const named = Object.values(lock.packages).flatMap(entry => Object.keys(entry.optionalDependencies ?? {}))
    const there = Object.keys(lock.packages)
    expect(named.length).toBeGreaterThan(10)
    expect(named.filter(name => !there.some(path => path.endsWith(`node_modules/${name}`)))).toEqual([])
  })
})

describe('package.json', () => {
  test('asks for nothing at run time and runs nothing at install', () => {
    expect(manifest.dependencies ?? {}).toEqual({})
    for (const hook of ['preinstall', 'install', 'postinstall', 'prepare'])
      expect(manifest.scripts[hook]).toBeUndefined()
  })

  test('pins every version', () => {
    const loose = Object.entries(manifest.devDependencies).filter(([, version]) => !/^\d+\.\d+\.\d+/.test(version))
    expect(loose).toEqual([])
  })
})
