// The weights of a .caffemodel: a binary NetParameter of which the layers' names and blobs are read, and which can be written whole from
// its text form. Field numbers: BVLC/caffe, src/caffe/proto/caffe.proto. Large blobs stay in the file.
import { type ByteSource, concat } from '../base/bytes.ts'
import { bytesOf } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import { caffeSchema, type FieldType } from './caffe-schema.ts'
import {
  broken,
  type Field,
  fieldsOf,
  fixedOf,
  int64,
  intField,
  isRegion,
  type Message,
  messageField,
  type Region,
  stringField,
  varintsOf,
  Writer,
} from './protobuf.ts'
import { type WalkSchema, walk } from './protobuf-walk.ts'
import { isMessage, type ProtoMessage, stringOf } from './prototxt.ts'

/** Numbers of a layer: float32, as bytes or as a part of the file. Old files have four sizes in place of a shape. */
export interface CaffeBlob {
  shape: readonly number[]
  data: Uint8Array | Region
}

const blobSchema: WalkSchema = { 5: 'region', 8: 'region' }
const netSchema: WalkSchema = { 100: () => ({ 7: () => blobSchema }), 2: () => ({ 6: () => blobSchema }) }

/** Blobs by the name of their layer; layers without blobs are left out. */
export async function readCaffemodel(source: ByteSource, id: string): Promise<Map<string, CaffeBlob[]>> {
  const layers = new Map<string, CaffeBlob[]>()
  for (const field of await walk(source, id, netSchema)) {
    if (field.no !== 100 && field.no !== 2) continue
    const isOld = field.no === 2
    let name = ''
    const blobs: CaffeBlob[] = []
    for (const inner of fieldsOf(messageField(field))) {
      if (inner.no === (isOld ? 4 : 1)) name = stringField(inner)
      else if (inner.no === (isOld ? 6 : 7)) blobs.push(blobOf(messageField(inner), source.name))
    }
    if (blobs.length > 0) layers.set(name, blobs)
  }
  return layers
}

function blobOf(message: Message, file: string): CaffeBlob {
  let shape: number[] | null = null
  const sizes = new Map<number, number>()
  const parts: (Uint8Array | Region)[] = []
  for (const field of fieldsOf(message)) {
    if (field.no === 7) shape = dimsOf(messageField(field))
    else if (field.no >= 1 && field.no <= 4) sizes.set(field.no, intField(field))
    else if (field.no === 5) parts.push(partOf(field))
    else if (field.no === 8)
      throw new StudioError('unsupported', `${file} has weights of float64`, {
        where: { file },
        hint: 'Save the network with float32 weights.',
      })
  }
  if (parts.length > 1 && parts.some(part => !(part instanceof Uint8Array)))
    throw broken('the numbers of a blob come in several large parts')
  const data = parts.length === 1 ? parts[0] : concat(parts as Uint8Array[])
  const dims = shape ?? (sizes.size > 0 ? [1, 2, 3, 4].map(no => sizes.get(no) ?? 1) : [data.length / 4])
  const count = dims.reduce((n, d) => n * d, 1)
  if (dims.some(d => d < 0) || data.length !== 4 * count)
    throw broken(`a blob of the shape [${dims}] has ${data.length} bytes of numbers`)
  return { shape: dims, data }
}

const partOf = (field: Field): Uint8Array | Region =>
  field.wire === 2 && isRegion(field.payload) ? field.payload : fixedOf(field, 4)

function dimsOf(message: Message): number[] {
  const dims: number[] = []
  for (const field of fieldsOf(message))
    if (field.no === 1) for (const dim of varintsOf(field)) dims.push(Number(int64(dim)))
  return dims
}

/** The binary form of a network and the blobs of its layers. A field that the schema does not have is an error of ours. */
export function writeCaffemodel(
  net: ProtoMessage,
  blobs: ReadonlyMap<string, readonly { shape: readonly number[]; data: Float32Array }[]>,
): Uint8Array {
  const writer = new Writer()
  const write = (into: Writer, message: ProtoMessage, type: string): void => {
    for (const [name, values] of message) {
      const field = caffeSchema[type]?.[name]
      if (!field) throw new Error(`caffe.proto: ${type}.${name}?`)
      for (const value of values)
        if (isMessage(value)) into.message(field.no, inner => write(inner, value, field.type))
        else writeScalar(into, field.no, field.type, value)
    }
    if (type !== 'LayerParameter') return
    for (const { shape, data } of blobs.get(stringOf(message, 'name')) ?? [])
      into.message(7, blob => {
        blob.message(7, dims => {
          for (const dim of shape) dims.varint(1, dim)
        })
        blob.bytes(5, bytesOf(data))
      })
  }
  write(writer, net, 'NetParameter')
  return concat(writer.parts() as Uint8Array[])
}

function writeScalar(into: Writer, no: number, type: FieldType, value: unknown): void {
  if (typeof value === 'string') into.string(no, value)
  else if (type === 'float') into.float(no, Number(value))
  else if (typeof value === 'boolean' || typeof value === 'number') into.varint(no, value)
  else into.varint(no, enumNumber(type, (value as { word: string }).word))
}

function enumNumber(type: string, word: string): number {
  const at = caffeSchema[type]?.[word]
  if (!at) throw new Error(`caffe.proto: ${type}.${word}?`)
  return at.no
}
