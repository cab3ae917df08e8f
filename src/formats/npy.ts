// NumPy's .npy (format 1.0 to 3.0, numpy/lib/_format_impl.py): magic, a Python dict as header, then the raw elements.
import { type ByteSource, concat, text, utf8 } from '../base/bytes.ts'
import { byteLength, bytesOf, type DType, elementCount, type TypedArray } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'

/** An array inside a file: its elements start at `offset`, row-major, little-endian. */
export interface NpyArray {
  readonly name: string
  readonly dtype: DType
  readonly shape: readonly number[]
  readonly source: ByteSource
  readonly offset: number
}

const descriptions = {
  float32: '<f4',
  float64: '<f8',
  float16: '<f2',
  uint8: '|u1',
  int8: '|i1',
  bool: '|b1',
  uint16: '<u2',
  int16: '<i2',
  uint32: '<u4',
  int32: '<i4',
  uint64: '<u8',
  int64: '<i8',
} as const satisfies Partial<Record<DType, string>>
const dtypes = new Map<string, DType>(Object.entries(descriptions).map(([dtype, text]) => [text, dtype as DType]))

const refuse = (source: ByteSource, what: string, hint: string): StudioError =>
  new StudioError('malformed', `${source.name}: ${what}.`, { where: { file: source.name }, hint })

/** Reads the header only. `name` is the array's name in an .npz, or the file's. */
export async function readNpy(source: ByteSource, name: string): Promise<NpyArray> {
  const again = 'Save it again with numpy.save.'
  const head = await source.read(0, Math.min(source.size, 12))
  if (head.length < 12 || text(head.subarray(1, 6)) !== 'NUMPY' || head[0] !== 0x93)
    throw refuse(source, 'this is no .npy array', again)
  const wide = head[6] >= 2
  const length = head[8] + head[9] * 256 + (wide ? head[10] * 65536 + head[11] * 16777216 : 0)
  const start = wide ? 12 : 10
  const offset = start + length
  if (offset > source.size) throw refuse(source, 'the header is cut short', again)
  const header = text(await source.read(start, length))
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1]
  const fortran = /'fortran_order':\s*(True|False)/.exec(header)?.[1]
  const dims = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1]
  if (fortran === undefined || dims === undefined) throw refuse(source, 'the header cannot be read', again)
  const dtype = dtypes.get(descr?.replace(/^=/, '<') ?? '')
  if (dtype === undefined)
    throw refuse(
      source,
      `elements of type ${descr ?? '(structured)'} cannot be read`,
      'Save numbers, little-endian: array.astype("float32").',
    )
  const shape = dims.split(',').flatMap(d => (d.trim() === '' ? [] : [Number(d)]))
  // Of arrays with at most one axis longer than 1, both orders are the same bytes.
  if (fortran === 'True' && shape.filter(d => d > 1).length > 1)
    throw refuse(
      source,
      'the array is stored column by column (Fortran order)',
      'Save numpy.ascontiguousarray(array) instead.',
    )
  const needed = byteLength(dtype, elementCount(shape))
  if (offset + needed > source.size)
    throw refuse(
      source,
      `cut short: ${source.size - offset} of ${needed} bytes of elements are there`,
      'Copy the file again.',
    )
  return { name, dtype, shape, source, offset }
}

/** The bytes of an .npy file, equal to what numpy.save writes. */
export function writeNpy(array: { dtype: DType; shape: readonly number[]; data: TypedArray }): Uint8Array {
  const descr = descriptions[array.dtype as keyof typeof descriptions]
  if (descr === undefined)
    throw new StudioError('unsupported', `NumPy has no element type ${array.dtype}.`, {
      hint: 'Convert the array to float32 first.',
    })
  const shape = array.shape.length === 1 ? `(${array.shape[0]},)` : `(${array.shape.join(', ')})`
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`
  // NumPy leaves room to grow the first axis in place (format 1.0), then pads to a multiple of 64.
  const room = array.shape.length > 0 ? ' '.repeat(Math.max(0, 21 - String(array.shape[0]).length)) : ''
  const unpadded = 10 + dict.length + room.length + 1
  const header = `${dict}${room}${' '.repeat(64 - (unpadded % 64))}\n`
  const length = header.length
  const prefix = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8)
  return concat([prefix, utf8(header), bytesOf(array.data)])
}
