// Trains the digit recogniser that ships as a sample, and writes model and data to public/samples/digits. A few minutes on one
// core; the same bytes every time. `node scripts/samples/train-digits.mjs`
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zipSync } from 'fflate'
import { root } from '../install.mjs'
import { core } from './core.mjs'
import { pixels, side } from './digits/data.mjs'
import { digitsModel, inputSpec } from './digits/graph.mjs'
import { accuracy } from './digits/network.mjs'
import { trainDigits } from './digits/train.mjs'

const folder = join(root, 'public/samples/digits')
mkdirSync(folder, { recursive: true })
const write = (name, bytes) => {
  writeFileSync(join(folder, name), bytes)
  console.log(`${name}: ${bytes.length} bytes`)
}

const started = performance.now()
const { network, split } = trainDigits(core, {}, ({ epoch, loss }) =>
  console.log(`epoch ${epoch}: loss ${loss.toFixed(4)}, ${((performance.now() - started) / 1000).toFixed(0)} s`),
)
const top1 = accuracy(network, split.evaluation, side)
console.log(`top-1 on ${split.evaluation.images.length} digits that training never saw: ${top1.toFixed(1)} %`)

const meta = {
  description: `Handwritten digits 0 to 9; top-1 ${top1.toFixed(1)} % on ${split.evaluation.images.length} held-out digits`,
  license: 'Apache-2.0',
  trainedBy: 'scripts/samples/train-digits.mjs',
}
write('model.onnx', await core.encodeModel(digitsModel(network, meta), null))
write('input.json', Buffer.from(`${JSON.stringify(inputSpec, null, 2)}\n`))

/** An .npz: the pictures under the name of the model's input, uint8 [N, 28, 28, 1], and their labels where asked. */
function npz({ images, labels }, labelled) {
  const data = new Uint8Array(images.length * pixels)
  for (const [i, image] of images.entries()) data.set(image, i * pixels)
  const array = { dtype: 'uint8', shape: [images.length, side, side, 1], data }
  const files = { 'image.npy': core.writeNpy(array) }
  if (labelled)
    files['labels.npy'] = core.writeNpy({ dtype: 'uint8', shape: [labels.length], data: Uint8Array.from(labels) })
  return zipSync(files, { level: 9, mtime: new Date(1980, 0, 1) })
}
write('calibration.npz', npz(split.calibration, false))
write('evaluation.npz', npz(split.evaluation, true))
