// safetensors (github.com/huggingface/safetensors, README, "Format"): a u64 length, a JSON header of that length, and the raw
// little-endian elements, at offsets that are counted from the header's end.
import { type ByteSource, concat, text, utf8 } from '../base/bytes.ts'
import { byteLength, type DType, elementCount } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'

export interface StoredTensor {
  readonly dtype: DType
  readonly shape: readonly number[]
  /** Of the first byte, in the file. */
  readonly offset: number
  readonly length: number
}

const names = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  float8e4m3fn: 'F8_E4M3',
  float8e5m2: 'F8_E5M2',
  float8e8m0: 'F8_E8M0',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
} as const satisfies Partial<Record<DType, string>>
const dtypes = new Map<string, DType>(Object.entries(names).map(([dtype, name]) => [name, dtype as DType]))

/** The name of an element type in the format, null where it has none. */
export const safetensorsType = (dtype: DType): string | null =>
  Object.hasOwn(names, dtype) ? names[dtype as keyof typeof names] : null

const largestHeader = 100_000_000

/** The tensors by name, in the order of the header; their bytes stay in the file. */
export async function readSafetensors(
  source: ByteSource,
): Promise<{ tensors: Map<string, StoredTensor>; metadata: Readonly<Record<string, string>> }> {
  const refuse = (what: string, code: 'malformed' | 'truncated' = 'malformed'): StudioError =>
    new StudioError(code, `${source.name} is no sound safetensors file: ${what}`, {
      where: { file: source.name },
      hint: 'Copy or download the file again, or save it again with safetensors.',
    })
  if (source.size < 10) throw refuse('it is too short', 'truncated')
  const head = await source.read(0, 8)
  const length = Number(new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true))
  if (length > largestHeader) throw refuse(`its header would have ${length} bytes`)
  if (8 + length > source.size) throw refuse('it ends inside its header', 'truncated')
  const header = parse(text(await source.read(8, length)))
  if (!header) throw refuse('its header is no JSON object')
  const start = 8 + length
  const tensors = new Map<string, StoredTensor>()
  let metadata: Record<string, string> = {}
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      metadata = Object.fromEntries(Object.entries(entry ?? {}).map(([key, value]) => [key, String(value)]))
      continue
    }
    const { dtype: type, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>
    const dtype = dtypes.get(String(type))
    if (!dtype) throw refuse(`${name} has elements of the unknown type ${String(type)}`)
    if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) throw refuse(`${name} has no shape or no place`)
    const [from, to] = offsets
    if (to - from !== byteLength(dtype, elementCount(shape)))
      throw refuse(`${name} has ${to - from} bytes, which is not what [${shape}] of ${dtype} takes`)
    if (start + to > source.size) throw refuse(`it ends at byte ${source.size}, inside of ${name}`, 'truncated')
    tensors.set(name, { dtype, shape, offset: start + from, length: to - from })
  }
  return { tensors, metadata }
}

const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every(n => Number.isSafeInteger(n) && n >= 0)

function parse(json: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(json)
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** What comes before the elements, which follow in the order given and without gaps. */
export function safetensorsHeader(
  tensors: readonly { name: string; dtype: DType; shape: readonly number[] }[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: Record<string, unknown> = {}
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata
  let at = 0
  for (const { name, dtype, shape } of tensors) {
    const type = safetensorsType(dtype)
    if (type === null || Object.hasOwn(header, name))
      throw new StudioError('internal', `The tensor ${name} of ${dtype} cannot be written to safetensors`, {
        where: { value: name },
        hint: 'Report this.',
      })
    const end = at + byteLength(dtype, elementCount(shape))
    header[name] = { dtype: type, shape, data_offsets: [at, end] }
    at = end
  }
  const json = utf8(JSON.stringify(header))
  // Spaces, so that the elements begin at a multiple of 8.
  const padded = concat([json, utf8(' '.repeat((8 - (json.length % 8)) % 8))])
  const length = new Uint8Array(8)
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.length), true)
  return concat([length, padded])
}
