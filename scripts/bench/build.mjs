// Bundles the two sides of the bench: dist/bench/node beside the command line's WASM files, dist/bench/site for the browser.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { defaultClientConditions } from 'vite'
import { buildProgram } from '../build.mjs'
import { keepFresh } from '../fresh.mjs'
import { root } from '../install.mjs'

const sources = ['src', 'kernels', 'workers', 'scripts/bench', 'package-lock.json']
export const folder = join(root, 'dist/bench')

export async function buildBench() {
  return keepFresh('bench', 'dist/bench/site/index.html', sources, async () => {
    const { build } = await import('vite')
    rmSync(folder, { recursive: true, force: true })
    await buildProgram('scripts/bench/node.ts', join(folder, 'node'), 'node.mjs')
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
