// TFLite: its FlatBuffers as plain records and back.
import { type PartOf, type RecordOf, readFlatBuffer, writeFlatBuffer } from './flatbuffer.ts'
import { builtins, identifier, model, type OperatorCode } from './tflite-schema.ts'

export type TfliteModel = RecordOf<typeof model>

/** Whether bytes begin as a TFLite model. */
export const isTflite = (head: Uint8Array): boolean => String.fromCharCode(...head.subarray(4, 8)) === identifier

export const readTflite = (bytes: Uint8Array, file: string): TfliteModel => readFlatBuffer(bytes, model, file)
export const writeTflite = (record: PartOf<typeof model>): Uint8Array => writeFlatBuffer(record, model, identifier)

/** Name of the operator that a code stands for; a custom one by its own name. */
export function operatorName({ builtinCode, deprecatedBuiltinCode, customCode }: OperatorCode): string {
  const name = builtins[Math.max(builtinCode, deprecatedBuiltinCode)] ?? `operator ${builtinCode}`
  return name === 'CUSTOM' ? `custom operator ${customCode ?? '(unnamed)'}` : name
}
