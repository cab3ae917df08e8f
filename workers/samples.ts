// The samples that ship with the site: their list, and the files of one, as if a person had dropped them.
import { StudioError } from '../src/base/errors.ts'
import { baseName } from '../src/base/paths.ts'
import type { InputSpec } from '../src/data/input-spec.ts'
import type { DroppedFile } from '../src/host/browser/files.ts'
import type { Catalogue, Localized } from './api.ts'

/** An entry of `samples/index.json`; paths are relative to that file. */
interface SampleEntry {
  id: string
  label: Localized
  about: Localized
  bytes?: number
  model: string | string[]
  data: string | string[]
  evaluation?: string | string[] | null
  input?: string | InputSpec | null
}

export interface Sample {
  model: DroppedFile[]
  data: DroppedFile[]
  evaluation: DroppedFile[]
  input: InputSpec | null
}

const folder = (base: string): URL => new URL('samples/', base)

async function get(url: URL): Promise<Response> {
  const response = await fetch(url).catch(() => null)
  if (response?.ok) return response
  throw new StudioError('missing-file', `${url.pathname} could not be loaded`, {
    where: { file: url.pathname },
    hint: 'Open the studio once with the network on, and wait until it says that it works offline.',
  })
}

const entriesOf = async (base: string): Promise<SampleEntry[]> => {
  const list = (await (await get(new URL('index.json', folder(base)))).json()) as { samples: SampleEntry[] }
  return list.samples
}

const list = (paths: string | string[] | null | undefined): string[] =>
  typeof paths === 'string' ? [paths] : (paths ?? [])

export const listSamples = async (base: string): Promise<Catalogue['samples']> =>
  (await entriesOf(base)).map(({ id, label, about, bytes = 0 }) => ({ id, label, about, bytes }))

export async function fetchSample(base: string, id: string): Promise<Sample> {
  const entry = (await entriesOf(base)).find(sample => sample.id === id)
  if (!entry) throw new StudioError('usage', `There is no sample ${id}`, { hint: 'Choose one of the list.' })
  const files = (paths: string | string[] | null | undefined): Promise<DroppedFile[]> =>
    Promise.all(
      list(paths).map(async path => ({
        path: baseName(path),
        file: await (await get(new URL(path, folder(base)))).blob(),
      })),
    )
  const { input = null } = entry
  return {
    model: await files(entry.model),
    data: await files(entry.data),
    evaluation: await files(entry.evaluation),
    input: typeof input === 'string' ? ((await (await get(new URL(input, folder(base)))).json()) as InputSpec) : input,
  }
}
