// A whole project as one zip of stored entries: its record, the files as they were dropped, and, where wanted, what its runs came to.
// It is put together of the files where they lie, and read from where it lies, so that no more than a part of it is ever in memory.
import * as v from 'valibot'
import { readAll, text } from '../src/base/bytes.ts'
import { StudioError } from '../src/base/errors.ts'
import { describeIssue } from '../src/base/issues.ts'
import { crc32 } from '../src/formats/crc32.ts'
import { readZip, type StoredEntry, type ZipEntry, zipFrame } from '../src/formats/zip.ts'
import { blobSource, type DroppedFile } from '../src/host/browser/files.ts'
import { fileNames, type Pack, putFile, storedFile } from '../src/host/browser/store.ts'
import type { Project, Role, StoredData } from './project.ts'
import { stageHead } from './variants.ts'

const recordPath = 'thimble-project.json'
const partBytes = 4 << 20

// Of these the browser makes files; they are names of ours.
const fileName = v.pipe(v.string(), v.regex(/^[\w:.@-]+$/, 'must be the name of a file'), v.excludes('..'))
const packSchema = v.strictObject({
  file: fileName,
  paths: v.array(v.string()),
  blocks: v.array(v.string()),
  labels: v.optional(v.record(v.string(), v.pipe(v.number(), v.integer()))),
})
const object = v.looseObject({})
const recordSchema = v.strictObject({
  thimble: v.literal(1),
  name: v.string(),
  packs: v.pipe(v.number(), v.integer()),
  model: packSchema,
  calibration: v.nullable(packSchema),
  evaluation: v.nullable(packSchema),
  input: object,
  inputProposed: v.boolean(),
  recipe: object,
  past: v.array(object),
  future: v.array(object),
  variants: v.array(
    v.strictObject({
      id: fileName,
      name: v.string(),
      made: v.number(),
      key: v.string(),
      recipe: object,
      figures: v.array(object),
      bundles: v.array(v.strictObject({ dir: v.string(), file: fileName })),
      deleted: v.boolean(),
    }),
  ),
})

/** What is read of a project's file; the packs are in storage then. */
export type Kept = Pick<
  Project,
  'name' | 'packs' | 'model' | 'input' | 'inputProposed' | 'recipe' | 'past' | 'future' | 'variants'
> &
  Record<Role, Pick<StoredData, 'pack' | 'byHand'> | null>

const roles = ['model', 'calibration', 'evaluation'] as const

async function part(project: string, folder: 'stages' | 'bundles' | null, name: string): Promise<Blob> {
  const file = await storedFile(project, folder, name)
  if (file) return file
  throw new StudioError('storage', `The stored copy of ${name} is not whole`, {
    where: { file: name },
    hint: 'The browser has removed or shortened it; drop the files again.',
  })
}

/** The project as a file that is read from storage while it is saved. The same project gives the same bytes. */
export async function projectFile(project: Project, results: boolean): Promise<Blob> {
  const variants = results ? project.variants.filter(variant => !variant.deleted) : []
  const described = (pack: Pack | undefined, labels?: StoredData['byHand']) =>
    pack ? { file: pack.file, paths: pack.files.map(({ path }) => path), blocks: pack.blocks, labels } : null
  const packs = { model: project.model, calibration: project.calibration?.pack, evaluation: project.evaluation?.pack }
  const { name, input, inputProposed, recipe, past, future } = project
  const record = {
    thimble: 1,
    name,
    packs: project.packs,
    model: described(packs.model),
    calibration: described(packs.calibration, project.calibration?.byHand),
    evaluation: described(packs.evaluation, project.evaluation?.byHand),
    ...{ input, inputProposed, recipe, past, future, variants },
  }
  const contents: { path: string; blob: Blob }[] = [
    { path: recordPath, blob: new Blob([`${JSON.stringify(record, null, 2)}\n`]) },
  ]
  for (const role of roles) {
    const pack = packs[role]
    if (!pack) continue
    const whole = await part(project.id, null, pack.file)
    for (const { path, offset, size } of pack.files)
      contents.push({ path: `${role}/${path}`, blob: whole.slice(offset, offset + size) })
  }
  const heads = variants.map(({ id }) => stageHead(id))
  for (const key of await fileNames(project.id, 'stages'))
    if (heads.some(head => key.startsWith(head)))
      contents.push({ path: `stages/${key}`, blob: await part(project.id, 'stages', key) })
  for (const { file } of variants.flatMap(({ bundles }) => bundles))
    contents.push({ path: `bundles/${file}`, blob: await part(project.id, 'bundles', file) })

  const entries: StoredEntry[] = []
  for (const { path, blob } of contents) entries.push({ path, size: blob.size, crc: await checksum(path, blob) })
  const { heads: before, tail } = zipFrame(entries)
  const parts = contents.flatMap(({ blob }, k) => [before[k] as BlobPart, blob])
  return new Blob([...parts, tail as BlobPart], { type: 'application/zip' })
}

async function checksum(path: string, blob: Blob): Promise<number> {
  const source = blobSource(path, blob)
  let crc = 0
  for (let at = 0; at < blob.size; at += partBytes)
    crc = crc32(await source.read(at, Math.min(partBytes, blob.size - at)), crc)
  return crc
}

/** Whether the files are one file that a project was saved as. */
export async function isProjectFile(files: readonly DroppedFile[]): Promise<boolean> {
  const [{ path, file }] = files
  if (files.length > 1 || !/\.zip$/i.test(path)) return false
  if (/\.thimble\b[^/]*\.zip$/i.test(path)) return true
  return (await readZip(blobSource(path, file))).has(recordPath)
}

/** Copies what is in a project's file into the storage of the project `id`. Every byte is compared with its checksum. */
export async function readProjectFile(id: string, { path, file }: DroppedFile): Promise<Kept> {
  const damaged = (what: string): StudioError =>
    new StudioError('malformed', `${path} is not the whole file of a project: ${what}`, {
      where: { file: path },
      hint: 'Save the project again where it came from, and copy the file whole.',
    })
  const entries = await readZip(blobSource(path, file))
  const entry = (name: string): ZipEntry => {
    const found = entries.get(name)
    if (found) return found
    throw damaged(`${name} is missing.`)
  }
  const record = readRecord(text(await readAll(entry(recordPath))), damaged)

  const pack = async (role: (typeof roles)[number], described: v.InferOutput<typeof packSchema>): Promise<Pack> => {
    const files = described.paths.map(name => ({ path: name, entry: entry(`${role}/${name}`) }))
    let bytes = 0
    const packed = files.map(({ path: name, entry: { size } }) => {
      bytes += size
      return { path: name, offset: bytes - size, size }
    })
    async function* chunks(): AsyncIterable<Uint8Array> {
      for (const one of files) yield* one.entry.chunks()
    }
    const blocks = await putFile(id, null, described.file, bytes, chunks())
    if (String(blocks) !== String(described.blocks))
      throw damaged(`the files of ${role} are not those that were saved.`)
    return { file: described.file, bytes, files: packed, blocks }
  }
  const data = async (role: Role, described: v.InferOutput<typeof packSchema> | null) =>
    described && { pack: await pack(role, described), byHand: described.labels }
  const kept = {
    ...record,
    model: await pack('model', record.model),
    calibration: await data('calibration', record.calibration),
    evaluation: await data('evaluation', record.evaluation),
  }
  const wanted = new Set(record.variants.flatMap(({ bundles }) => bundles.map(bundle => `bundles/${bundle.file}`)))
  for (const name of wanted) entry(name)
  for (const [name, one] of entries) {
    const [folder, rest] = name.split('/', 2)
    const ofVariant = record.variants.some(variant => rest?.startsWith(stageHead(variant.id)))
    if (!wanted.has(name) && !(folder === 'stages' && ofVariant)) continue
    if (!v.is(fileName, rest)) throw damaged(`${name} is no name of a stored file.`)
    await putFile(id, folder as 'stages' | 'bundles', rest, one.size, one.chunks())
  }
  return kept as unknown as Kept
}

function readRecord(json: string, damaged: (what: string) => StudioError): v.InferOutput<typeof recordSchema> {
  let read: unknown
  try {
    read = JSON.parse(json)
  } catch {
    throw damaged(`${recordPath} is no JSON.`)
  }
  const result = v.safeParse(recordSchema, read)
  if (result.success) return result.output
  throw damaged(`${describeIssue(result.issues[0], recordSchema)}.`)
}
