// Samples that a person gathers one by one: pictures added to those that are there, and labels given by hand.
import { utf8 } from '../src/base/bytes.ts'
import { byteLength, elementCount, viewAs } from '../src/base/dtype.ts'
import { StudioError } from '../src/base/errors.ts'
import { baseName } from '../src/base/paths.ts'
import { readNpz, writeNpz } from '../src/formats/npz.ts'
import { blobSource, type DroppedFile } from '../src/host/browser/files.ts'
import { storedFile } from '../src/host/browser/store.ts'
import { floats } from '../src/ir/tensor.ts'
import { settled, update } from './kept.ts'
import { isLoose, isRecorded, type Project, type Role, recordedName, type StoredData } from './project.ts'

/** The files of a set with pictures added to them, in the folder that all share, so that no folder becomes a class. */
export async function withPictures(
  project: Project,
  role: Role,
  pictures: readonly DroppedFile[],
): Promise<DroppedFile[]> {
  const data = project[role]
  const named = (folder: string) =>
    pictures.map(({ path, file }) => ({
      path: `${folder}${String(project.packs).padStart(4, '0')}-${baseName(path)}`,
      file,
    }))
  if (!data) return named('gathered/')
  if (!isLoose(data.pack)) {
    throw new StudioError('bad-data', `A picture cannot be added to ${data.view.name}`, {
      where: { file: data.view.name },
      hint: 'Its samples are in one file. Choose a folder of pictures first, or add the picture to that file yourself.',
    })
  }
  const whole = await storedFile(project.id, null, data.pack.file)
  const before = data.pack.files.map(({ path, offset, size }) => ({
    path,
    file: whole?.slice(offset, offset + size) ?? new Blob(),
  }))
  return [...before, ...named(sharedFolder(before.map(({ path }) => path)))]
}

function sharedFolder(paths: readonly string[]): string {
  let shared = paths[0].slice(0, paths[0].lastIndexOf('/') + 1)
  while (!paths.every(path => path.startsWith(shared)))
    shared = shared.slice(0, shared.lastIndexOf('/', shared.length - 2) + 1)
  return shared
}

/** Sound behind what was recorded before, as the array that the model is fed: its pieces along the first axis. */
export async function withSound(project: Project, role: Role, values: Float32Array): Promise<DroppedFile[]> {
  const data = project[role]
  if (data && !isRecorded(data.pack)) {
    throw new StudioError('bad-data', `Recorded sound cannot be added to ${data.view.name}`, {
      where: { file: data.view.name },
      hint: 'Choose files that are recorded elsewhere as well, or record into the other set.',
    })
  }
  const [input] = project.modelView.inputs
  const perSample = (input?.shape ?? []).slice(1).map(Number)
  let before: Float32Array = new Float32Array(0)
  if (data) {
    const whole = await storedFile(project.id, null, data.pack.file)
    const arrays = await readNpz(blobSource(recordedName, whole ?? new Blob()))
    const known = arrays.get(input.name)
    if (known) {
      const bytes = await known.source.read(known.offset, byteLength(known.dtype, elementCount(known.shape)))
      before = viewAs(known.dtype, bytes) as Float32Array
    }
  }
  const all = new Float32Array(before.length + values.length)
  all.set(before)
  all.set(values, before.length)
  const npz = writeNpz({ [input.name]: floats([all.length / elementCount(perSample), ...perSample], all) })
  return [{ path: recordedName, file: new Blob([npz as BlobPart]) }]
}

/** Gives a sample its class, or takes it away with null. */
export const label = (id: string, role: Role, sample: string, value: number | null): Promise<Project> =>
  update(id, async project => {
    const data = project[role]
    if (!data || !isLoose(data.pack) || (data.view.labels !== null && !data.byHand)) {
      throw new StudioError('usage', 'These samples cannot be labelled by hand', {
        hint: 'They have labels already, or are in one file.',
      })
    }
    const { [sample]: _, ...others } = data.byHand ?? {}
    const byHand = value === null ? others : { ...others, [sample]: value }
    const any = Object.keys(byHand).length > 0
    const labelled: StoredData = {
      ...data,
      byHand: any ? byHand : undefined,
      view: { ...data.view, labels: any ? 'class' : null },
    }
    const after = { ...project, [role]: labelled }
    return { [role]: labelled, ...(await settled(after)) }
  })

/** Labels as the file that they would come in: file,label. */
export function labelsCsv(byHand: Readonly<Record<string, number>>): Uint8Array {
  const field = (words: string): string => (/[",\r\n]/.test(words) ? `"${words.replaceAll('"', '""')}"` : words)
  const rows = Object.entries(byHand)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([file, value]) => `${field(file)},${value}`)
  return utf8(`${['file,label', ...rows].join('\n')}\n`)
}
