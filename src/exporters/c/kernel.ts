// What a kernel in C is: a function that is written once for all operators that need it. What they have in common stands in its text as
// numbers; what they differ in stands in a table of its parameters.

import type { NhwcOperator, NhwcTensor } from '../nhwc/types.ts'
import type { Chained } from './chains.ts'

export type CType = 'int8_t' | 'uint8_t' | 'int16_t' | 'int32_t' | 'float'

export interface Table {
  name: string // a wish
  type: CType
  values: ArrayLike<number>
  /** Weights, which a key may hide. */
  secret?: true
}

/** One operator's use of a kernel. */
export interface Use {
  /** Uses of one name have one `body`. */
  kernel: string
  /** What it does, as a comment says it. */
  about: string
  /** Names and types of its pointers: of the inputs in their order, then `y`. */
  inputs: readonly { name: string; type: CType; tensor: number }[]
  output: { type: CType; tensor: number }
  /** The element of `out` that it writes from, where that is not where its tensor lies. */
  to?: number
  numbers: Readonly<Record<string, number>>
  reals?: Readonly<Record<string, number>>
  tables?: Readonly<Record<string, Table>>
  body(p: Parameters): string
}

/** Parameters as a kernel's text has them. */
export interface Parameters {
  /** An expression: a number, or a field of `p`. */
  [name: string]: string
}

export interface Context {
  /** What a QUANTIZE from codes to codes computes, where that is more than another scale. */
  functions: Chained['functions']
  tensor(index: number): NhwcTensor
}

/** How an operator becomes a kernel. */
export type Rule<K extends NhwcOperator['kind']> = (o: Extract<NhwcOperator, { kind: K }>, c: Context) => Use

export const isNumber = (expression: string): boolean => /^-?\d+$/.test(expression)

/** a * b, a + b, a - b, without what changes nothing. */
export function times(a: string, b: string): string {
  if (isNumber(a) && isNumber(b)) return String(Number(a) * Number(b))
  return a === '1' ? b : b === '1' ? a : a === '0' || b === '0' ? '0' : `${factor(a)} * ${factor(b)}`
}
export function plus(a: string, b: string): string {
  if (isNumber(a) && isNumber(b)) return String(Number(a) + Number(b))
  if (a === '0') return b
  if (b === '0') return a
  return b.startsWith('-') ? `${a} - ${b.slice(1)}` : `${a} + ${b}`
}
export function minus(a: string, b: string): string {
  if (isNumber(a) && isNumber(b)) return String(Number(a) - Number(b))
  if (b === '0') return a
  return b.startsWith('-') ? `${a} + ${b.slice(1)}` : `${a} - ${b}`
}
const factor = (a: string): string => (/^\([^()]*\)$/.test(a) || !/ /.test(a) ? a : `(${a})`)

/** (y x) indexed by rows of `n`. */
export const row = (base: string, index: string, n: string): string => plus(base, times(index, n))

/** Scale and zero point of a tensor of codes. */
export const codes = ({ quant }: NhwcTensor) => ({
  scale: quant!.scale[0],
  zeroPoint: quant!.zeroPoint[0],
  qmin: -128,
  qmax: 127,
})
