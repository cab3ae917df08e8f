// The names that recipes give to number formats, and the integer formats behind them.
import type { QuantSpec } from '../../ir/quant.ts'

export const formatNames = ['float32', 'float16', 'int8', 'uint8', 'int7', 'uint7'] as const
export type FormatName = (typeof formatNames)[number]

export const isIntegerFormat = (name: FormatName): boolean => name !== 'float32' && name !== 'float16'

/** Bits of an integer format: 'int7' is 7. */
export const bitsOfFormat = (name: FormatName): number => Number(/\d+$/.exec(name)?.[0] ?? 32)

export function weightSpec(name: FormatName, axis: number | null): QuantSpec {
  return {
    format: { kind: 'int', bits: bitsOfFormat(name), signed: true },
    symmetric: true,
    granularity: axis === null ? { kind: 'tensor' } : { kind: 'channel', axis },
    restricted: true,
  }
}
