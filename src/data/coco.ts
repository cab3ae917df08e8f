// Boxes out of a COCO annotation file (cocodataset.org, "Data format", object detection). Classes are the places of the categories
// in the order of their ids, as detectors trained on COCO count its 80.
import * as v from 'valibot'
import { StudioError } from '../base/errors.ts'
import type { Box } from '../ir/labels.ts'

const id = v.pipe(v.number(), v.integer())
const schema = v.object({
  images: v.array(v.object({ id, file_name: v.string() })),
  annotations: v.array(
    v.object({
      image_id: id,
      category_id: id,
      bbox: v.tuple([v.number(), v.number(), v.number(), v.number()]),
      iscrowd: v.optional(v.union([v.number(), v.boolean()])),
    }),
  ),
  categories: v.array(v.object({ id, name: v.optional(v.string()) })),
})

export interface Coco {
  pictures: { named: string; boxes: Box[] }[]
  /** Names by class, where every category has one. */
  classes: readonly string[] | null
}

/** Boxes by picture, those without any too; null for a .json that is of something else. */
export function readCoco(path: string, content: string): Coco | null {
  let json: unknown
  try {
    json = JSON.parse(content)
  } catch {
    return null // some other file that lies there
  }
  if (typeof json !== 'object' || json === null || !('annotations' in json) || !('images' in json)) return null
  const refuse = (what: string): StudioError =>
    new StudioError('bad-data', `${path} is no COCO annotation of boxes: ${what}.`, {
      where: { file: path },
      hint: 'It needs images (id, file_name), annotations (image_id, category_id, bbox) and categories (id).',
    })
  const parsed = v.safeParse(schema, json)
  if (!parsed.success) {
    const [issue] = parsed.issues
    throw refuse(`${v.getDotPath(issue) ?? 'top'}: ${issue.message}`)
  }
  const { images, annotations, categories } = parsed.output
  const sorted = [...categories].sort((a, b) => a.id - b.id)
  const classes = new Map(sorted.map((category, place) => [category.id, place]))
  const pictures = new Map(images.map(image => [image.id, { named: image.file_name, boxes: [] as Box[] }]))
  for (const { image_id, category_id, bbox, iscrowd } of annotations) {
    const place = classes.get(category_id)
    const picture = pictures.get(image_id)
    if (place === undefined) throw refuse(`an annotation has the category ${category_id}, which is not listed`)
    if (!picture) throw refuse(`an annotation is of the image ${image_id}, which is not listed`)
    const [x, y, width, height] = bbox
    if (width > 0 && height > 0)
      picture.boxes.push({ x, y, width, height, class: place, ...(iscrowd ? { crowd: true } : {}) })
  }
  const names = sorted.flatMap(({ name }) => (name === undefined ? [] : [name]))
  return { pictures: [...pictures.values()], classes: names.length === sorted.length ? names : null }
}
