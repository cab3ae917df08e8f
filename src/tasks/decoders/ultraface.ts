// Corners of finished boxes beside a score for each class, as UltraFace and SSD give them whose graph holds the decoding: boxes
// [1, N, 4] (left, top, right, bottom; fractions of the picture) and scores [1, N, C].
import { activationFor, shapedOutputs } from '../outputs.ts'
import { numbersAt } from '../scores.ts'
import { activated, classesFrom, dimsOf, fromCorners, misshapen, named, sizeOr } from './outputs.ts'
import { pairOf } from './pair.ts'
import type { Decoder } from './types.ts'

export const ultraface: Decoder = {
  id: 'ultraface',
  label: 'Corners and scores (UltraFace, SSD with decoding)',
  uses: ['boxes', 'scores', 'background', 'activation', 'units', 'iou'],
  guess(model) {
    const pair = pairOf(model, shapedOutputs(model))
    if (!pair?.decoded || model.graph.outputs.length !== 2) return null
    return {
      decoder: 'ultraface',
      boxes: pair.boxes.name,
      scores: pair.scores.name,
      score: 0.5,
      background: pair.classes > 1 ? 0 : -1,
      activation: activationFor(model, pair.scores.name, pair.classes > 1 ? 'softmax' : 'sigmoid'),
      units: 'fractions',
    }
  },
  open(model, settings) {
    const [boxes, scores] = [named(model, settings, 'boxes'), named(model, settings, 'scores')]
    const dims = dimsOf(model, boxes, '[1, N, 4]')
    const scored = dimsOf(model, scores, '[1, N, C]')
    if (dims.at(-1) !== 4 || dims.length !== 2) throw misshapen(boxes, dims, '[1, N, 4]')
    const [places, classes] = [dims[0], scored[1] ?? 1]
    if (scored[0] !== places || scored.length > 2) throw misshapen(scores, scored, `[1, ${places}, C]`)
    const { height, width } = sizeOr(model, settings)
    return {
      classes: settings.background >= 0 ? classes - 1 : classes,
      overlapping: true,
      read(outputs, least) {
        const at = numbersAt(outputs, boxes)
        const values = numbersAt(outputs, scores)
        const found = []
        for (let i = 0; i < places; i++) {
          const row = activated(values, i * classes, classes, settings.activation)
          for (const { class: id, score } of classesFrom(row, settings.background, least))
            found.push({
              ...fromCorners(at[i * 4] / width, at[i * 4 + 1] / height, at[i * 4 + 2] / width, at[i * 4 + 3] / height),
              class: id,
              score,
            })
        }
        return found
      },
    }
  },
}
