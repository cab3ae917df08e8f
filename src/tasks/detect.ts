// Detection: boxes with a class and a score. Judged by COCO's mean average precision at an IoU of 0.5, with that over 0.5 to 0.95
// beside it; one sample by its boxes at the score that is shown: F1 of those that cover a label of their class by half.
import * as v from 'valibot'
import { StudioError } from '../base/errors.ts'
import { choice, defaultsOf, flag, number, value } from '../base/options.ts'
import type { Model } from '../ir/model.ts'
import { type JudgedPicture, judgePicture, meanAveragePrecision, thresholds } from './average-precision.ts'
import { matched, suppress } from './boxes.ts'
import { decoders } from './decoders/index.ts'
import { sound } from './decoders/outputs.ts'
import type { DetectSettings } from './decoders/types.ts'
import { boxesOf } from './label-kinds.ts'
import type { Agreeing, Box, FoundBox, FoundBoxes, Outputs, Pooled, TaskDef, TaskOptions } from './types.ts'

const name = v.nullable(v.string())
const positive = v.pipe(v.number(), v.gtValue(0))
const anchors = v.nullable(
  v.strictObject({
    strides: v.array(positive),
    sizes: v.array(v.array(v.tuple([positive, positive]))),
    even: v.optional(v.boolean()),
  }),
)

const options = {
  decoder: value('Decoder', v.nullable(v.picklist(decoders.map(d => d.id))), null),
  boxes: value('Output: boxes', name, null),
  scores: value('Output: scores', name, null),
  classes: value('Output: classes', name, null),
  sizes: value('Output: sizes', name, null),
  offsets: value('Output: offsets', name, null),
  priors: value('Prior boxes: name', name, null),
  anchors: value('Prior boxes: made from', anchors, null),
  bins: number('Steps of a side\u2019s distance (0: boxes around anchors)', { default: 0, min: 0, max: 64 }),
  variances: value('Variances', v.tuple([positive, positive]), [0.1, 0.2] as [number, number]),
  activation: choice('Activation left to do', ['none', 'sigmoid', 'softmax'], 'none'),
  objectness: flag('Objectness score', false),
  background: number('Background class (\u22121: none)', { default: -1, min: -1, max: 100_000 }),
  units: choice('Boxes are in', ['pixels', 'fractions'], 'pixels'),
  corners: choice('Order of corners', ['xyxy', 'yxyx'], 'xyxy'),
  score: number('Least score', { default: 0.25, min: 0, max: 1, step: 0.01 }),
  iou: number('Suppression IoU', { default: 0.45, min: 0, max: 1, step: 0.01 }),
}

// Average precision looks at all that is found with any confidence (0.001 as Ultralytics validates), up to so many boxes.
const [leastScore, mostBoxes] = [0.001, 300]
// A box has been found where it is covered by half, as the first threshold of COCO has it.
const found = thresholds[0]

const guess = (model: Model): TaskOptions | null => {
  for (const decoder of decoders) {
    const settings = decoder.guess(model)
    if (settings) return settings
  }
  return null
}

export const detect: TaskDef = {
  id: 'detect',
  label: 'Detection',
  options,
  guess,
  open(model, given) {
    const proposed = guess(model)
    const same = proposed && (given.decoder === undefined || given.decoder === proposed.decoder)
    const settings = { ...defaultsOf(options), ...(same ? proposed : {}), ...given } as DetectSettings
    const decoder = decoders.find(d => d.id === settings.decoder)
    if (!decoder)
      throw new StudioError('usage', 'Nothing says how boxes are read from the outputs of this model.', {
        hint: `Give "decoder" in the task of the input spec: ${decoders.map(d => d.id).join(', ')}.`,
      })
    const opened = decoder.open(model, settings)
    const where = settings.boxes ?? settings.scores ?? model.graph.outputs[0]
    // Agreement and precision ask for the same sample's boxes.
    const known = new WeakMap<Outputs, FoundBox[]>()
    const all = (outputs: Outputs): FoundBox[] => {
      const before = known.get(outputs)
      if (before) return before
      const boxes = opened.read(outputs, Math.min(leastScore, settings.score)).filter(sound)
      const kept = suppress(boxes, opened.overlapping ? settings.iou : 1, mostBoxes)
      known.set(outputs, kept)
      return kept
    }
    const shown = (outputs: Outputs): FoundBox[] => all(outputs).filter(box => box.score >= settings.score)
    const labelled = (label: Parameters<typeof boxesOf>[0]) => boxesOf(label, opened.classes, where)
    const pooled: Pooled<JudgedPicture> = {
      record: (outputs, label) => judgePicture(all(outputs), labelled(label)),
      value: (records, times) => meanAveragePrecision(records, 1, times),
      detail: records => meanAveragePrecision(records, thresholds.length, null),
    }
    return {
      id: 'detect',
      metric: 'mean AP at IoU 0.5',
      detail: 'mean AP at IoU 0.5 to 0.95',
      binary: false,
      rightAtOne: true,
      answer: (outputs): FoundBoxes => ({ kind: 'boxes', boxes: shown(outputs) }),
      alike: (reference, other) => f1(shown(reference), shown(other)),
      agreeing: () => agreeing(shown),
      score: (outputs, label) => ({
        value: f1(
          labelled(label).filter(box => !box.crowd),
          outsideCrowds(shown(outputs), labelled(label)),
        ),
        top5: null,
        detail: null,
      }),
      pooled: pooled as Pooled<unknown>,
    }
  },
}

/** 1 where every box of one covers one of the other's, and where neither has any. */
function f1(first: readonly Box[], second: readonly Box[]): number {
  const count = first.length + second.length
  return count === 0 ? 1 : (2 * matched(first, second, found).length) / count
}

const outsideCrowds = (boxes: readonly FoundBox[], labels: readonly Box[]): FoundBox[] => {
  const crowds = labels.filter(label => label.crowd)
  return boxes.filter(box => matched([box], crowds, found).length === 0)
}

function agreeing(shown: (outputs: Outputs) => readonly FoundBox[]): Agreeing {
  let [before, after, both, covered] = [0, 0, 0, 0]
  return {
    add(reference, other) {
      const [first, second] = [shown(reference), shown(other)]
      const pairs = matched(first, second, found)
      before += first.length
      after += second.length
      both += pairs.length
      for (const { iou } of pairs) covered += iou
    },
    result() {
      if (before + after === 0) return null
      const share = (part: number, of: number): number => (of === 0 ? 0 : (100 * part) / of)
      return {
        metric: 'boxes that both find',
        value: share(2 * both, before + after),
        unit: '%',
        details: [
          { metric: 'the original\u2019s boxes found again', value: share(both, before), unit: '%' },
          { metric: 'boxes that the original has too', value: share(both, after), unit: '%' },
          { metric: 'mean IoU of boxes that both find', value: share(covered, both), unit: '%' },
        ],
      }
    },
  }
}
