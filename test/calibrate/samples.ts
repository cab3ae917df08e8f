// Data of known distributions, as their quantiles at even probabilities: the same numbers in NumPy, where the expected values come from.
import { createKernels } from '../../kernels/lib/backends.ts'
import { log } from '../../src/base/math.ts'
import type { Observation, QuantSpec } from '../../src/ir/quant.ts'

const n = 100_000
const probabilities = Array.from({ length: n }, (_, i) => (i + 0.5) / n)

/** np.where(p < .5, np.log(2 * p), -np.log(2 * (1 - p))), p = (np.arange(100000) + .5) / 100000. */
export const laplace = Float32Array.from(probabilities, p => (p < 0.5 ? log(2 * p) : -log(2 * (1 - p))))
/** np.log(p / (1 - p)). */
export const logistic = Float32Array.from(probabilities, p => log(p / (1 - p)))
/** np.maximum(np.log(p / (1 - p)), 0). */
export const rectified = logistic.map(x => Math.max(0, x))
export const withOutlier = (x: Float32Array): Float32Array => Float32Array.from([...x, 1e4])

export const symmetric: QuantSpec = {
  format: { kind: 'int', bits: 8, signed: true },
  symmetric: true,
  granularity: { kind: 'tensor' },
  restricted: true,
}
export const affine: QuantSpec = {
  format: { kind: 'int', bits: 8, signed: false },
  symmetric: false,
  granularity: { kind: 'tensor' },
  restricted: false,
}

const kernels = await createKernels('wasm')

/** The observation of some batches of one value. */
export async function observed(...batches: (Float32Array | number[])[]): Promise<Observation> {
  const observer = kernels.observer(['x'], { histogram: true })
  for (const batch of batches) {
    const data = Float32Array.from(batch)
    await observer.add({ x: { dtype: 'float32', shape: [data.length], data } })
  }
  return (await observer.finish()).get('x')!
}
