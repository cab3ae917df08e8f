// Segmentation: a class for each pixel, the best of [1, C, H, W] or [1, H, W, C], or whether one map's pixel is set. Judged by
// intersection over union, summed over the set and averaged over the classes that occur in labels or answers (as for PASCAL VOC).
import * as v from 'valibot'
import { StudioError } from '../base/errors.ts'
import { choice, number, value } from '../base/options.ts'
import { unlabelled } from '../ir/labels.ts'
import type { Model, ValueName } from '../ir/model.ts'
import { maskOf } from './label-kinds.ts'
import { makers, pictureSize, shapedOutputs } from './outputs.ts'
import { numbersAt } from './scores.ts'
import type { Agreeing, Mask, Outputs, Pooled, TaskDef, TaskOptions } from './types.ts'

const options = {
  output: value('Output: classes of pixels', v.nullable(v.string()), null),
  layout: choice('Classes are', ['first', 'last', 'given'], 'first'),
  threshold: number('Threshold of one map', {
    default: 0.5,
    min: -1_000_000,
    max: 1_000_000,
    step: 0.01,
  }),
}

// Of a mask's byte; and beyond the 150 classes of ADE20K, maps are more likely features.
const [few, likely] = [256, 160]

interface Plan {
  name: ValueName
  classes: number | null
  read(outputs: Outputs): Mask
}

/** Sizes of what could be a map of classes; `shape` is all of it but the batch. */
function guess(model: Model): TaskOptions | null {
  const { outputs } = model.graph
  const [shaped] = shapedOutputs(model)
  const size = pictureSize(model)
  if (outputs.length !== 1 || !shaped || !size) return null
  const { name, dims } = shaped
  const fits = (height: number, width: number): boolean =>
    height >= 8 && width >= 8 && size.height % height === 0 && size.height / height === size.width / width
  const whole = /^u?int/.test(model.graph.values.get(name)?.dtype ?? '')
  if (dims.length === 2 && whole) return fits(dims[0], dims[1]) ? { output: name, layout: 'given' } : null
  if (dims.length !== 3) return null
  for (const layout of ['first', 'last'] as const) {
    const [classes, height, width] = layout === 'first' ? dims : [dims[2], dims[0], dims[1]]
    if (!fits(height, width) || classes > likely) continue
    if (classes === 1) {
      // One map may be depth or grey; what ends in a sigmoid is a decision.
      const decided = makers(model, name).some(node => /Sigmoid/.test(node.op))
      return decided ? { output: name, layout } : null
    }
    // Three may be a picture.
    if (classes !== 3) return { output: name, layout }
  }
  return null
}

function planOf(model: Model, given: TaskOptions): Plan {
  const settings = { layout: 'first', threshold: options.threshold.default, ...guess(model), ...given } as {
    output?: string | null
    layout: 'first' | 'last' | 'given'
    threshold: number
  }
  const name = settings.output ?? model.graph.outputs[0]
  const mask = (height: number, width: number, at: (pixel: number) => number): Mask => {
    const classes = new Uint8Array(height * width)
    for (let i = 0; i < classes.length; i++) classes[i] = at(i)
    return { kind: 'mask', height, width, classes }
  }
  const declared = model.graph.values.get(name)?.shape
  const channels =
    settings.layout === 'given' ? null : declared?.[settings.layout === 'first' ? 1 : declared.length - 1]
  return {
    name,
    classes: typeof channels === 'number' ? Math.max(2, channels) : null,
    read(outputs) {
      const values = numbersAt(outputs, name)
      const { shape } = outputs[name]
      const dims = shape.slice(shape.length > (settings.layout === 'given' ? 2 : 3) ? 1 : 0)
      const wanted = settings.layout === 'given' ? 2 : 3
      if (dims.length !== wanted && !(wanted === 2 && dims.length === 3 && dims.includes(1)))
        throw new StudioError('usage', `Output '${name}' is of the shape [${shape.join(', ')}], no map of classes.`, {
          where: { value: name },
          hint: 'Choose another output or layout in the task of the input spec.',
        })
      if (settings.layout === 'given') {
        const [height, width] = dims.filter((d, axis) => !(dims.length === 3 && d === 1 && axis !== 1))
        return mask(height, width, i => values[i])
      }
      const first = settings.layout === 'first'
      const [count, height, width] = first ? dims : [dims[2], dims[0], dims[1]]
      const [step, pixel] = first ? [height * width, 1] : [1, count]
      if (count === 1) return mask(height, width, i => (values[i] >= settings.threshold ? 1 : 0))
      return mask(height, width, i => {
        let best = 0
        for (let c = 1; c < count; c++) if (values[i * pixel + c * step] > values[i * pixel + best * step]) best = c
        return best
      })
    },
  }
}

/** Pixels by class: in both, in either. */
export interface Overlap {
  both: Float64Array
  either: Float64Array
}

/** `label` is read at the middle of each pixel of `answer`. */
export function overlapOf(answer: Mask, label: Mask): Overlap {
  const [both, either] = [new Float64Array(few), new Float64Array(few)]
  for (let y = 0; y < answer.height; y++) {
    const row = Math.floor(((y + 0.5) * label.height) / answer.height) * label.width
    for (let x = 0; x < answer.width; x++) {
      const wanted = label.classes[row + Math.floor(((x + 0.5) * label.width) / answer.width)]
      if (wanted === unlabelled) continue
      const got = answer.classes[y * answer.width + x]
      either[wanted]++
      if (got === wanted) both[wanted]++
      else either[got]++
    }
  }
  return { both, either }
}

/** Mean over classes that occur; null where none does. */
function meanIou(overlaps: readonly Overlap[], times: Uint16Array | null): number | null {
  const [both, either] = [new Float64Array(few), new Float64Array(few)]
  for (const [i, one] of overlaps.entries()) {
    const weight = times ? times[i] : 1
    for (let c = 0; c < few; c++) {
      both[c] += weight * one.both[c]
      either[c] += weight * one.either[c]
    }
  }
  const occurring = [...either.keys()].filter(c => either[c] > 0)
  return occurring.length === 0 ? null : occurring.reduce((sum, c) => sum + both[c] / either[c], 0) / occurring.length
}

function pixelsAlike(overlaps: readonly Overlap[]): number | null {
  let [same, all] = [0, 0]
  for (const { both, either } of overlaps)
    for (let c = 0; c < few; c++) {
      same += both[c]
      all += either[c]
    }
  // Of two that differ each counts in `either` once.
  const pixels = same + (all - same) / 2
  return pixels === 0 ? null : same / pixels
}

export const segment: TaskDef = {
  id: 'segment',
  label: 'Segmentation',
  options,
  guess,
  open(model, given) {
    const { read, classes, name } = planOf(model, given)
    const known = new WeakMap<Outputs, Mask>()
    const answer = (outputs: Outputs): Mask => {
      const mask = known.get(outputs) ?? read(outputs)
      known.set(outputs, mask)
      return mask
    }
    const beside = (outputs: Outputs, label: Parameters<typeof maskOf>[0]): Overlap =>
      overlapOf(answer(outputs), fitting(maskOf(label), classes, name))
    const pooled: Pooled<Overlap> = { record: beside, value: meanIou, detail: pixelsAlike }
    return {
      id: 'segment',
      metric: 'mean IoU of classes',
      detail: 'pixels that are right',
      binary: false,
      rightAtOne: false,
      answer,
      alike: (reference, other) => pixelsAlike([overlapOf(answer(other), answer(reference))]),
      agreeing: () => agreeing(answer),
      score: (outputs, label) => ({ value: meanIou([beside(outputs, label)], null) ?? 1, top5: null, detail: null }),
      pooled: pooled as Pooled<unknown>,
    }
  },
}

/** Masks of black and white say where the one thing is that a model of two classes looks for. */
function fitting(label: Mask, classes: number | null, where: ValueName): Mask {
  if (classes === 2 && label.classes.every(c => c === 0 || c === 255))
    return { ...label, classes: label.classes.map(c => (c === 255 ? 1 : 0)) }
  const wrong = classes === null ? -1 : label.classes.findIndex(c => c !== unlabelled && c >= classes)
  if (wrong < 0) return label
  throw new StudioError(
    'bad-data',
    `The mask holds the class ${label.classes[wrong]}, which is none of the model's ${classes} classes (0 to ${classes! - 1}).`,
    {
      where: { value: where },
      hint: 'Check the masks, and labelOffset in the input spec; 255 is for pixels without a label.',
    },
  )
}

function agreeing(answer: (outputs: Outputs) => Mask): Agreeing {
  const overlaps: Overlap[] = []
  return {
    add: (reference, other) => void overlaps.push(overlapOf(answer(other), answer(reference))),
    result() {
      const [same, mean] = [pixelsAlike(overlaps), meanIou(overlaps, null)]
      if (same === null || mean === null) return null
      return {
        metric: 'same class of pixels',
        value: 100 * same,
        unit: '%',
        details: [{ metric: 'mean IoU with the original', value: 100 * mean, unit: '%' }],
      }
    },
  }
}
