// What the sample scripts borrow from the TypeScript core, which plain Node cannot import: Vite transforms it on the way.
import { join } from 'node:path'
import { runnerImport } from 'vite'
import { root } from '../install.mjs'

const from = async path => (await runnerImport(join(root, path), { configFile: false })).module

export const core = {
  ...(await from('src/base/rng.ts')),
  ...(await from('src/base/math.ts')),
  ...(await from('src/formats/npy.ts')),
  ...(await from('src/exporters/onnx.ts')),
}
