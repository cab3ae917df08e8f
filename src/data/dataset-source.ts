// What every kind of data offers to the dataset that streams it: samples by index, read one at a time.
import type { ByteSource } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { hashBytes } from '../base/hash.ts'
import type { Feeds, Skip } from '../ir/context.ts'
import type { Label, LabelKind } from '../ir/labels.ts'
import { type Model, requiredInputs, type ValueName } from '../ir/model.ts'
import type { Codecs, Pixels } from './codecs.ts'
import type { ImageInput, InputSpec } from './input-spec.ts'
import { type ImageSlot, imageSlot, resolveInput, shapeText } from './resolve-input.ts'
import type { ColorLook, Look } from './suspicious.ts'

export interface OpenOptions {
  model: Model
  spec: InputSpec
  codecs: Codecs
}

export interface ReadSample {
  readonly feeds: Feeds
  readonly label: Label | null
  readonly looks: Look['arrays']
  readonly color: ColorLook | null
}

export interface SampleSource {
  readonly name: string
  readonly size: number
  readonly labels: LabelKind | null
  /** Names of the classes by the numbers that labels have; null where there are none. */
  readonly classes: readonly string[] | null
  /** Samples that are known to be of no use before any is read. */
  readonly skipped: readonly Skip[]
  /** Tells equal data from other data; goes into the hash. */
  readonly fingerprint: unknown
  sampleName(index: number): string
  /** Throws a StudioError of code 'bad-data' or 'malformed' where this one sample cannot be used. */
  read(index: number): Promise<ReadSample>
  /** The picture as it came; null where there is none. */
  original(index: number): Promise<Pixels | null>
}

/** The one input that pictures go to, and how. */
export function onlyImage({ model, spec }: OpenOptions): { input: ImageInput; slot: ImageSlot } {
  const names = requiredInputs(model.graph)
  const described = names.map(name => `${name} ${shapeText(model.graph.values.get(name)?.shape)}`).join(', ')
  if (names.length !== 1)
    throw new StudioError('bad-data', `Pictures can feed one input, but the model has ${names.length}: ${described}.`, {
      hint: 'Give an .npz with one array for each input, named after it.',
    })
  return imageFor(names[0], { model, spec })
}

export function imageFor(
  name: ValueName,
  { model, spec }: Pick<OpenOptions, 'model' | 'spec'>,
): { input: ImageInput; slot: ImageSlot } {
  const input = resolveInput(spec, model)[name]
  const slot = input && imageSlot(model, name, input.layout)
  if (!slot)
    throw new StudioError(
      'bad-data',
      `Nothing says how pictures become input '${name}' ${shapeText(model.graph.values.get(name)?.shape)}.`,
      {
        where: { value: name },
        hint: 'Give an input spec for it (--input), or an .npz with the array that it is fed.',
      },
    )
  return { input, slot }
}

const whole = 1 << 20
const blocks = 16
const block = 1 << 16

/** Name, size and hash of the content; of more than a megabyte, of 16 blocks spread over it. */
export async function fingerprint(source: ByteSource): Promise<unknown> {
  const { name, size } = source
  if (size <= whole) return [name, size, hashBytes(await source.read(0, size))]
  const hashes: string[] = []
  for (let i = 0; i < blocks; i++) {
    const offset = Math.floor(((size - block) * i) / (blocks - 1))
    hashes.push(hashBytes(await source.read(offset, block)))
  }
  return [name, size, hashes]
}
