// TFLite: its FlatBuffers as plain records and back.
import { StudioError } from '../base/errors.ts'
import { type FlatRecord, readFlat, writeFlat } from './flat-tables.ts'
import { builtins, identifier, optionTables, schema } from './tflite-schema.ts'

export interface TfliteModel extends FlatRecord {
  readonly version?: number
  readonly description?: string
  readonly operatorCodes?: readonly OperatorCode[]
  readonly subgraphs?: readonly SubGraph[]
  readonly buffers?: readonly TfliteBuffer[]
  readonly metadataBuffer?: readonly number[]
  readonly metadata?: readonly { readonly name?: string; readonly buffer?: number }[]
  readonly signatureDefs?: readonly SignatureDef[]
}
/** `deprecatedBuiltinCode` holds codes up to 127; older readers know no other. */
export interface OperatorCode extends FlatRecord {
  readonly deprecatedBuiltinCode?: number
  readonly customCode?: string
  readonly version?: number
  readonly builtinCode?: number
}
export interface SubGraph extends FlatRecord {
  readonly tensors?: readonly TfliteTensor[]
  readonly inputs?: readonly number[]
  readonly outputs?: readonly number[]
  readonly operators?: readonly TfliteOperator[]
  readonly name?: string
}
/** `shapeSignature` has -1 where `shape` is but an example. */
export interface TfliteTensor extends FlatRecord {
  readonly shape?: readonly number[]
  readonly type?: number
  readonly buffer?: number
  readonly name?: string
  readonly quantization?: TfliteQuantization
  readonly isVariable?: boolean
  readonly sparsity?: FlatRecord
  readonly shapeSignature?: readonly number[]
}
/** real = (code - zeroPoint) * scale, for the whole tensor or for each index of `quantizedDimension`. */
export interface TfliteQuantization extends FlatRecord {
  readonly scale?: readonly number[]
  readonly zeroPoint?: readonly number[]
  readonly detailsType?: number
  readonly quantizedDimension?: number
}
/** Inputs that are left out are -1. */
export interface TfliteOperator extends FlatRecord {
  readonly opcodeIndex?: number
  readonly inputs?: readonly number[]
  readonly outputs?: readonly number[]
  readonly optionsType?: number
  readonly options?: FlatRecord
  readonly customOptions?: Uint8Array
}
/** In files beyond 2 GB the bytes lie behind the FlatBuffers part, from `offset` on. */
export interface TfliteBuffer extends FlatRecord {
  readonly data?: Uint8Array
  readonly offset?: number
  readonly size?: number
}
export interface SignatureDef extends FlatRecord {
  readonly inputs?: readonly { readonly name?: string; readonly tensorIndex?: number }[]
  readonly outputs?: readonly { readonly name?: string; readonly tensorIndex?: number }[]
  readonly signatureKey?: string
  readonly subgraphIndex?: number
}

/** Whether bytes begin as a TFLite model. */
export const isTflite = (head: Uint8Array): boolean => String.fromCharCode(...head.subarray(4, 8)) === identifier

export const readTflite = (bytes: Uint8Array): TfliteModel => readFlat(bytes, schema, 'Model') as TfliteModel

export const writeTflite = (model: TfliteModel): Uint8Array => writeFlat(model, schema, 'Model', identifier)

/** The number of an options table, by its name in the schema without "Options". */
export function optionsType(name: string): number {
  const type = optionTables.indexOf(name)
  if (type >= 0) return type
  throw new StudioError('internal', `TFLite has no options ${name}`, { hint: 'Report this.' })
}

/** Name of the operator that a code stands for; a custom one by its own name. */
export function operatorName({ builtinCode = 0, deprecatedBuiltinCode = 0, customCode }: OperatorCode): string {
  const name = builtins[Math.max(builtinCode, deprecatedBuiltinCode)] ?? `operator ${builtinCode}`
  return name === 'CUSTOM' ? `custom operator ${customCode ?? '(unnamed)'}` : name
}
