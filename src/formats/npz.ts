// NumPy's .npz: a zip of .npy files, one per array. Written stored and undated, so that equal arrays give equal bytes.
import { type ByteSource, memorySource, readAll } from '../base/bytes.ts'
import type { DType, TypedArray } from '../base/dtype.ts'
import { type NpyArray, readNpy, writeNpy } from './npy.ts'
import { readZip, writeZip } from './zip.ts'

/** The arrays of an .npz by name. Stored ones stay in the file; compressed ones are inflated once and kept. */
export async function readNpz(source: ByteSource): Promise<Map<string, NpyArray>> {
  const arrays = new Map<string, NpyArray>()
  for (const [path, entry] of await readZip(source)) {
    if (!path.endsWith('.npy')) continue
    const name = path.slice(0, -'.npy'.length)
    const bytes = entry.stored ? entry : memorySource(path, await readAll(entry))
    arrays.set(name, await readNpy({ ...bytes, name: `${source.name}/${path}` }, name))
  }
  return arrays
}

/** The bytes of an .npz; arrays in the order given. */
export const writeNpz = (
  arrays: Readonly<Record<string, { dtype: DType; shape: readonly number[]; data: TypedArray }>>,
): Uint8Array =>
  writeZip(Object.entries(arrays).map(([name, array]) => ({ path: `${name}.npy`, bytes: writeNpy(array) })))
