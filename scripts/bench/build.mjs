// Bundles the two sides of the bench: dist/bench/node beside the command line's WASM files, dist/bench/site for the browser.
import { copyFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { defaultClientConditions } from 'vite'
import { keepFresh } from '../fresh.mjs'
import { root } from '../install.mjs'

const sources = ['src', 'kernels', 'workers', 'scripts/bench', 'package-lock.json']
export const folder = join(root, 'dist/bench')

export async function buildBench() {
  return keepFresh('bench', 'dist/bench/site/index.html', sources, async () => {
    const { build } = await import('vite')
    rmSync(folder, { recursive: true, force: true })
    await build({
      configFile: false,
      root,
      logLevel: 'error',
      plugins: [
        {
          name: 'runtime-beside',
          enforce: 'pre',
          resolveId: id => (id === 'onnxruntime-web' ? { id: './ort.node.min.mjs', external: true } : null),
        },
      ],
      ssr: { noExternal: true, target: 'node' },
      publicDir: false,
      build: {
        ssr: 'scripts/bench/node.ts',
        outDir: join(folder, 'node'),
        target: 'node20',
        minify: false,
        rolldownOptions: {
          checks: { pluginTimings: false },
          output: { format: 'es', entryFileNames: 'node.mjs', codeSplitting: false },
        },
      },
    })
    const cli = join(root, 'dist/cli')
    for (const name of readdirSync(cli))
      if (/\.wasm$|^ort/.test(name)) copyFileSync(join(cli, name), join(folder, 'node', name))
    await build({
      configFile: false,
      root: join(root, 'scripts/bench'),
      base: './',
      logLevel: 'error',
      publicDir: false,
      worker: { format: 'es', rolldownOptions: { checks: { pluginTimings: false } } },
      resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
      build: {
        outDir: join(folder, 'site'),
        emptyOutDir: true,
        target: 'esnext',
        assetsInlineLimit: 0,
        chunkSizeWarningLimit: 4000,
        rolldownOptions: { checks: { pluginTimings: false } },
      },
    })
  })
}
