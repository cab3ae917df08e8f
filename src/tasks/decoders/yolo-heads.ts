// Heads as they are cut for chips, before boxes are made: a map for each stride. YOLOv5 and YOLOv7 have boxes around anchors (center =
// (2 s(t) - 1/2 + cell) stride, size = (2 s(t))^2 anchor), [1, A (5 + C), H, W] or [1, A, H, W, 5 + C]; YOLOv8 and later a distribution
// over the distance to each side, whose mean counts, in strides (Li et al., "Generalized Focal Loss", 2020, section 3), [1, 4 R + C, H, W],
// or boxes and classes as maps of their own, as in Rockchip's model zoo, whose third map (the sum of the scores) is not needed.
import { StudioError } from '../../base/errors.ts'
import { exp, sigmoid } from '../../base/math.ts'
import type { Model } from '../../ir/model.ts'
import { activationFor, makers, pictureSize, type Shaped, shapedOutputs } from '../outputs.ts'
import { numbersAt } from '../scores.ts'
import type { FoundBox, Outputs } from '../types.ts'
import { fromCenter, fromCorners, misshapen, rawLeast, sizeOr } from './outputs.ts'
import type { Anchors, Decoder, DetectSettings } from './types.ts'

// Published anchors (ultralytics/yolov5, models/yolov5s.yaml and models/hub/yolov5s6.yaml).
const known: readonly Anchors[] = [
  {
    strides: [8, 16, 32],
    sizes: [
      [[10, 13], [16, 30], [33, 23]],
      [[30, 61], [62, 45], [59, 119]],
      [[116, 90], [156, 198], [373, 326]],
    ],
  },
  {
    strides: [8, 16, 32, 64],
    sizes: [
      [[19, 27], [44, 40], [38, 94]],
      [[96, 68], [86, 152], [180, 137]],
      [[140, 301], [303, 264], [238, 542]],
      [[436, 615], [739, 380], [925, 792]],
    ],
  },
] // biome-ignore format: a table

/** The maps of one stride, in the order of the outputs. */
interface Level {
  stride: number
  height: number
  width: number
  maps: readonly Shaped[]
}

/** Levels by their stride; null where an output is no map over the picture. */
function levelsOf(model: Model): Level[] | null {
  const size = pictureSize(model)
  const maps = shapedOutputs(model)
  if (!size || maps.length !== model.graph.outputs.length) return null
  const levels = new Map<number, Level>()
  for (const map of maps) {
    if (map.dims.length !== 3 && map.dims.length !== 4) return null
    const [height, width] = map.dims.slice(1, 3)
    const stride = Math.round(size.height / height)
    if (Math.ceil(size.height / stride) !== height || Math.ceil(size.width / stride) !== width) return null
    const level = levels.get(stride) ?? { stride, height, width, maps: [] }
    levels.set(stride, { ...level, maps: [...level.maps, map] })
  }
  const found = [...levels.values()].sort((a, b) => a.stride - b.stride)
  const doubled = found.every(({ stride }, i) => i === 0 || stride === 2 * found[i - 1].stride)
  const alike = found.every(({ maps }) => maps.length === found[0].maps.length)
  return found.length > 1 && doubled && alike ? found : null
}

/** Where the numbers of the boxes around anchors lie. */
interface Anchored {
  name: string
  sizes: readonly (readonly [number, number])[]
  each: number // numbers of a box
  at(anchor: number, cell: number, k: number): number
}

function anchored({ height, width, stride, maps }: Level, anchors: Anchors): Anchored | null {
  const [{ name, dims }] = maps
  const sizes = anchors.sizes[anchors.strides.indexOf(stride)]
  if (maps.length !== 1 || !sizes || sizes.length === 0) return null
  const plane = height * width
  if (dims.length === 4) {
    const each = dims[3]
    return dims[0] === sizes.length && each > 5
      ? { name, sizes, each, at: (anchor, cell, k) => (anchor * plane + cell) * each + k }
      : null
  }
  const each = dims[0] / sizes.length
  return Number.isInteger(each) && each > 5
    ? { name, sizes, each, at: (anchor, cell, k) => (anchor * each + k) * plane + cell }
    : null
}

/** Channels of distances and of classes: where they begin, and of classes how many there are. */
interface Distances {
  boxes: string
  scores: string
  firstClass: number
  classes: number
}

function distances({ maps }: Level, bins: number): Distances | null {
  const sides = 4 * bins
  if (maps.some(({ dims }) => dims.length !== 3)) return null
  if (maps.length === 1) {
    const [{ name, dims }] = maps
    return dims[0] > sides ? { boxes: name, scores: name, firstClass: sides, classes: dims[0] - sides } : null
  }
  const boxes = maps.find(({ dims }) => dims[0] === sides)
  const scores = maps.find(map => map !== boxes)
  return boxes && scores ? { boxes: boxes.name, scores: scores.name, firstClass: 0, classes: scores.dims[0] } : null
}

// Steps of a distance in every YOLO that has them.
const usualBins = 16

function guess(model: Model) {
  const levels = levelsOf(model)
  if (!levels) return null
  const [{ maps }] = levels
  const anchors = known.find(({ strides }) => strides.join() === levels.map(l => l.stride).join())
  // Distances and classes come from convolutions of their own, everything around anchors from one.
  const single = maps.length === 1 && makers(model, maps[0].name).length === 1
  if (single) {
    if (!anchors || !levels.every(level => anchored(level, anchors))) return null
    return { decoder: 'yolo-heads', anchors, bins: 0, activation: activationFor(model, maps[0].name, 'sigmoid') }
  }
  const apart = levels.map(level => distances(level, usualBins))
  const [first] = apart
  if (!first || apart.some(other => other?.classes !== first.classes)) return null
  return { decoder: 'yolo-heads', bins: usualBins, activation: activationFor(model, first.scores, 'sigmoid') }
}

const scoreBy = ({ activation }: DetectSettings): ((value: number) => number) => {
  if (activation !== 'softmax') return activation === 'sigmoid' ? sigmoid : value => value
  throw new StudioError('usage', 'The decoder yolo-heads knows no scores that want a softmax.', {
    hint: 'Say "activation": "sigmoid" in the task of the input spec, or "none" where the model has computed it.',
  })
}

export const yoloHeads: Decoder = {
  id: 'yolo-heads',
  label: 'YOLO: a map for each stride, before boxes are made',
  uses: ['anchors', 'bins', 'activation', 'iou'],
  guess,
  open(model, settings) {
    const size = sizeOr(model, { units: 'pixels' })
    const levels = levelsOf(model)
    if (!levels)
      throw new StudioError('usage', 'The outputs of the model are no maps of one stride and its doubles.', {
        hint: `Choose another decoder in the task of the input spec. The model's outputs: ${model.graph.outputs.join(', ')}.`,
      })
    const score = scoreBy(settings)
    const read = settings.bins > 0 ? byDistances(levels, settings, score) : byAnchors(levels, settings, score)
    return {
      classes: read.classes,
      overlapping: true,
      read: (outputs, least) =>
        read.boxes(outputs, least).map(box => ({
          ...box,
          x: box.x / size.width,
          y: box.y / size.height,
          width: box.width / size.width,
          height: box.height / size.height,
        })),
    }
  },
}

/** Boxes in pixels. */
interface Reading {
  classes: number
  boxes(outputs: Outputs, least: number): FoundBox[]
}

function byAnchors(levels: readonly Level[], settings: DetectSettings, score: (value: number) => number): Reading {
  const { anchors } = settings
  if (!anchors)
    throw new StudioError('usage', 'The decoder yolo-heads has no anchors, nor steps of distances.', {
      hint: 'Say how its boxes are made in the task of the input spec: "anchors": { "strides": [8, 16], "sizes": [[[10, 13]], [[30, 61]]] }, or "bins": 16.',
    })
  const heads = levels.map(level => {
    const { maps, stride } = level
    const head = anchored(level, anchors)
    const wanted = `[1, A x (5 + C), H, W] for the anchors of stride ${stride}`
    if (!head) throw misshapen(maps[0].name, maps[0].dims, wanted)
    return { ...level, ...head }
  })
  return {
    classes: heads[0].each - 5,
    boxes(outputs, least) {
      const below = rawLeast(settings.activation, least)
      const found: FoundBox[] = []
      for (const { name, at, sizes, each, stride, width, height } of heads) {
        const values = numbersAt(outputs, name)
        for (const [anchor, [w, h]] of sizes.entries())
          for (let cell = 0; cell < height * width; cell++) {
            // Almost all cells hold nothing.
            if (!(values[at(anchor, cell, 4)] >= below)) continue
            const value = (k: number): number => values[at(anchor, cell, k)]
            const object = score(value(4))
            const twice = (k: number): number => 2 * score(value(k))
            const box = fromCenter(
              (twice(0) - 0.5 + (cell % width)) * stride,
              (twice(1) - 0.5 + Math.floor(cell / width)) * stride,
              twice(2) * twice(2) * w,
              twice(3) * twice(3) * h,
            )
            for (let c = 0; c < each - 5; c++) {
              const own = object * score(value(5 + c))
              if (own >= least) found.push({ ...box, class: c, score: own })
            }
          }
      }
      return found
    },
  }
}

function byDistances(levels: readonly Level[], settings: DetectSettings, score: (value: number) => number): Reading {
  const { bins } = settings
  const heads = levels.map(level => {
    const head = distances(level, bins)
    const [{ name, dims }] = level.maps
    if (!head)
      throw misshapen(name, dims, `[1, ${4 * bins} + C, H, W], or a map of ${4 * bins} channels beside one of classes`)
    return { ...level, ...head }
  })
  return {
    classes: heads[0].classes,
    boxes(outputs, least) {
      const below = rawLeast(settings.activation, least)
      const found: FoundBox[] = []
      for (const { boxes, scores, firstClass, classes, stride, width, height } of heads) {
        const [sides, values] = [numbersAt(outputs, boxes), numbersAt(outputs, scores)]
        const plane = height * width
        for (let c = 0; c < classes; c++)
          for (let cell = 0; cell < plane; cell++) {
            const raw = values[(firstClass + c) * plane + cell]
            if (!(raw >= below)) continue
            const reach = (side: number): number => meanOf(k => sides[(side * bins + k) * plane + cell], bins)
            const [x, y] = [(cell % width) + 0.5, Math.floor(cell / width) + 0.5]
            const [left, top, right, bottom] = [x - reach(0), y - reach(1), x + reach(2), y + reach(3)]
            found.push({
              ...fromCorners(left * stride, top * stride, right * stride, bottom * stride),
              class: c,
              score: score(raw),
            })
          }
      }
      return found
    },
  }
}

/** Mean of a distribution over 0 to count - 1, given by the logarithms of its shares. */
function meanOf(logit: (k: number) => number, count: number): number {
  let most = Number.NEGATIVE_INFINITY
  for (let k = 0; k < count; k++) most = Math.max(most, logit(k))
  let [sum, weighed] = [0, 0]
  for (let k = 0; k < count; k++) {
    const share = exp(logit(k) - most)
    sum += share
    weighed += k * share
  }
  return weighed / sum
}
