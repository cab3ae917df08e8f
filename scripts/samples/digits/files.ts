// The digit sample as files: model, input spec, pictures to calibrate and to evaluate with. Equal networks give equal bytes.
import { zipSync } from 'fflate'
import { utf8 } from '../../../src/base/bytes.ts'
import type { InputSpec } from '../../../src/data/input-spec.ts'
import { encodeModel } from '../../../src/exporters/onnx.ts'
import { writeNpy } from '../../../src/formats/npy.ts'
import { createBytes } from '../../../src/ir/bytes.ts'
import { type Digits, pixels, side } from './data.ts'
import { digitsModel } from './graph.ts'
import { mean, std } from './network.ts'
import { accuracy, type Trained } from './train.ts'

/** What the pixels go through before they enter the network. */
const inputSpec: InputSpec = {
  inputs: { image: { layout: 'NCHW', color: 'GRAY', scale: 1 / 255, mean: [mean], std: [std], pad: 0 } },
  task: { kind: 'classify' },
}

/** An .npz: the pictures under the name of the model's input, uint8 [N, 28, 28, 1], and their labels where asked. */
function npz({ images, labels }: Digits, labelled: boolean): Uint8Array {
  const data = new Uint8Array(images.length * pixels)
  for (const [i, image] of images.entries()) data.set(image, i * pixels)
  const pictures = { dtype: 'uint8', shape: [images.length, side, side, 1], data } as const
  const digits = { dtype: 'uint8', shape: [labels.length], data: Uint8Array.from(labels) } as const
  const files = { 'image.npy': writeNpy(pictures), ...(labelled ? { 'labels.npy': writeNpy(digits) } : {}) }
  return zipSync(files, { level: 9, mtime: new Date(1980, 0, 1) })
}

export async function digitFiles({ network, split }: Trained): Promise<Record<string, Uint8Array>> {
  const { evaluation, calibration } = split
  const meta = {
    description: `Handwritten digits; ${accuracy(network, evaluation)} % of ${evaluation.images.length} held-out ones right`,
    license: 'Apache-2.0',
    trained_by: 'scripts/samples/train-digits.mjs',
  }
  return {
    'model.onnx': await encodeModel(digitsModel(network, meta), createBytes()),
    'input.json': utf8(`${JSON.stringify(inputSpec, null, 2)}\n`),
    'calibration.npz': npz(calibration, false),
    'evaluation.npz': npz(evaluation, true),
  }
}
