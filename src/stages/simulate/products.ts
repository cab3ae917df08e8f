// Rows against rows: what convolution, Gemm and MatMul come down to. Codes lie in int16 less their zero point, so that padding is 0
// and no correction terms are left. 8-bit activations add up in 32 bits that wrap, as in the runtimes; 16-bit ones in 64 bits,
// which float64 holds exactly as far as 2^53 (int16 by int8: 2^30 terms).
import { StudioError } from '../../base/errors.ts'
import type { KernelSet } from '../../ir/context.ts'
import type { CodeArray } from './types.ts'

export type Accumulators = Int32Array | Float64Array

/** y[r, c] = sum of a[r, k] b[c, k] over the `depth` elements of each row. */
export function rowProducts(
  a: Int16Array,
  b: Int16Array,
  depth: number,
  wide: boolean,
  kernels: KernelSet,
): Accumulators {
  if (!wide) return kernels.dotInt16(a, b, depth)
  // Each half of the bits adds up in 32 bits.
  if (depth > 65536)
    throw new StudioError('unsupported', `Sums of ${depth} products of 16 bits`, { hint: 'Keep the layer in float.' })
  const low = kernels.dotInt16(
    a.map(code => code & 255),
    b,
    depth,
  )
  const high = kernels.dotInt16(
    a.map(code => code >> 8),
    b,
    depth,
  )
  return Float64Array.from(low, (sum, i) => high[i] * 256 + sum)
}

/** Codes less their zero point; `channel` of element i is floor(i / inner) mod the number of zero points. */
export function centred(codes: CodeArray, zeroPoint: Int32Array, inner = codes.length): Int16Array {
  const out = new Int16Array(codes.length)
  if (zeroPoint.length === 1) {
    const z = zeroPoint[0]
    for (let i = 0; i < out.length; i++) out[i] = Number(codes[i]) - z
  } else
    for (let i = 0; i < out.length; i++) out[i] = Number(codes[i]) - zeroPoint[Math.floor(i / inner) % zeroPoint.length]
  return out
}

/** [rows, columns] to [columns, rows]. */
export function transposed(x: Int16Array, rows: number, columns: number): Int16Array {
  const out = new Int16Array(x.length)
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = x[r * columns + c]
  return out
}

/** A sum with its bias, wrapping at 32 bits unless wide. */
export const plus = (sum: number, bias: number, wide: boolean): number => (wide ? sum + bias : (sum + bias) | 0)
