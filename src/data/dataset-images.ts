// A folder or a zip of images as samples, one file decoded at a time.
import { type ByteSource, type FileSet, readAll } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import type { Skip } from '../ir/context.ts'
import { visiblePaths } from './dataset-kind.ts'
import type { OpenOptions, SampleSource } from './dataset-source.ts'
import { fingerprint, onlyImage } from './dataset-source.ts'
import { folderPrint, inTurns } from './folder.ts'
import { folderOf, labelsOf, placeLabel } from './image-labels.ts'
import { decodeImage, foreignImageName, imageName } from './images.ts'
import { prepare } from './prepare.ts'

/** The images of a folder, or of a zip. */
export async function openImages(inside: FileSet, zip: ByteSource | null, options: OpenOptions): Promise<SampleSource> {
  const visible = visiblePaths(inside)
  const name = zip?.name ?? (visible.length > 0 ? folderOf(visible) : '')
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
    fingerprint: await (zip ? fingerprint(zip) : folderPrint(inside, paths, labels)),
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
