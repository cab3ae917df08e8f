// Finished detections, suppressed already: TensorFlow Lite's four outputs (boxes as top, left, bottom, right; classes; scores; their
// number), three outputs (boxes, labels, scores), or one with a row [left, top, right, bottom, score, class] for each box, as
// end-to-end YOLO gives it. Caffe's DetectionOutput has the rows [picture, class, score, left, top, right, bottom].
import { StudioError } from '../../base/errors.ts'
import type { Model, ValueName } from '../../ir/model.ts'
import { numbersAt } from '../scores.ts'
import { fromCorners, named, sizeOr } from './outputs.ts'
import type { Decoder } from './types.ts'

/** Output names with their sizes; open ones, which the number of boxes may be, are -1. */
const outputsOf = ({ graph }: Model): { name: ValueName; dims: number[]; whole: boolean }[] =>
  graph.outputs.map(name => {
    const value = graph.values.get(name)
    return {
      name,
      dims: (value?.shape ?? []).map(d => (typeof d === 'number' ? d : -1)),
      whole: /^u?int/.test(value?.dtype ?? ''),
    }
  })

function guess(model: Model): Record<string, unknown> | null {
  const outputs = outputsOf(model)
  if (outputs.length === 1) {
    const [{ name, dims }] = outputs
    const width = dims.at(-1)
    if (dims.length === 4 && width === 7 && dims[0] === 1 && dims[1] === 1)
      return { decoder: 'detections', boxes: name, background: 0, units: 'fractions', corners: 'xyxy' }
    const few = dims.length === 3 && width === 6 && dims[1] <= 300
    return few ? { decoder: 'detections', boxes: name, units: 'pixels', corners: 'xyxy' } : null
  }
  if (outputs.length < 3 || outputs.length > 4) return null
  const boxes = outputs.find(({ dims }) => dims.at(-1) === 4 && dims.length >= 2 && dims.length <= 3)
  if (!boxes) return null
  const lists = outputs.filter(o => o !== boxes && o.dims.length === boxes.dims.length - 1 && o.dims.at(-1) !== 1)
  if (lists.length !== 2) return null
  const scores = lists.find(({ name }) => /score|conf/i.test(name))
  const classes =
    lists.find(({ name, whole }) => whole || /class|label/i.test(name)) ?? lists.find(list => list !== scores)
  const other = lists.find(list => list !== classes)
  if (!classes || !other) return null
  // TensorFlow Lite's four have no telling names: classes come before scores.
  const counted = outputs.length === 4
  const [ids, values] = !scores && !classes.whole && !/class|label/i.test(classes.name) ? lists : [classes, other]
  return {
    decoder: 'detections',
    boxes: boxes.name,
    classes: ids.name,
    scores: values.name,
    units: counted ? 'fractions' : 'pixels',
    corners: counted ? 'yxyx' : 'xyxy',
  }
}

export const detections: Decoder = {
  id: 'detections',
  label: 'Finished detections (boxes, classes and scores)',
  uses: ['boxes', 'scores', 'classes', 'background', 'units', 'corners'],
  guess,
  open(model, settings) {
    const boxes = named(model, settings, 'boxes')
    const { height, width } = sizeOr(model, settings)
    const row = outputsOf(model)
      .find(({ name }) => name === boxes)
      ?.dims.at(-1)
    const corners = (at: ArrayLike<number>, k: number) => {
      const [a, b, c, d] = [at[k], at[k + 1], at[k + 2], at[k + 3]]
      const [left, top, right, bottom] = settings.corners === 'yxyx' ? [b, a, d, c] : [a, b, c, d]
      return fromCorners(left / width, top / height, right / width, bottom / height)
    }
    const first = settings.background >= 0 ? 1 : 0
    if (row === 6 || row === 7) {
      const [at, score, id] = row === 6 ? [0, 4, 5] : [3, 2, 1]
      return {
        classes: null,
        overlapping: false,
        read(outputs, least) {
          const values = numbersAt(outputs, boxes)
          const found = []
          for (let k = 0; k + row <= values.length; k += row)
            if (values[k + score] >= least)
              found.push({
                ...corners(values, k + at),
                class: Math.round(values[k + id]) - first,
                score: values[k + score],
              })
          return found
        },
      }
    }
    if (row !== 4)
      throw new StudioError('usage', `Output '${boxes}' has rows of ${row ?? 'unknown'} numbers, no boxes.`, {
        where: { value: boxes },
        hint: 'The decoder detections reads rows of 4, 6 or 7 numbers; choose another in the task of the input spec.',
      })
    const [scores, classes] = [named(model, settings, 'scores'), named(model, settings, 'classes')]
    return {
      classes: null,
      overlapping: false,
      read(outputs, least) {
        const at = numbersAt(outputs, boxes)
        const ids = numbersAt(outputs, classes)
        const values = numbersAt(outputs, scores)
        const found = []
        for (let i = 0; i < values.length; i++)
          if (values[i] >= least)
            found.push({ ...corners(at, i * 4), class: Math.round(ids[i]) - first, score: values[i] })
        return found
      },
    }
  },
}
