// The arithmetics that targets name.
import type { Arithmetic } from '../types.ts'
import { ort } from './ort.ts'

export const arithmetics = { ort } as const satisfies Record<string, Arithmetic>
export type ArithmeticId = keyof typeof arithmetics
