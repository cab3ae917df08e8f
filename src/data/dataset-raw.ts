// A .json that describes raw files: { images, dtype, shape, layout, color, labels, labelDtype }, paths relative to it.
// Other keys are ignored. One sample's bytes are read at a time.
import * as v from 'valibot'
import { type ByteSource, type FileSet, readAll, text } from '../base/bytes.ts'
import { byteLength, type DType, dtypes, elementCount, viewAs } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import { expectation } from './dataset-arrays.ts'
import { fingerprint, type OpenOptions, onlyImage, type SampleSource } from './dataset-source.ts'
import { prepare } from './prepare.ts'
import { lookOf, type RawPictures, toPixels } from './raw-pictures.ts'

const schema = v.object({
  images: v.string(),
  dtype: v.optional(v.literal('uint8'), 'uint8'),
  shape: v.pipe(v.array(v.pipe(v.number(), v.integer(), v.minValue(1))), v.minLength(3), v.maxLength(4)),
  layout: v.optional(v.picklist(['NHWC', 'NCHW']), 'NHWC'),
  color: v.optional(v.picklist(['RGB', 'BGR', 'GRAY']), 'RGB'),
  labels: v.optional(v.string()),
  labelDtype: v.optional(v.picklist(dtypes), 'uint8'),
  classes: v.optional(v.array(v.string())),
})

/** The samples that the .json `main` describes. */
export async function openRaw(files: FileSet, main: string, options: OpenOptions): Promise<SampleSource> {
  const { classes, ...description } = await describe(files.get(main) as ByteSource, main)
  const { shape } = description
  const refuse = (what: string, hint: string): StudioError =>
    new StudioError('bad-data', `${main}: ${what}.`, { where: { file: main }, hint })
  const [size, ...dims] =
    shape.length === 3 ? (description.layout === 'NHWC' ? [...shape, 1] : [shape[0], 1, shape[1], shape[2]]) : shape
  const [height, width, channels] = description.layout === 'NHWC' ? dims : [dims[1], dims[2], dims[0]]
  if (![1, 3, 4].includes(channels))
    throw refuse(
      `the shape [${shape.join(', ')}] with layout ${description.layout} has ${channels} channels`,
      'Pictures have 1, 3 or 4; is the layout right?',
    )
  const pictures: RawPictures = { height, width, channels, layout: description.layout, color: description.color }
  const images = beside(files, main, description.images)
  const bytes = height * width * channels
  if (images.size !== size * bytes)
    throw refuse(
      `${description.images} has ${images.size} bytes, the shape [${shape.join(', ')}] needs ${size * bytes}`,
      'Correct the shape, or copy the file again.',
    )
  const labels =
    description.labels === undefined
      ? null
      : await labelsOf(beside(files, main, description.labels), description.labelDtype, size, main)
  const { input, slot } = onlyImage(options)
  const expected = expectation(input, slot.name, options)
  const stem = main.replace(/^.*\//, '').replace(/\.json$/i, '')
  const read = async (index: number): Promise<Uint8Array> => images.read(index * bytes, bytes)
  return {
    name: stem,
    size,
    labels: labels ? 'class' : null,
    classes: classes ?? null,
    skipped: [],
    fingerprint: [description, await fingerprint(images), labels],
    sampleName: index => `${stem}[${index}]`,
    original: async index => toPixels(await read(index), pictures),
    async read(index) {
      const data = await read(index)
      const array = prepare(toPixels(data, pictures), input, slot)
      return {
        feeds: { [slot.name]: array },
        label: labels ? labels[index] : null,
        looks: [{ input: slot.name, array, expected }],
        color: lookOf(data, pictures),
      }
    },
  }
}

async function describe(file: ByteSource, main: string): Promise<v.InferOutput<typeof schema>> {
  const hint =
    'It must be { "images": "x.bin", "dtype": "uint8", "shape": [N, H, W, C], "layout": "NHWC", "labels": "y.bin" }.'
  let json: unknown
  try {
    json = JSON.parse(text(await readAll(file)))
  } catch (cause) {
    throw new StudioError('bad-data', `${main} is no JSON.`, { where: { file: main }, hint, cause })
  }
  const parsed = v.safeParse(schema, json)
  if (parsed.success) return parsed.output
  const [issue] = parsed.issues
  throw new StudioError(
    'bad-data',
    `${main} describes no raw images: ${v.getDotPath(issue) ?? 'top'}: ${issue.message}.`,
    {
      where: { file: main },
      hint,
    },
  )
}

/** A file by its path from the .json, or by its name alone where folders were lost on the way (dropped files). */
function beside(files: FileSet, main: string, path: string): ByteSource {
  const folder = main.slice(0, main.lastIndexOf('/') + 1)
  const plain = path.replace(/^\.\//, '')
  const found =
    files.get(folder + plain) ??
    files.get(plain) ??
    [...files].find(([p]) => p.split('/').at(-1) === plain.split('/').at(-1))?.[1]
  if (found) return found
  throw new StudioError('missing-file', `${main} names ${path}, which is not there.`, {
    where: { file: path },
    hint: 'Give the raw files together with the .json.',
  })
}

async function labelsOf(file: ByteSource, dtype: DType, size: number, main: string): Promise<number[]> {
  if (file.size !== byteLength(dtype, elementCount([size])))
    throw new StudioError(
      'bad-data',
      `${main}: the labels ${file.name} are ${file.size} bytes, ${size} of ${dtype} need ${byteLength(dtype, size)}.`,
      {
        where: { file: file.name },
        hint: 'Correct labelDtype or the shape.',
      },
    )
  return Array.from(viewAs(dtype, await readAll(file)) as ArrayLike<number | bigint>, Number)
}
