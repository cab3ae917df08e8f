// Speed of each kernel beside its plain twin: over 2^20 elements in memory that it can reach, best of several runs.
import { kernels } from '../index.ts'
import { normals, rectified } from './cases.ts'
import { arraysFor, type Kernel, type NumberArray } from './kernel.ts'
import { openModule, timeWasm } from './wasm.ts'

export interface KernelSpeed {
  kernel: string
  bytes: number // of the inputs, once; scale-errors reads them once a candidate
  reference: number // GB/s
  wasm: number
}

const elements = 1 << 20
const candidates = 80

/** Measures every kernel; `clock` gives milliseconds. Some seconds. */
export async function benchKernels(clock: () => number): Promise<KernelSpeed[]> {
  const module = await openModule()
  const inputs: Record<string, Record<string, NumberArray>> = {
    compare: { a: normals(elements), b: normals(elements, 1.01, 9) },
    'scale-errors': {
      x: normals(elements / 16),
      scales: Float32Array.from({ length: candidates }, (_, i) => (i + 20) / 2540),
    },
    histogram: { x: rectified(elements) },
  }
  return kernels.map(k => {
    const given = inputs[k.id] ?? { x: normals(elements) }
    const params = k.cases()[0].params
    const passes = k.id === 'scale-errors' ? candidates : 1
    const bytes = passes * Object.entries(given).reduce((n, [name, x]) => n + (name === 'scales' ? 0 : x.byteLength), 0)
    const speed = (ms: number): number => bytes / ms / 1e6
    return {
      kernel: k.id,
      bytes,
      reference: speed(timeReference(k, params, given, clock)),
      wasm: speed(timeWasm(module, k, params, given, clock, 30)),
    }
  })
}

function timeReference<P>(k: Kernel<P>, params: P, inputs: Record<string, NumberArray>, clock: () => number): number {
  const arrays = arraysFor(k, params, inputs)
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 5; i++) {
    const start = clock()
    k.reference(arrays, params)
    best = Math.min(best, clock() - start)
  }
  return best
}
