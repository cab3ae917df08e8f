// One row for each place: center, size, objectness where there is one, and a score for each class. YOLOv5 and YOLOX give rows
// [1, N, 5 + C] (Redmon and Farhadi 2018, as Ultralytics and Megvii export them), YOLOv8 and later columns [1, 4 + C, N].
import type { Model } from '../../ir/model.ts'
import { pictureSize, shapedOutputs } from '../outputs.ts'
import { numbersAt } from '../scores.ts'
import { activated, classesFrom, dimsOf, fromCenter, misshapen, named, rawLeast, sizeOr } from './outputs.ts'
import type { Decoder } from './types.ts'

const strides = [
  [8, 16, 32],
  [8, 16, 32, 64],
  [16, 32],
  [8, 16],
  [4, 8, 16, 32],
]

/** Whether so many places are what a detector with these strides has, with one to three boxes a cell. */
function areCells(model: Model, places: number): boolean {
  const size = pictureSize(model)
  if (!size) return false
  return strides.some(of => {
    const cells = of.reduce((sum, s) => sum + Math.ceil(size.height / s) * Math.ceil(size.width / s), 0)
    return [1, 2, 3].some(boxes => cells * boxes === places)
  })
}

export const yolo: Decoder = {
  id: 'yolo',
  label: 'YOLO: center, size and classes in one output',
  uses: ['boxes', 'objectness', 'activation', 'units', 'iou'],
  guess(model) {
    const outputs = shapedOutputs(model)
    if (model.graph.outputs.length !== 1 || outputs.length !== 1) return null
    const [{ name, dims }] = outputs
    if (dims.length !== 2) return null
    const rows = dims[0] > dims[1]
    const [places, width] = rows ? dims : [dims[1], dims[0]]
    if (width < (rows ? 6 : 5) || !areCells(model, places)) return null
    return { decoder: 'yolo', boxes: name, objectness: rows }
  },
  open(model, settings) {
    const name = named(model, settings, 'boxes')
    const dims = dimsOf(model, name, '[1, N, 5 + C] or [1, 4 + C, N]')
    const first = settings.objectness ? 5 : 4
    const [rows, columns] = dims
    if (dims.length !== 2 || Math.min(rows, columns) <= first)
      throw misshapen(name, dims, `[1, N, ${first} + C] or [1, ${first} + C, N]`)
    const byRow = rows > columns
    const [places, width] = byRow ? [rows, columns] : [columns, rows]
    const [across, down] = byRow ? [1, width] : [places, 1]
    const size = sizeOr(model, settings)
    return {
      classes: width - first,
      overlapping: true,
      read(outputs, least) {
        const values = numbersAt(outputs, name)
        const row = new Float64Array(width)
        const found = []
        const below = rawLeast(settings.activation, least)
        for (let i = 0; i < places; i++) {
          // Almost all places hold nothing.
          if (settings.objectness && !(values[i * down + 4 * across] >= below)) continue
          let hopeless = true
          for (let k = first; k < width && hopeless; k++) hopeless = !(values[i * down + k * across] >= below)
          if (hopeless) continue
          for (let k = 0; k < width; k++) row[k] = values[i * down + k * across]
          const scores = activated(row, 4, width - 4, settings.activation)
          const own = settings.objectness
            ? Array.from({ length: width - 5 }, (_, c) => scores[c + 1] * scores[0])
            : scores
          const [x, y, w, h] = row
          for (const { class: id, score } of classesFrom(own, -1, least))
            found.push({
              ...fromCenter(x / size.width, y / size.height, w / size.width, h / size.height),
              class: id,
              score,
            })
        }
        return found
      },
    }
  },
}
