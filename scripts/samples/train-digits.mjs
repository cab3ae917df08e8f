// Trains the digit recogniser that ships as a sample, and writes model and data to public/samples/digits. Some minutes on one
// core; the same bytes every time. `node scripts/samples/train-digits.mjs [folder]`
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../install.mjs'
import { importTypeScript } from './import-typescript.mjs'

const { trainDigits } = await importTypeScript('scripts/samples/digits/train.ts')
const { digitFiles } = await importTypeScript('scripts/samples/digits/files.ts')
const folder = process.argv[2] ?? join(root, 'public/samples/digits')

const started = performance.now()
const trained = trainDigits({}, (epoch, loss) =>
  console.log(`epoch ${epoch}: loss ${loss.toFixed(4)}, ${((performance.now() - started) / 1000).toFixed(0)} s`),
)
mkdirSync(folder, { recursive: true })
for (const [name, bytes] of Object.entries(await digitFiles(trained))) {
  writeFileSync(join(folder, name), bytes)
  console.log(`${name}: ${bytes.length} bytes`)
}
