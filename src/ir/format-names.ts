// The names that recipes give to number formats, and what each means for a weight or an activation.
import type { IntFormat, NumberFormat } from './number-format.ts'

export const formatNames = [
  ...(['float32', 'float16', 'bfloat16', 'int8', 'uint8', 'int16', 'uint16'] as const),
  ...(['int2', 'int3', 'int4', 'int5', 'int6', 'int7', 'uint2', 'uint3', 'uint4', 'uint5', 'uint6', 'uint7'] as const),
  ...(['fp8e4m3', 'fp8e5m2', 'nf4', 'log8', 'log16', 'pow2', 'apot', 'ternary', 'binary'] as const),
] as const
export type FormatName = (typeof formatNames)[number]

/**
 * The format behind a name; null for float32, which is none. `signed` is the target's choice: int8 and uint8 both mean eight bits,
 * of which the target's kernels take one or the other.
 */
export function numberFormat(name: FormatName, signed: boolean): NumberFormat | null {
  const integer = /^u?int(\d+)$/.exec(name)
  if (integer) return { kind: 'int', bits: Number(integer[1]), signed }
  switch (name) {
    case 'float32':
      return null
    case 'float16':
    case 'bfloat16':
      return { kind: 'half', name }
    case 'fp8e4m3':
      return { kind: 'float8', name: 'float8e4m3fn' }
    case 'fp8e5m2':
      return { kind: 'float8', name: 'float8e5m2' }
    case 'ternary':
      return { kind: 'int', bits: 2, signed: true }
    case 'binary':
      return { kind: 'int', bits: 1, signed: true }
    default:
      return { kind: 'levels', name: name as 'nf4' | 'log8' | 'log16' | 'pow2' | 'apot' }
  }
}

/** The name that says what a format is: the sign of integers included. */
export function formatName(format: NumberFormat | null): string {
  if (format === null) return 'float32'
  if (format.kind !== 'int') return format.name.replace('float8', 'fp8').replace('fn', '')
  return nameOfInt(format)
}

const nameOfInt = ({ bits, signed }: IntFormat): string => (bits === 1 ? 'binary' : `${signed ? '' : 'u'}int${bits}`)
