// Bundles the studio's side of the target tests: dist/targets/prepare.mjs beside the command line's WASM files.
import { copyFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { keepFresh } from '../fresh.mjs'
import { root } from '../install.mjs'

const sources = ['src', 'kernels', 'scripts/targets', 'package-lock.json']
const folder = join(root, 'dist/targets')
export const program = join(folder, 'prepare.mjs')

export async function buildPrepare() {
  return keepFresh('targets', 'dist/targets/prepare.mjs', sources, async () => {
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
        ssr: 'scripts/targets/prepare.ts',
        outDir: folder,
        target: 'node20',
        minify: false,
        rolldownOptions: {
          checks: { pluginTimings: false },
          output: { format: 'es', entryFileNames: 'prepare.mjs', codeSplitting: false },
        },
      },
    })
    const cli = join(root, 'dist/cli')
    for (const name of readdirSync(cli))
      if (/\.wasm$|^ort/.test(name)) copyFileSync(join(cli, name), join(folder, name))
  })
}
