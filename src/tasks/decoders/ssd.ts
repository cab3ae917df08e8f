// Offsets from prior boxes and a score for each class (Liu et al., SSD, 2016): center = prior center + offset x variance x prior
// size, size = prior size x exp(offset x variance). Priors come as an output of the model ([1, 2, N x 4] as Caffe's PriorBox
// gives corners, or [N, 4] centers and sizes), or are made from strides and sizes.

import { viewAs } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import { exp } from '../../base/math.ts'
import type { Model } from '../../ir/model.ts'
import { activationFor, pictureSize, type Shaped, shapedOutputs } from '../outputs.ts'
import { numbersAt, numbersOf } from '../scores.ts'
import type { Outputs } from '../types.ts'
import { activated, classesFrom, dimsOf, fromCenter, misshapen, named } from './outputs.ts'
import { pairOf } from './pair.ts'
import type { Anchors, Decoder, DetectSettings } from './types.ts'

/** Centers and sizes, [N, 4], fractions of the picture. */
export function priorsFrom(
  { strides, sizes, even = false }: Anchors,
  size: { height: number; width: number },
): Float64Array {
  const priors: number[] = []
  for (const [level, stride] of strides.entries()) {
    const [columns, rows] = [Math.ceil(size.width / stride), Math.ceil(size.height / stride)]
    const [across, down] = even ? [1 / columns, 1 / rows] : [stride / size.width, stride / size.height]
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++)
        for (const [w, h] of sizes[level] ?? [])
          priors.push((x + 0.5) * across, (y + 0.5) * down, w / size.width, h / size.height)
  }
  return Float64Array.from(priors)
}

const square = (...sides: number[]): [number, number][] => sides.map(side => [side, side])

// Published anchors whose number of boxes tells them.
const known: readonly Anchors[] = [
  // Linzaer's Ultra-Light-Fast-Generic-Face-Detector-1MB, vision/ssd/config/fd_config.py
  {
    strides: [8, 16, 32, 64],
    sizes: [square(10, 16, 24), square(32, 48), square(64, 96), square(128, 192, 256)],
    even: true,
  },
  // RetinaFace MobileNet 0.25 (biubug6/Pytorch_Retinaface, data/config.py)
  { strides: [8, 16, 32], sizes: [square(16, 32), square(64, 128), square(256, 512)] },
]

/** Priors of a graph's output, whichever of the two forms it has. */
function fromOutput(values: ArrayLike<number>, places: number): Float64Array {
  const caffe = values.length === places * 8
  return Float64Array.from({ length: places * 4 }, (_, k) => {
    if (!caffe) return values[k]
    const row = k - (k % 4)
    const axis = k % 2
    const [low, high] = [values[row + axis], values[row + axis + 2]]
    return k % 4 < 2 ? (low + high) / 2 : high - low
  })
}

function priorsOf(model: Model, settings: DetectSettings, places: number): (outputs: Outputs) => Float64Array {
  const { priors: name, anchors } = settings
  const missing = (what: string): StudioError =>
    new StudioError('usage', `The decoder ssd has no prior boxes: ${what}.`, {
      where: name === null ? {} : { value: name },
      hint: 'Name the output or initializer that holds them ("priors"), or say how they are made: "anchors": { "strides": [8, 16], "sizes": [[[10, 10]], [[32, 32]]] }.',
    })
  if (name !== null) {
    const value = model.graph.values.get(name)
    if (value?.data && value.data.data instanceof Uint8Array) {
      const { dtype, shape, data } = value.data
      const fixed = fromOutput(numbersOf({ dtype, shape, data: viewAs(dtype, data) }), places)
      return () => fixed
    }
    if (!model.graph.outputs.includes(name))
      throw missing(`'${name}' is no output of the model, nor a small initializer`)
    return outputs => fromOutput(numbersAt(outputs, name), places)
  }
  const size = pictureSize(model)
  if (anchors === null || size === null)
    throw missing(anchors === null ? 'none are named' : 'the size of the input is open')
  const made = priorsFrom(anchors, size)
  if (made.length !== places * 4)
    throw missing(`the strides and sizes make ${made.length / 4} of them, the model gives ${places} boxes`)
  return () => made
}

const isPriors = ({ name, dims }: Shaped, places: number): boolean =>
  dims.reduce((a, b) => a * b, 1) === places * (dims[0] === 2 ? 8 : 4) && /prior|anchor/i.test(name)

export const ssd: Decoder = {
  id: 'ssd',
  label: 'SSD: offsets from prior boxes, and scores',
  uses: ['boxes', 'scores', 'background', 'activation', 'priors', 'anchors', 'variances', 'iou'],
  guess(model) {
    const outputs = shapedOutputs(model)
    const pair = pairOf(model, outputs)
    if (!pair || pair.decoded) return null
    const { boxes, scores, places, classes } = pair
    const priors = outputs.find(output => output !== boxes && output !== scores && isPriors(output, places))
    const size = pictureSize(model)
    const anchors = size && known.find(one => priorsFrom(one, size).length === places * 4)
    if (!priors && !anchors) return null
    return {
      decoder: 'ssd',
      boxes: boxes.name,
      scores: scores.name,
      score: 0.5,
      background: classes > 1 ? 0 : -1,
      activation: activationFor(model, scores.name, classes > 1 ? 'softmax' : 'sigmoid'),
      ...(priors ? { priors: priors.name } : { anchors }),
    }
  },
  open(model, settings) {
    const [boxes, scores] = [named(model, settings, 'boxes'), named(model, settings, 'scores')]
    const places = dimsOf(model, boxes, '[1, N, 4] or [1, N x 4]').reduce((a, b) => a * b, 1) / 4
    const scored = dimsOf(model, scores, '[1, N, C]')
    const classes = scored.reduce((a, b) => a * b, 1) / places
    if (!Number.isInteger(places)) throw misshapen(boxes, dimsOf(model, boxes, ''), '[1, N, 4]')
    if (!Number.isInteger(classes)) throw misshapen(scores, scored, `[1, ${places}, C]`)
    const priorsIn = priorsOf(model, settings, places)
    const [center, size] = settings.variances
    return {
      classes: settings.background >= 0 ? classes - 1 : classes,
      overlapping: true,
      read(outputs, least) {
        const at = numbersAt(outputs, boxes)
        const values = numbersAt(outputs, scores)
        const priors = priorsIn(outputs)
        const found = []
        for (let i = 0; i < places; i++) {
          const row = activated(values, i * classes, classes, settings.activation)
          for (const { class: id, score } of classesFrom(row, settings.background, least)) {
            const [x, y, w, h] = priors.subarray(i * 4, i * 4 + 4)
            found.push({
              ...fromCenter(
                x + at[i * 4] * center * w,
                y + at[i * 4 + 1] * center * h,
                w * exp(at[i * 4 + 2] * size),
                h * exp(at[i * 4 + 3] * size),
              ),
              class: id,
              score,
            })
          }
        }
        return found
      },
    }
  },
}
