// Builds the site to dist/site (static files for any path of any host) and the command line to dist/cli/thimble.mjs (one file with
// all it imports, and the WASM files that it loads beside it: no dependency at run time).
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { keepFresh, programHash, programSources } from './fresh.mjs'
import { install, root } from './install.mjs'

/** Compiles the kernels' WASM twins when their sources changed. */
export async function buildKernels() {
  const module = join(root, 'kernels/lib/module.gen.ts')
  const { buildKernels: compile, hashKernelSources } = await import('./build-kernels.mjs')
  if (existsSync(module) && readFileSync(module, 'utf8').includes(hashKernelSources())) return
  await compile()
}

/** What the sources are before they are bundled: generated code, and the samples that come from packages. */
async function prepareSite() {
  await buildKernels()
  const { copySamples } = await import('./samples/copy.mjs')
  copySamples()
}

/** `quiet` keeps stdout clean for who runs the command line. Resolves to whether anything was built. */
export async function buildCli({ quiet = false } = {}) {
  await buildKernels()
  return keepFresh('cli', 'dist/cli/thimble.mjs', programSources, async () => {
    const { writeLicenses } = await import('./third-party-licenses.mjs')
    const modules = join(root, 'node_modules')
    const out = join(root, `dist/cli.part-${process.pid}`)
    const oneFile = (entry, name, banner) => bundleForNode(entry, out, name, { banner, quiet })
    await oneFile('src/cli/main.ts', 'thimble.mjs', '#!/usr/bin/env node')
    chmodSync(join(out, 'thimble.mjs'), 0o755)
    // Bundled as well, for it imports a package of its own, which who installs this one does not have.
    await oneFile(join(modules, 'onnxruntime-web/dist', runtime), runtime)
    for (const name of ['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm']) {
      copyFileSync(join(modules, 'onnxruntime-web/dist', name), join(out, name))
    }
    writeLicenses(join(out, 'THIRD-PARTY-LICENSES.txt'))
    for (const codec of ['png', 'jpeg', 'webp']) copyDecoder(join(modules, '@jsquash', codec, 'codec'), out)
    putInPlace(out, 'dist/cli')
  })
}

/** One file with all that an entry imports, for Node; the runtime lies beside it. */
async function bundleForNode(entry, folder, name, { banner, quiet = true } = {}) {
  const { build } = await import('vite')
  await build({
    configFile: false,
    root,
    logLevel: quiet ? 'error' : 'warn',
    plugins: [runtimeBeside()],
    ssr: { noExternal: true, target: 'node' },
    publicDir: false, // the page's
    define: { THIMBLE_PROGRAM: JSON.stringify(programHash()) },
    build: {
      ssr: entry,
      outDir: folder,
      emptyOutDir: false,
      target: 'node20',
      minify: false,
      rolldownOptions: {
        checks: { pluginTimings: false },
        output: { format: 'es', entryFileNames: name, codeSplitting: false, banner },
      },
    },
  })
}

/** A program of the project's own in a folder, with the runtime's files of the command line, which must have been built. */
export async function buildProgram(entry, folder, name) {
  await bundleForNode(entry, folder, name)
  const cli = join(root, 'dist/cli')
  for (const file of readdirSync(cli)) if (/\.wasm$|^ort/.test(file)) copyFileSync(join(cli, file), join(folder, file))
}

/** A finished folder takes the place of the old one, so that whoever runs meanwhile never sees half of it. */
function putInPlace(made, path) {
  rmSync(join(root, path), { recursive: true, force: true })
  renameSync(made, join(root, path))
}

const runtime = 'ort.node.min.mjs'

/** The runtime stays a file of its own: it finds its WASM beside itself. */
function runtimeBeside() {
  return {
    name: 'thimble-runtime-beside',
    enforce: 'pre',
    resolveId: id => (id === 'onnxruntime-web' ? { id: `./${runtime}`, external: true } : null),
  }
}

/** Pictures are read, never written: encoders stay behind. */
function copyDecoder(from, to) {
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    if (/(?<!_enc|_enc_simd)\.wasm$/.test(entry.name))
      copyFileSync(join(entry.parentPath, entry.name), join(to, entry.name))
  }
}

export async function buildSite() {
  await prepareSite()
  const sources = [...programSources, 'workers', 'public', 'index.html', 'vite.config.ts']
  return keepFresh('site', 'dist/site/index.html', sources, async () => {
    const { build } = await import('vite')
    const out = join(root, `dist/site.part-${process.pid}`)
    await build({ root, logLevel: 'warn', build: { outDir: out } })
    putInPlace(out, 'dist/site')
  })
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  install()
  for (const [name, build] of Object.entries({ 'dist/site': buildSite, 'dist/cli': buildCli })) {
    const started = performance.now()
    const built = await build()
    console.log(
      `${name} ${built ? `built in ${((performance.now() - started) / 1000).toFixed(1)} s` : 'is up to date'}`,
    )
  }
}
