// What pictures are labelled with. Classes and text: labels.csv (file,label or file,text), or sub-folders: their names where all are
// integers, else their places in sorted order. Boxes: labels.csv with x, y, width and height in pixels of the picture, a row for each
// box, a COCO .json, or a .txt for each picture as YOLO has them. Masks: a PNG of the picture's name in a folder `masks`.
import { type ByteSource, type FileSet, readAll, text } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { baseName } from '../base/paths.ts'
import { parseCsv } from '../formats/csv.ts'
import type { Box, Label, LabelKind } from '../ir/labels.ts'
import { readCoco } from './coco.ts'
import type { Codecs } from './codecs.ts'
import type { ResizeSpec } from './input-spec.ts'
import { placeMask, readMask } from './masks.ts'
import { framing } from './resize.ts'
import { readYolo, yoloPaths } from './yolo-labels.ts'

/** What stands beside a picture, before it is known how that is fed. `boxes` are in pixels of the picture as it came, or in fractions. */
export type Beside =
  | number
  | string
  | { boxes: readonly Box[]; fractions?: boolean; mask?: undefined }
  | { boxes?: undefined; mask: string }

export interface ImageLabels {
  labels: Map<string, Beside>
  kind: LabelKind | null
  /** Names of the classes by their number; null where they have only these. */
  classes: readonly string[] | null
  /** The file that they stand in, and what it names that is not there. */
  from: string | null
  missing: string[]
}

export async function labelsOf(
  files: FileSet,
  visible: readonly string[],
  images: readonly string[],
): Promise<ImageLabels> {
  const csv = visible.find(path => /(^|\/)labels\.csv$/i.test(path))
  const find = finder(images)
  if (csv !== undefined) return csvLabels(csv, text(await readAll(files.get(csv) as ByteSource)), find)
  for (const path of visible.filter(name => /\.json$/i.test(name))) {
    const coco = readCoco(path, text(await readAll(files.get(path) as ByteSource)))
    if (coco) return boxLabels(path, coco.pictures, coco.classes, find)
  }
  return maskLabels(images) ?? (await yoloLabels(files, images)) ?? folderLabels(images)
}

/** A label as it lies on the picture that the model is fed. */
export async function placeLabel(
  label: Beside,
  picture: { width: number; height: number },
  resize: ResizeSpec | undefined,
  files: FileSet,
  codecs: Codecs,
): Promise<Label> {
  if (typeof label !== 'object') return label
  const { width: w, height: h } = picture
  const frame = resize
    ? framing(picture, resize)
    : { scaled: { width: w, height: h }, left: 0, top: 0, width: w, height: h }
  if (label.mask !== undefined) {
    const mask = await readMask(label.mask, await readAll(files.get(label.mask) as ByteSource), codecs)
    return placeMask(label.mask, mask, picture, frame)
  }
  const { width: fullWidth, height: fullHeight } = frame.scaled
  const [across, down] = label.fractions ? [fullWidth, fullHeight] : [fullWidth / w, fullHeight / h]
  const within = (at: number, length: number): number => Math.min(1, Math.max(0, at / length))
  const boxes = label.boxes.flatMap(box => {
    const x = within(box.x * across + frame.left, frame.width)
    const y = within(box.y * down + frame.top, frame.height)
    const width = within((box.x + box.width) * across + frame.left, frame.width) - x
    const height = within((box.y + box.height) * down + frame.top, frame.height) - y
    // What is cut off is not there to be found.
    return width > 0 && height > 0 ? [{ ...box, x, y, width, height }] : []
  })
  return { kind: 'boxes', boxes }
}

type Find = (folder: string, named: string) => string | undefined

/** A picture by its path from the file that names it, by its whole path, or by its name alone. */
function finder(images: readonly string[]): Find {
  const byName = new Map(images.map(image => [baseName(image), image]))
  const there = new Set(images)
  return (folder, named) =>
    there.has(folder + named) ? folder + named : there.has(named) ? named : byName.get(named.replace(/^.*\//, ''))
}

const folderIn = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1)

/** The folder that all files share. */
export function folderOf(paths: readonly string[]): string {
  let shared = paths[0].split('/').slice(0, -1)
  for (const path of paths) {
    const parts = path.split('/').slice(0, -1)
    const differs = shared.findIndex((part, i) => parts[i] !== part)
    if (differs >= 0) shared = shared.slice(0, differs)
  }
  return shared.join('/')
}

function folderLabels(images: readonly string[]): ImageLabels {
  const root = folderOf(images)
  const depth = root === '' ? 0 : root.length + 1
  const classOf = (path: string): string | null => {
    const rest = path.slice(depth)
    return rest.includes('/') ? rest.slice(0, rest.indexOf('/')) : null
  }
  const classes = [...new Set(images.map(classOf))].filter(c => c !== null).sort()
  if (classes.length < 2) return { labels: new Map(), kind: null, classes: null, missing: [], from: null }
  const { index, names } = indexOf(classes)
  const labels = new Map<string, Beside>()
  for (const path of images) {
    const label = index.get(classOf(path) ?? '')
    if (label !== undefined) labels.set(path, label)
  }
  return { labels, kind: 'class', classes: names, missing: [], from: null }
}

const isMask = /(^|\/)masks\//i
const stem = (path: string): string => baseName(path).replace(/\.\w+$/, '')

/** null where no picture has a mask. */
function maskLabels(images: readonly string[]): ImageLabels | null {
  const masks = new Map(
    images.filter(path => isMask.test(path) && /\.png$/i.test(path)).map(path => [stem(path), path]),
  )
  const labels = new Map<string, Beside>()
  for (const path of images) {
    const mask = masks.get(stem(path))
    if (mask !== undefined && !isMask.test(path)) labels.set(path, { mask })
  }
  return labels.size === 0 ? null : { labels, kind: 'masks', classes: null, missing: [], from: null }
}

/** null where no picture has a file of boxes. */
async function yoloLabels(files: FileSet, images: readonly string[]): Promise<ImageLabels | null> {
  const labels = new Map<string, Beside>()
  let some = false
  for (const image of images) {
    const path = yoloPaths(image).find(name => files.has(name))
    const boxes = path === undefined ? [] : readYolo(path, text(await readAll(files.get(path) as ByteSource)))
    if (boxes === null) return null
    some ||= path !== undefined
    labels.set(image, { boxes, fractions: true })
  }
  const named = [...files.keys()].find(path => /(^|\/)classes\.txt$/i.test(path))
  const lines =
    named === undefined
      ? null
      : text(await readAll(files.get(named) as ByteSource))
          .trim()
          .split(/\r?\n/)
  return some ? { labels, kind: 'boxes', classes: lines, missing: [], from: null } : null
}

/** Integers stand for themselves; other names for their place in sorted order. */
function indexOf(given: readonly string[]): { index: Map<string, number>; names: readonly string[] | null } {
  const integers = given.every(name => /^-?\d+$/.test(name))
  const sorted = [...new Set(given)].sort()
  return {
    index: new Map(sorted.map((name, i) => [name, integers ? Number(name) : i])),
    names: integers ? null : sorted,
  }
}

function csvLabels(path: string, content: string, find: Find): ImageLabels {
  const [header = [], ...rows] = parseCsv(content)
  const columns = header.map(h => h.trim().toLowerCase())
  const file = columns.indexOf('file')
  const label = columns.indexOf('label')
  const words = columns.indexOf('text')
  if (file < 0 || (label < 0 && words < 0))
    throw new StudioError('bad-data', `${path} has the columns ${header.join(', ') || '(none)'}.`, {
      where: { file: path },
      hint: 'Its first line must be file,label, file,text or file,label,x,y,width,height.',
    })
  const sides = [['x'], ['y'], ['width', 'w'], ['height', 'h']].map(names =>
    columns.findIndex(column => names.includes(column)),
  )
  if (label >= 0 && sides.some(column => column >= 0)) return csvBoxes(path, rows, file, label, sides, find)
  const column = label >= 0 ? label : words
  const known = label >= 0 ? indexOf(rows.map(row => row[label]?.trim() ?? '')) : null
  const labels = new Map<string, Beside>()
  const missing: string[] = []
  for (const row of rows) {
    const image = find(folderIn(path), row[file] ?? '')
    const value = row[column] ?? ''
    const found = known ? known.index.get(value.trim()) : value
    if (image === undefined) missing.push(row[file] ?? '')
    else if (found !== undefined) labels.set(image, found)
  }
  return { labels, kind: known ? 'class' : 'text', classes: known?.names ?? null, missing, from: path }
}

/** A row for each box; one without numbers says that the picture has none. */
function csvBoxes(
  path: string,
  rows: readonly string[][],
  file: number,
  label: number,
  sides: readonly number[],
  find: Find,
): ImageLabels {
  const refuse = (line: number, what: string): StudioError =>
    new StudioError('bad-data', `${path}, line ${line}: ${what}.`, {
      where: { file: path },
      hint: 'A row is file,label,x,y,width,height: the upper left corner and the size, in pixels of the picture.',
    })
  if (sides.includes(-1)) throw refuse(1, 'a box needs all of x, y, width and height')
  const { index, names } = indexOf(rows.map(row => row[label]?.trim() ?? '').filter(Boolean))
  const pictures: { named: string; boxes: Box[] }[] = []
  for (const [i, row] of rows.entries()) {
    const texts = sides.map(column => row[column]?.trim() ?? '')
    const empty = texts.every(value => value === '')
    const [x, y, width, height] = texts.map(Number)
    if (!empty && (texts.includes('') || ![x, y, width, height].every(Number.isFinite) || width <= 0 || height <= 0))
      throw refuse(i + 2, `${texts.join(', ')} is no box`)
    const name = row[label]?.trim() ?? ''
    if (!empty && name === '') throw refuse(i + 2, 'the box has no label')
    pictures.push({
      named: row[file] ?? '',
      boxes: empty ? [] : [{ x, y, width, height, class: index.get(name) as number }],
    })
  }
  return boxLabels(path, pictures, names, find)
}

function boxLabels(
  path: string,
  pictures: Iterable<{ named: string; boxes: readonly Box[] }>,
  classes: readonly string[] | null,
  find: Find,
): ImageLabels {
  const boxes = new Map<string, Box[]>()
  const missing = new Set<string>()
  for (const { named, boxes: own } of pictures) {
    const image = find(folderIn(path), named)
    if (image === undefined) missing.add(named)
    else boxes.set(image, [...(boxes.get(image) ?? []), ...own])
  }
  const labels = new Map<string, Beside>([...boxes].map(([image, own]) => [image, { boxes: own }]))
  return { labels, kind: 'boxes', classes, missing: [...missing], from: path }
}
