// Files of a folder as samples: the order they are taken in, and what tells one folder from another.
import type { ByteSource, FileSet } from '../base/bytes.ts'
import { fingerprint } from './dataset-source.ts'
import type { Beside } from './image-labels.ts'

/**
 * Sorted by path, but the sub-folders take turns: the first N samples of a folder per class are then of all classes, where plain
 * order would give those of the first alone.
 */
export function inTurns(paths: readonly string[]): string[] {
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

/** Names and sizes of all samples, the content of the first, and all labels. */
export async function folderPrint(files: FileSet, paths: readonly string[], labels: ReadonlyMap<string, Beside>) {
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
