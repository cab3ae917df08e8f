// Huawei NNIE: the Caffe pair and the configuration that nnie_mapper compiles them by. The mapper is closed, so that nothing here has been
// through it: keys as HiSilicon's published examples have them.
import { type OutFile, outFile, utf8 } from '../base/bytes.ts'
import type { ImageInput } from '../data/input-spec.ts'
import type { Model } from '../ir/model.ts'
import { freeze } from '../ops/freeze.ts'
import { infer } from '../ops/infer.ts'
import { planCaffe } from './caffe/plan.ts'
import { caffePair, edgesOf } from './caffe.ts'
import type { Exporter, WriteOptions } from './types.ts'

export const nnie: Exporter = {
  id: 'nnie',
  label: 'Huawei NNIE',
  check: (model, _target, form) => (form === 'float' ? planCaffe(model).problems : []),
  write: async (model, target, options) => {
    const float = floatOf(model, options)
    const { plan, prototxt, caffemodel } = await caffePair(float, options.bytes, options.name)
    const [input] = plan.inputs
    const fed = feedingOf(options.preprocess[input?.name ?? ''] ?? null)
    const files: OutFile[] = [
      outFile('model.prototxt', utf8(prototxt)),
      outFile('model.caffemodel', caffemodel),
      outFile('nnie.cfg', utf8(configuration(options.form, fed))),
      outFile('images.txt', utf8(imageList(fed))),
    ]
    if (fed.mean) files.push(outFile('mean.txt', utf8(fed.mean.map(m => `${shortest(m)}\n`).join(''))))
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

/** The mapper quantises by itself: it gets the floats that scales were decided for, with the shapes of what was quantised. */
function floatOf(model: Model, { quantized }: WriteOptions): Model {
  if (!quantized) return model
  const shapes = Object.fromEntries(
    model.graph.inputs.flatMap(name => {
      const shape = model.graph.values.get(name)?.shape
      return shape?.every(d => typeof d === 'number') ? [[name, shape as number[]]] : []
    }),
  )
  return infer(freeze(quantized.float, shapes))
}

/** How samples reach the network: pixels with mean and scale, or numbers that were prepared before. */
interface Feeding {
  pixels: boolean
  order: 'RGB' | 'BGR'
  norm: number
  mean: number[] | null
  scale: number
  notes: string[]
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

const shortest = (value: number): string => String(Number(value.toPrecision(9)))

const schemes: Readonly<Record<string, { mode: number; text: string }>> = {
  log8: { mode: 0, text: 'logarithmic, 8 bits' },
  log16: { mode: 1, text: 'logarithmic, 16 bits' },
  int8: { mode: 0, text: 'linear, 8 bits' },
  float: { mode: 1, text: 'left to the mapper, 16 bits' },
}

/** Of the schemes, the mapper is told how many bits: compile_mode 0 is 8, 1 is 16. */
function configuration(form: string, { pixels, order, norm, mean, scale }: Feeding): string {
  const { mode, text } = schemes[form]
  const lines: [string, string | number][] = [
    ['prototxt_file', 'model.prototxt'],
    ['caffemodel_file', 'model.caffemodel'],
    ['batch_num', 1],
    ['net_type', 0],
    ['sparse_rate', 0],
    ['compile_mode', mode],
    ['is_simulation', 0],
    ['log_level', 2],
    ['instruction_name', 'model'],
    ['RGB_order', order],
    ['data_scale', shortest(scale)],
    ['internal_stride', 16],
    ['image_list', 'images.txt'],
    ['image_type', pixels ? 1 : 0],
    ['mean_file', mean ? 'mean.txt' : 'null'],
    ['norm_type', norm],
  ]
  return `# quantisation: ${text}\n${lines.map(([key, value]) => `[${key}] ${value}\n`).join('')}`
}

const listed = 20

const imageList = ({ pixels }: Feeding): string =>
  Array.from(
    { length: listed },
    (_, i) => `calibration/${String(i).padStart(3, '0')}.${pixels ? 'jpg' : 'txt'}\n`,
  ).join('')

const howToRun = (
  label: string,
  form: string,
  { pixels }: Feeding,
): string => `**Not run on its own runtime.** ${label} takes what HiSilicon’s closed mapper makes of these files:

1. Put ${pixels ? 'calibration images' : 'prepared samples, numbers as text in the order of the blob,'} into \`calibration/\` by the names in \`images.txt\`, or list yours there.
2. \`nnie_mapper nnie.cfg\` writes \`model.wk\`.

Quantisation: ${schemes[form].text}. The first line of \`nnie.cfg\` is a remark; delete it where your mapper takes none. A layer whose name ends in
\`_hp\` is computed in 16 bits, with \`[compile_mode] 2\`.`
