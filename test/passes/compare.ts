// How far two results are apart.
import { expect } from 'vitest'
import { bytesOf } from '../../src/base/dtype.ts'
import { fromHalf } from '../../src/base/half.ts'
import type { NdArray } from '../../src/ir/tensor.ts'

const numbers = (array: NdArray): number[] =>
  Array.from(array.data as ArrayLike<number | bigint>, v =>
    array.dtype === 'float16' ? fromHalf(Number(v)) : Number(v),
  )

/** Largest difference relative to the largest magnitude; infinite where one is NaN or infinite and the other is not. */
export function relativeError(expected: NdArray, actual: NdArray): number {
  expect(actual.dtype).toBe(expected.dtype)
  expect(actual.shape).toEqual(expected.shape)
  const [a, b] = [numbers(expected), numbers(actual)]
  let largest = 0
  let apart = 0
  a.forEach((value, i) => {
    if (Object.is(value, b[i])) return
    if (!Number.isFinite(value) || !Number.isFinite(b[i])) apart = Number.POSITIVE_INFINITY
    else apart = Math.max(apart, Math.abs(value - b[i]))
  })
  for (const value of a) if (Number.isFinite(value)) largest = Math.max(largest, Math.abs(value))
  return apart === 0 ? 0 : apart / Math.max(largest, 1e-30)
}

export const sameBits = (expected: NdArray, actual: NdArray): boolean =>
  expected.dtype === actual.dtype &&
  expected.shape.join() === actual.shape.join() &&
  Buffer.compare(bytesOf(expected.data), bytesOf(actual.data)) === 0
