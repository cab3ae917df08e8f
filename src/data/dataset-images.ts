// A folder or a zip of images as samples, one file decoded at a time. Labels come from labels.csv (file,label or file,text), or from
// sub-folders: their names where all are integers, else their places in sorted order.
import { type ByteSource, type FileSet, readAll, text } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { parseCsv } from '../formats/csv.ts'
import { readZip } from '../formats/zip.ts'
import type { Skip } from '../ir/context.ts'
import { isHidden } from './dataset-kind.ts'
import type { OpenOptions, SampleSource } from './dataset-source.ts'
import { fingerprint, onlyImage } from './dataset-source.ts'
import { decodeImage, foreignImageName, imageName } from './images.ts'
import { prepare } from './prepare.ts'

type Label = number | string | null

/** The images of a folder, or of `zip` where one is given. */
export async function openImages(files: FileSet, zip: string | null, options: OpenOptions): Promise<SampleSource> {
  const inside: FileSet = zip === null ? files : await readZip(files.get(zip) as ByteSource)
  const visible = [...inside.keys()].filter(path => !isHidden(path))
  const name = zip ?? (visible.length > 0 ? folderOf(visible) : '') ?? ''
  const images = visible.filter(path => imageName.test(path))
  if (images.length === 0)
    throw new StudioError(
      'bad-data',
      `There is no image among the ${visible.length} files of ${name || 'the folder'}.`,
      {
        where: { file: name },
        hint: 'Images are PNG, JPEG, WebP or BMP.',
      },
    )
  const { labels, kind, missing } = await labelsOf(inside, visible, images)
  const paths = inTurns(images)
  const { input, slot } = onlyImage(options)
  const foreign = visible.filter(path => foreignImageName.test(path))
  const skipped: Skip[] = [
    ...foreign.map(sample => ({ sample, why: 'not PNG, JPEG, WebP or BMP' })),
    ...missing.map(sample => ({ sample, why: 'named in labels.csv, but not there' })),
  ]
  const original = async (index: number) =>
    decodeImage(await readAll(inside.get(paths[index]) as ByteSource), options.codecs)
  return {
    name: name || 'images',
    size: paths.length,
    labels: kind,
    skipped,
    fingerprint:
      zip === null ? await folderPrint(inside, paths, labels) : await fingerprint(files.get(zip) as ByteSource),
    sampleName: index => paths[index],
    original,
    async read(index) {
      const array = prepare(await original(index), input, slot)
      return {
        feeds: { [slot.name]: array },
        label: labels.get(paths[index]) ?? null,
        looks: [{ input: slot.name, array, expected: null }],
        color: null,
      }
    },
  }
}

/** The folder that all files share. */
function folderOf(paths: readonly string[]): string {
  let shared = paths[0].split('/').slice(0, -1)
  for (const path of paths) {
    const parts = path.split('/').slice(0, -1)
    const differs = shared.findIndex((part, i) => parts[i] !== part)
    if (differs >= 0) shared = shared.slice(0, differs)
  }
  return shared.join('/')
}

/**
 * Sorted by path, but the sub-folders take turns: the first N samples of a folder per class are then of all classes, where plain
 * order would give those of the first alone.
 */
function inTurns(paths: readonly string[]): string[] {
  const folders = new Map<string, string[]>()
  for (const path of [...paths].sort()) {
    const folder = path.slice(0, path.lastIndexOf('/') + 1)
    folders.set(folder, [...(folders.get(folder) ?? []), path])
  }
  const groups = [...folders.values()]
  const longest = groups.reduce((n, group) => Math.max(n, group.length), 0)
  return Array.from({ length: longest }, (_, i) => groups.flatMap(group => group.slice(i, i + 1))).flat()
}

async function labelsOf(
  files: FileSet,
  visible: readonly string[],
  images: readonly string[],
): Promise<{ labels: Map<string, Label>; kind: 'class' | 'text' | null; missing: string[] }> {
  const csv = visible.find(path => /(^|\/)labels\.csv$/i.test(path))
  if (csv !== undefined) return csvLabels(csv, text(await readAll(files.get(csv) as ByteSource)), images)
  const root = folderOf(images)
  const depth = root === '' ? 0 : root.length + 1
  const classOf = (path: string): string | null => {
    const rest = path.slice(depth)
    return rest.includes('/') ? rest.slice(0, rest.indexOf('/')) : null
  }
  const classes = [...new Set(images.map(classOf))].filter(c => c !== null).sort()
  if (classes.length < 2) return { labels: new Map(), kind: null, missing: [] }
  const index = indexOf(classes)
  const labels = new Map<string, Label>(images.map(path => [path, index.get(classOf(path) ?? '') ?? null]))
  return { labels, kind: 'class', missing: [] }
}

/** Integers stand for themselves; other names for their place in sorted order. */
function indexOf(names: readonly string[]): Map<string, number> {
  const integers = names.every(name => /^-?\d+$/.test(name))
  return new Map([...new Set(names)].sort().map((name, i) => [name, integers ? Number(name) : i]))
}

function csvLabels(path: string, content: string, images: readonly string[]) {
  const [header = [], ...rows] = parseCsv(content)
  const columns = header.map(h => h.trim().toLowerCase())
  const file = columns.indexOf('file')
  const label = columns.indexOf('label')
  const words = columns.indexOf('text')
  if (file < 0 || (label < 0 && words < 0))
    throw new StudioError('bad-data', `${path} has the columns ${header.join(', ') || '(none)'}.`, {
      where: { file: path },
      hint: 'Its first line must be file,label or file,text.',
    })
  const folder = path.slice(0, path.lastIndexOf('/') + 1)
  const byName = new Map(images.map(image => [image.slice(image.lastIndexOf('/') + 1), image]))
  const there = new Set(images)
  const find = (named: string): string | undefined =>
    there.has(folder + named) ? folder + named : there.has(named) ? named : byName.get(named)
  const column = label >= 0 ? label : words
  const index = label >= 0 ? indexOf(rows.map(row => row[label]?.trim() ?? '')) : null
  const labels = new Map<string, Label>()
  const missing: string[] = []
  for (const row of rows) {
    const image = find(row[file] ?? '')
    const value = row[column] ?? ''
    if (image === undefined) missing.push(row[file] ?? '')
    else labels.set(image, index ? (index.get(value.trim()) ?? null) : value)
  }
  return { labels, kind: index ? ('class' as const) : ('text' as const), missing }
}

const looked = 256

/** Names and sizes of all images, the content of the first, and all labels. */
async function folderPrint(files: FileSet, paths: readonly string[], labels: ReadonlyMap<string, Label>) {
  const sizes = paths.map(path => [path, files.get(path)?.size ?? 0, labels.get(path) ?? null])
  const contents: unknown[] = []
  for (const path of paths.slice(0, looked)) contents.push(await fingerprint(files.get(path) as ByteSource))
  return [sizes, contents]
}
