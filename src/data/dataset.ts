// Data of any kind as one stream of samples, prepared for the model and looked at on the way. Samples that cannot be used are named,
// left out and counted; when none is left, that is an error.
import type { ByteSource, FileSet } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { hashJson } from '../base/hash.ts'
import { readZip } from '../formats/zip.ts'
import type { Dataset, Sample } from '../ir/context.ts'
import type { Pixels } from './codecs.ts'
import { openArrays } from './dataset-arrays.ts'
import { openImages } from './dataset-images.ts'
import { dataKind, holdsSounds } from './dataset-kind.ts'
import { openRaw } from './dataset-raw.ts'
import { openSounds } from './dataset-sounds.ts'
import type { OpenOptions, ReadSample, SampleSource } from './dataset-source.ts'
import { createScreen, lookahead } from './suspicious.ts'

/** A dataset whose samples can also be looked at one by one, for the screen. */
export interface OpenedDataset extends Dataset {
  /** Names of the classes by the numbers that labels have; null where there are none. */
  readonly classes: readonly string[] | null
  /** One sample by its index among all, and its picture as it came, where it is one. */
  peek(index: number): Promise<{ sample: Sample; original: Pixels | null }>
}

async function openSource(files: FileSet, picked: string | null, options: OpenOptions): Promise<SampleSource> {
  const { kind, main } = dataKind(files, picked)
  if (main !== null && !files.has(main))
    throw new StudioError('missing-file', `${main} is not among the files.`, {
      where: { file: main },
      hint: 'Give it again.',
    })
  if (kind === 'arrays') return openArrays(files.get(main as string) as ByteSource, options)
  if (kind === 'raw') return openRaw(files, main as string, options)
  const zip = main === null ? null : (files.get(main) as ByteSource)
  const inside = zip ? await readZip(zip) : files
  return (holdsSounds(inside) ? openSounds : openImages)(inside, zip, options)
}

/** Opens samples; `main` is the file that was picked, null for a folder. Nothing is decoded before the first sweep. */
export async function openDataset(files: FileSet, main: string | null, options: OpenOptions): Promise<OpenedDataset> {
  const source = await openSource(files, main, options)
  if (source.size === 0) throw noSamples(source.name, 'it is empty')
  const screen = createScreen()
  for (const { sample, why } of source.skipped) screen.skip(sample, why)
  const verdicts = new Map<number, string | null>() // a sample is judged once, in the first sweep that meets it

  const sampleOf = (index: number, { feeds, label }: ReadSample): Sample => ({
    index,
    name: source.sampleName(index),
    feeds,
    label,
  })

  /** Samples in order, those that cannot be read left out. */
  async function* readable(signal?: AbortSignal): AsyncGenerator<{ index: number; read: ReadSample }> {
    for (let index = 0; index < source.size; index++) {
      signal?.throwIfAborted()
      if (verdicts.get(index)) continue
      try {
        yield { index, read: await source.read(index) }
      } catch (error) {
        if (!(error instanceof StudioError) || (error.code !== 'bad-data' && error.code !== 'malformed')) throw error
        screen.skip(source.sampleName(index), `${error.message} ${error.hint}`)
        verdicts.set(index, error.message)
      }
    }
  }

  async function* samples(sweep: { count?: number; signal?: AbortSignal } = {}): AsyncGenerator<Sample> {
    const count = sweep.count ?? Number.POSITIVE_INFINITY
    const waiting: { index: number; read: ReadSample }[] = []
    let given = 0
    function* judged(): Generator<Sample> {
      const unknown = waiting.filter(({ index }) => !verdicts.has(index))
      const reasons = screen.look(
        unknown.map(({ index, read }) => ({ name: source.sampleName(index), arrays: read.looks, color: read.color })),
      )
      for (const [i, { index }] of unknown.entries()) verdicts.set(index, reasons[i])
      for (const { index, read } of waiting.splice(0)) {
        if (verdicts.get(index) || given >= count) continue
        given++
        yield sampleOf(index, read)
      }
    }
    try {
      for await (const next of readable(sweep.signal)) {
        waiting.push(next)
        const settled = verdicts.has(next.index) || verdicts.size >= lookahead
        if (waiting.length >= lookahead || settled || given + waiting.length >= count) yield* judged()
        if (given >= count) break
      }
      if (given < count) yield* judged()
    } finally {
      screen.finish()
    }
    if (given === 0 && count > 0)
      throw noSamples(source.name, screen.skipped[0]?.why ?? 'none could be read', screen.skipped[0]?.sample)
  }

  return {
    name: source.name,
    size: source.size,
    labels: source.labels,
    classes: source.classes,
    hash: hashJson([source.name, source.fingerprint, options.spec]),
    samples,
    get skipped() {
      return screen.skipped
    },
    get suspicious() {
      return screen.suspicious
    },
    async peek(index) {
      if (index < 0 || index >= source.size)
        throw new StudioError('usage', `There is no sample ${index}.`, {
          hint: `They count from 0 to ${source.size - 1}.`,
        })
      return { sample: sampleOf(index, await source.read(index)), original: await source.original(index) }
    },
  }
}

const noSamples = (name: string, why: string, sample?: string): StudioError =>
  new StudioError('bad-data', `No sample of ${name} can be used: ${why}`, {
    where: sample === undefined ? { file: name } : { file: name, sample },
    hint: 'Mend the samples, or give others.',
  })
