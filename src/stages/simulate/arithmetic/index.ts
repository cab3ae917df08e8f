// The arithmetics that targets name.
import type { Arithmetic } from '../types.ts'
import { ort } from './ort.ts'
import { liteRt, tflm } from './tflite.ts'

export const arithmetics = { ort, tflite: liteRt, tflm } as const satisfies Record<string, Arithmetic>
export type ArithmeticId = keyof typeof arithmetics
