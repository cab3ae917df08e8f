// Huawei NNIE: the Caffe pair and the configuration that nnie_mapper compiles them by. The mapper is closed, so that nothing here has been
// through it: keys as HiSilicon's published examples have them.
import { type OutFile, outFile, utf8 } from '../base/bytes.ts'
import type { ImageInput } from '../data/input-spec.ts'
import { planCaffe } from './caffe/plan.ts'
import { caffePair, edgesOf } from './caffe.ts'
import { configuration, type Feeding, howToRun, imageList, meanFile } from './nnie-texts.ts'
import { shapedAs } from './toolkit.ts'
import type { Exporter } from './types.ts'

export const nnie: Exporter = {
  id: 'nnie',
  label: 'Huawei NNIE',
  check: (model, _target, form) => (form === 'float' ? planCaffe(model).problems : []),
  write: async (model, target, options) => {
    // The mapper quantises by itself.
    const float = options.quantized ? shapedAs(options.quantized.float, model) : model
    const { plan, prototxt, caffemodel } = await caffePair(float, options.bytes, options.name)
    const [input] = plan.inputs
    const fed = feedingOf(options.preprocess[input?.name ?? ''] ?? null)
    const files: OutFile[] = [
      outFile('model.prototxt', utf8(prototxt)),
      outFile('model.caffemodel', caffemodel),
      outFile('nnie.cfg', utf8(configuration(options.form, fed))),
      outFile('images.txt', utf8(imageList(fed))),
    ]
    if (fed.mean) files.push(outFile('mean.txt', utf8(meanFile(fed.mean))))
    return {
      files,
      roles: { prototxt: 'model.prototxt', caffemodel: 'model.caffemodel', cfg: 'nnie.cfg' },
      notes: [...plan.notes, ...fed.notes, 'Not run on its own runtime: nnie_mapper and its simulator are closed.'],
      edges: edgesOf(float, plan),
      around: [],
      howToRun: howToRun(target.label, options.form, fed),
    }
  },
}

/** norm_type: 0 as they are, 2 less a mean of each channel, 3 times a scale, 5 both. One scale serves all channels. */
function feedingOf(spec: ImageInput | null): Feeding {
  const plain: Feeding = { pixels: false, order: 'RGB', norm: 0, mean: null, scale: 1, notes: [] }
  if (!spec) return { ...plain, notes: ['The input is fed as numbers: no image pre-processing was described.'] }
  const { scale, mean, std, color } = spec
  if (spec.layout !== 'NCHW' || std.some(s => s !== std[0]))
    return {
      ...plain,
      notes: [
        'The mapper has one scale for all channels, and this network’s differ or its channels come last: samples are listed as numbers, prepared before. A model that takes pixels (rawInput in the recipe) needs no such list.',
      ],
    }
  const means = mean.map(m => m / scale)
  const factor = scale / std[0]
  const shifted = means.some(m => m !== 0)
  const scaled = factor !== 1
  return {
    pixels: true,
    order: color === 'BGR' ? 'BGR' : 'RGB',
    norm: shifted ? (scaled ? 5 : 2) : scaled ? 3 : 0,
    mean: shifted ? means : null,
    scale: factor,
    notes: [],
  }
}
