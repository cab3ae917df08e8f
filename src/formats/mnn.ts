// MNN's .mnn: one FlatBuffer without a file identifier, so that only its content tells what it is.
import { type PartOf, type RecordOf, readFlatBuffer, writeFlatBuffer } from './flatbuffer.ts'
import { net } from './mnn-schema.ts'

export type MnnNet = RecordOf<typeof net>
export type MnnNetPart = PartOf<typeof net>

export const readMnn = (bytes: Uint8Array, file: string): MnnNet => readFlatBuffer(bytes, net, file)
export const writeMnn = (record: MnnNetPart): Uint8Array => writeFlatBuffer(record, net)
