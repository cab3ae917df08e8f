// The static site: Solid, workers as ES modules, the runtime's WASM as plain files, and a service worker that knows every file.
// Paths are relative, so that the folder works under any path of any host.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultClientConditions, defineConfig, type Plugin, runnerImport, type UserConfig } from 'vite'
import solid from 'vite-plugin-solid'
import { programHash } from './scripts/fresh.mjs'
import { writeLicenses } from './scripts/third-party-licenses.mjs'
import headers from './workers/headers.json' with { type: 'json' }

/** The catalogue of all that is registered, computed by running its module, so that the page loads JSON and no algorithm. */
function catalogue(): Plugin {
  return {
    name: 'thimble-catalogue',
    resolveId: id => (id === 'virtual:catalogue' ? `\0${id}` : null),
    async load(id) {
      if (id !== '\0virtual:catalogue') return null
      const path = join(import.meta.dirname, 'workers/catalogue.ts')
      const { module } = await runnerImport<{ catalogue: unknown }>(path, { configFile: false, logLevel: 'error' })
      return `export const catalogue = ${JSON.stringify(module.catalogue)}`
    },
  }
}

/** What the runtime needs of Vite, in the site and in browser tests alike. */
export const engine = {
  worker: { format: 'es', plugins: () => [catalogue()], rolldownOptions: { checks: { pluginTimings: false } } },
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  optimizeDeps: { exclude: ['onnxruntime-web', '@jsquash/png', '@jsquash/jpeg', '@jsquash/webp'] },
} satisfies UserConfig

// Vite's development client needs inline styles and a socket; the other headers are those of the real site.
const { 'Content-Security-Policy': policy, ...developmentHeaders } = headers

export { developmentHeaders }

/** Adds the policy to the page, `_headers` for hosts that read it, licences, and the list of files to the service worker. */
function shell(): Plugin {
  let site = ''
  return {
    name: 'thimble-shell',
    apply: 'build',
    configResolved(config) {
      site = config.build.outDir
    },
    transformIndexHtml: () => [
      { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: policy }, injectTo: 'head-prepend' },
    ],
    closeBundle() {
      writeLicenses(join(site, 'THIRD-PARTY-LICENSES.txt'))
      const rules = Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`)
      writeFileSync(join(site, '_headers'), `/*\n${rules.join('\n')}\n`)
      const worker = join(site, 'service.worker.js')
      const files = readdirSync(site, { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile())
        .map(entry => join(entry.parentPath, entry.name))
        .filter(path => path !== worker && !path.endsWith('_headers') && !path.endsWith('.map'))
        .map(path => {
          const bytes = readFileSync(path)
          const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
          return { url: path.slice(site.length + 1).replaceAll('\\', '/'), hash, bytes: bytes.length }
        })
        .sort((a, b) => (a.url < b.url ? -1 : 1))
      const code = readFileSync(worker, 'utf8')
      if (!code.includes('__FILES__')) throw new Error('the service worker has lost its place for the list of files')
      writeFileSync(worker, code.replace('__FILES__', JSON.stringify(files)))
    },
  }
}

export default defineConfig({
  ...engine,
  base: './',
  define: { THIMBLE_PROGRAM: JSON.stringify(programHash()) },
  plugins: [solid(), catalogue(), shell()],
  build: {
    outDir: join(import.meta.dirname, 'dist/site'),
    emptyOutDir: true,
    target: 'esnext',
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      checks: { pluginTimings: false },
      input: { index: 'index.html', 'service.worker': 'workers/service.worker.ts' },
      output: {
        entryFileNames: chunk => (chunk.name === 'service.worker' ? 'service.worker.js' : 'assets/[name]-[hash].js'),
      },
    },
  },
  server: { host: '127.0.0.1', headers: developmentHeaders },
  preview: { headers },
})
