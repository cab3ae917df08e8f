// A folder or a zip of images as samples, one file decoded at a time.
import { type ByteSource, type FileSet, readAll } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { readZip } from '../formats/zip.ts'
import type { Skip } from '../ir/context.ts'
import { isHidden } from './dataset-kind.ts'
import type { OpenOptions, SampleSource } from './dataset-source.ts'
import { fingerprint, onlyImage } from './dataset-source.ts'
import { type Beside, folderOf, labelsOf, placeLabel } from './image-labels.ts'
import { decodeImage, foreignImageName, imageName } from './images.ts'
import { prepare } from './prepare.ts'

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
  const { labels, kind, classes, missing, from } = await labelsOf(inside, visible, images)
  const masks = new Set([...labels.values()].map(label => (typeof label === 'object' ? label.mask : undefined)))
  const paths = inTurns(images.filter(path => !masks.has(path)))
  const { input, slot } = onlyImage(options)
  const foreign = visible.filter(path => foreignImageName.test(path))
  const skipped: Skip[] = [
    ...foreign.map(sample => ({ sample, why: 'not PNG, JPEG, WebP or BMP' })),
    ...missing.map(sample => ({ sample, why: `named in ${from}, but not there` })),
  ]
  const picture = async (path: string) => decodeImage(await readAll(inside.get(path) as ByteSource), options.codecs)
  const original = (index: number) => picture(paths[index])
  return {
    name: name || 'images',
    size: paths.length,
    labels: kind,
    classes,
    skipped,
    fingerprint:
      zip === null ? await folderPrint(inside, paths, labels) : await fingerprint(files.get(zip) as ByteSource),
    sampleName: index => paths[index],
    original,
    async read(index) {
      const pixels = await original(index)
      const array = prepare(pixels, input, slot)
      const label = labels.get(paths[index])
      return {
        feeds: { [slot.name]: array },
        label: label === undefined ? null : await placeLabel(label, pixels, input.resize, inside, options.codecs),
        looks: [{ input: slot.name, array, expected: null }],
        color: null,
      }
    },
  }
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

const looked = 256

/** Names and sizes of all images, the content of the first, and all labels. */
async function folderPrint(files: FileSet, paths: readonly string[], labels: ReadonlyMap<string, Beside>) {
  const sizes = paths.map(path => [path, files.get(path)?.size ?? 0, labels.get(path) ?? null])
  const contents: unknown[] = []
  for (const path of paths.slice(0, looked)) {
    const label = labels.get(path)
    const mask = typeof label === 'object' ? label.mask : undefined
    for (const name of mask === undefined ? [path] : [path, mask])
      contents.push(await fingerprint(files.get(name) as ByteSource))
  }
  return [sizes, contents]
}
