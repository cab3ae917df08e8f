// What `npm pack` would publish: the built site and command line, nothing of the sources, nothing to install or compile.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const built = existsSync(join(root, 'dist/cli/thimble.mjs')) && existsSync(join(root, 'dist/site/index.html'))
if (!built) console.log('The contents of the package are not checked: dist is missing; run `npm run build` first.')

describe('package.json', () => {
  it('needs nothing at run time and runs nothing at installation', () => {
    expect(Object.keys(manifest.dependencies ?? {})).toEqual([])
    for (const script of ['preinstall', 'install', 'postinstall']) expect(manifest.scripts[script]).toBeUndefined()
  })

  it('pins every package of the development to one version', () => {
    for (const version of Object.values<string>(manifest.devDependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+/)
  })
})

describe.skipIf(!built)('npm pack', () => {
  const pack = ['pack', '--dry-run', '--json', '--ignore-scripts']
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const output = built
    ? execFileSync(npm, pack, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    : '[]'
  const [{ files, unpackedSize }] = [...JSON.parse(output), { files: [], unpackedSize: 0 }] as {
    files: { path: string; mode: number }[]
    unpackedSize: number
  }[]
  const paths = files.map(file => file.path)

  it('holds the command line with its engine and codecs, and the site with its samples', () => {
    for (const path of [
      'dist/cli/thimble.mjs',
      'dist/cli/ort-wasm-simd-threaded.wasm',
      'dist/cli/squoosh_png_bg.wasm',
      'dist/cli/mozjpeg_dec.wasm',
      'dist/cli/webp_dec.wasm',
      'dist/site/index.html',
      'dist/site/service.worker.js',
      'dist/site/samples/index.json',
      'dist/site/samples/digits/model.onnx',
      'dist/site/samples/text-lines/model.onnx',
      'dist/site/samples/text-regions/model.onnx',
      'dist/site/samples/turned-lines/model.onnx',
    ])
      expect(paths).toContain(path)
  })

  it('holds licence, notices and the licences of what it includes', () => {
    for (const path of [
      'LICENSE',
      'NOTICE',
      'README.md',
      'dist/cli/THIRD-PARTY-LICENSES.txt',
      'dist/site/THIRD-PARTY-LICENSES.txt',
    ])
      expect(paths).toContain(path)
  })

  it('holds no sources, tests or maps, and no sample twice', () => {
    expect(
      paths.filter(path => /^(src|test|workers|kernels|scripts|node_modules)\/|\.map$|\.tsx?$/.test(path)),
    ).toEqual([])
    expect(paths.filter(path => path.startsWith('dist/cli/samples'))).toEqual([])
  })

  it('has a command line that may be executed, and starts with the line that says by what', () => {
    const command = files.find(file => file.path === manifest.bin.thimble)!
    expect(command.mode & 0o111).not.toBe(0)
    expect(readFileSync(join(root, command.path), 'utf8').split('\n', 1)[0]).toBe('#!/usr/bin/env node')
  })

  it('is less than 90 MB unpacked', () => {
    expect(unpackedSize).toBeLessThan(90e6)
  })
})
