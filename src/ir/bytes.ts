// Reads tensors wherever their bytes are: in memory, or as slices of the files that a model came from.
import type { ByteSource } from '../base/bytes.ts'
import { viewAs } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import type { Bytes } from './context.ts'
import type { Slice, Tensor } from './tensor.ts'

/** A reader over the files that slices name; for a model whose tensors are all in memory, no files are needed. */
export function createBytes(sources: ReadonlyMap<string, ByteSource> = new Map()): Bytes {
  const slice = async ({ source, offset, length }: Slice): Promise<Uint8Array> => {
    const file = sources.get(source)
    if (!file)
      throw new StudioError('missing-file', `The file ${source}, which holds weights of the model, is not open`, {
        where: { file: source },
        hint: 'Open the model again together with all its files.',
      })
    if (offset + length > file.size)
      throw new StudioError(
        'truncated',
        `${file.name} ends at byte ${file.size}, inside weights that end at ${offset + length}`,
        {
          where: { file: file.name },
          hint: 'Copy the file again; it is shorter than when the model was written.',
        },
      )
    return file.read(offset, length)
  }
  return { slice, read: async tensor => (tensor.data instanceof Uint8Array ? tensor.data : slice(tensor.data)) }
}

/** The elements of a float32 tensor; a view of its bytes where they are in memory, so not to be written to. */
export const readFloats = async (bytes: Pick<Bytes, 'read'>, tensor: Tensor): Promise<Float32Array> =>
  viewAs('float32', await bytes.read(tensor)) as Float32Array
