// Files of the browser as the core sees them: any Blob, read in parts and never whole.
import type { ByteSource } from '../../base/bytes.ts'
import { StudioError } from '../../base/errors.ts'

/** A file as the page hands it over: its path within what was dropped or picked. */
export interface DroppedFile {
  path: string
  file: Blob
}

/** A Blob as bytes that are read where they lie. */
export function blobSource(name: string, blob: Blob): ByteSource {
  return {
    name,
    size: blob.size,
    read: async (offset, length) => {
      try {
        return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer())
      } catch (cause) {
        throw new StudioError('missing-file', `${name} can no longer be read`, {
          where: { file: name },
          hint: 'The file was moved or changed after it was chosen; choose it again.',
          cause,
        })
      }
    },
  }
}
