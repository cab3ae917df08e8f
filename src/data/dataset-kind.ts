// What kind of data some files are, told by their names, before anything is read.
import type { FileSet } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { imageName } from './images.ts'

/** 'raw' is a .json that describes raw files; 'arrays' are .npz and .npy; 'files' are images or sounds, in a folder or a zip. */
export type DataKind = 'files' | 'arrays' | 'raw'

export const soundName = /\.wav$/i
const isSample = (path: string): boolean => imageName.test(path) || soundName.test(path)

const kindByEnding: [RegExp, DataKind][] = [
  [/\.np[yz]$/i, 'arrays'],
  [/\.json$/i, 'raw'],
  [/\.zip$/i, 'files'],
]

/** The kind, and the file that it begins with (null for a folder of images or sounds). `main` is the file that was picked, if one was. */
export function dataKind(files: FileSet, main: string | null): { kind: DataKind; main: string | null } {
  const visible = visiblePaths(files)
  const candidates = main === null ? visible : [main]
  if (main === null && visible.some(isSample)) return { kind: 'files', main: null }
  for (const [ending, kind] of kindByEnding) {
    const found = candidates.filter(path => ending.test(path))
    if (found.length > 1)
      throw new StudioError('bad-data', `There is more than one data file: ${found.join(', ')}.`, {
        hint: 'Give one of them.',
      })
    if (found.length === 1) return { kind, main: found[0] }
  }
  if (main !== null && isSample(main)) return { kind: 'files', main: null }
  throw new StudioError('bad-data', `No samples were found in ${main ?? `${visible.length} files`}.`, {
    hint: 'Give an .npz or .npy, a folder or zip of images (PNG, JPEG, WebP, BMP) or sounds (WAV), or a .json that describes raw files.',
  })
}

/** All but what systems leave behind: .DS_Store, __MACOSX, Thumbs.db. */
export const visiblePaths = (files: FileSet): string[] => [...files.keys()].filter(path => !isHidden(path))

const isHidden = (path: string): boolean =>
  path.split('/').some(part => part.startsWith('.') || part === '__MACOSX' || part === 'Thumbs.db')

/** Sounds, and no images. */
export function holdsSounds(files: FileSet): boolean {
  const visible = visiblePaths(files)
  return visible.some(path => soundName.test(path)) && !visible.some(path => imageName.test(path))
}
