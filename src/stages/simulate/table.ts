// A function of one code, computed once for every code that there is.
import type { DType } from '../../base/dtype.ts'
import { codeArray } from './constants.ts'
import { codesOf } from './types.ts'

export function tableOf(dtype: DType, f: (q: number) => number): (q: number) => number {
  const { qmin, qmax } = codesOf(dtype)
  const table = new Int32Array(qmax - qmin + 1)
  for (let q = qmin; q <= qmax; q++) table[q - qmin] = f(q)
  return q => table[q - qmin]
}

/** `f` of every code. */
export function mapped(x: ArrayLike<number>, f: (q: number) => number, dtype: DType) {
  const y = codeArray(dtype, x.length)
  for (let i = 0; i < y.length; i++) y[i] = f(x[i])
  return y
}
