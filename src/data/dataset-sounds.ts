// A folder or a zip of WAV files as samples, for models that take sound as it is: from -1 to 1, all channels in one, the first so many
// values of each, and silence behind those that are shorter.
import { type ByteSource, type FileSet, readAll } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { soundLength } from '../base/sound-length.ts'
import { readWav } from '../formats/wav.ts'
import { type Model, requiredInputs, type ValueName } from '../ir/model.ts'
import { floats } from '../ir/tensor.ts'
import { soundName, visiblePaths } from './dataset-kind.ts'
import { fingerprint, type OpenOptions, type SampleSource } from './dataset-source.ts'
import { folderPrint, inTurns } from './folder.ts'
import { folderOf, labelsOf } from './image-labels.ts'
import { shapeText } from './resolve-input.ts'

/** The sounds of a folder, or of a zip. */
export async function openSounds(inside: FileSet, zip: ByteSource | null, options: OpenOptions): Promise<SampleSource> {
  const visible = visiblePaths(inside)
  const sounds = visible.filter(path => soundName.test(path))
  const { labels, kind, classes, missing, from } = await labelsOf(inside, visible, sounds)
  const { name: input, shape, length } = onlySound(options.model)
  const paths = inTurns(sounds)
  const wav = async (index: number) => readWav(await readAll(inside.get(paths[index]) as ByteSource))
  /** The rate that all must have: that of the first which can be read. */
  const findRate = async (): Promise<{ rate: number; of: string }> => {
    for (const [index, of] of paths.entries()) {
      const known = await wav(index).catch(whatIsBroken)
      if (known) return { rate: known.rate, of }
    }
    return { rate: 0, of: '' }
  }
  let usual: ReturnType<typeof findRate> | null = null
  return {
    name: zip?.name ?? (folderOf(visible) || 'sounds'),
    size: paths.length,
    labels: kind,
    classes,
    skipped: missing.map(sample => ({ sample, why: `named in ${from}, but not there` })),
    fingerprint: await (zip ? fingerprint(zip) : folderPrint(inside, paths, labels)),
    sampleName: index => paths[index],
    original: async () => null,
    async read(index) {
      const sound = await wav(index)
      usual ??= findRate()
      const { rate, of } = await usual
      if (sound.rate !== rate)
        throw new StudioError('bad-data', `It has ${sound.rate} values a second, and ${of} has ${rate}.`, {
          hint: 'Bring all to the rate that the model was trained with.',
        })
      const values = new Float32Array(length)
      values.set(sound.values.subarray(0, length))
      const array = floats(shape, values)
      const label = labels.get(paths[index])
      return {
        feeds: { [input]: array },
        label: typeof label === 'object' || label === undefined ? null : label,
        looks: [{ input, array, expected: null }],
        color: null,
      }
    },
  }
}

/** A file that cannot be read is named where its turn comes. */
function whatIsBroken(error: unknown): null {
  if (error instanceof StudioError && error.code === 'bad-data') return null
  throw error
}

/** The one input that sound goes to. */
function onlySound({ graph }: Model): { name: ValueName; shape: number[]; length: number } {
  const names = requiredInputs(graph)
  const value = names.length === 1 ? graph.values.get(names[0]) : undefined
  const length = value?.dtype === 'float32' ? soundLength(value.shape) : null
  if (!value || length === null)
    throw new StudioError(
      'bad-data',
      `Sound feeds one input of float32 with one long axis, but the model's inputs are ${names.map(name => `${name} ${shapeText(graph.values.get(name)?.shape)}`).join(', ')}.`,
      { hint: 'Give an .npz with the features that the model takes, one array for each input, named after it.' },
    )
  return { name: names[0], shape: [1, ...(value.shape ?? []).slice(1).map(Number)], length }
}
