// Speed of each kernel beside its plain twin: over 2^20 elements in memory that it can reach, best of several runs.
import { kernels } from '../index.ts'
import type { PatchShape } from '../patches/reference.ts'
import { type FilterShape, type TileShape, transformedLength } from '../winograd/reference.ts'
import { normals, rectified } from './cases.ts'
import { arraysFor, type Kernel, type NumberArray } from './kernel.ts'
import { openModule, timeWasm } from './wasm.ts'

export interface KernelSpeed {
  kernel: string
  bytes: number // of the first input, as often as it is read; of both where two are compared
  reference: number // GB/s
  wasm: number
}

const elements = 1 << 20
const candidates = 80
const columns = 128
const depth = 144

/** What a kernel is timed on, where that is not a megabyte of normals under the parameters of its first case. */
interface Load {
  inputs: Record<string, NumberArray>
  params?: unknown
  /** How often the first input is read: once a candidate, a column, a row. */
  passes?: number
}

/** A convolution of 3 x 3 over 64 channels of 32 x 32. */
const window: PatchShape = {
  channels: 64,
  size: [32, 32],
  out: [32, 32],
  kernel: [3, 3],
  strides: [1, 1],
  dilations: [1, 1],
  pads: [1, 1],
}

/** The same by tiles. */
const tiles: TileShape = { channels: 64, size: [32, 32], tiles: [8, 8], pads: [1, 1], of: 64, at: 0 }
const filters: FilterShape = { outputs: 64, channels: 64, turned: false }

const codes = (n: number, seed: number): Int16Array =>
  Int16Array.from(normals(n, 60, seed), x => Math.max(-255, Math.min(255, Math.round(x))))

function loads(): Record<string, Load> {
  const scales = Float32Array.from({ length: candidates }, (_, i) => (i + 20) / 2540)
  const matrix = normals(2048 * columns)
  return {
    compare: { inputs: { a: normals(elements), b: normals(elements, 1.01, 9) }, passes: 2 },
    'scale-errors': { inputs: { x: normals(elements / 16), scales }, passes: candidates },
    'clip-gradient': { inputs: { x: normals(elements), dy: normals(elements, 1, 5) } },
    'rounding-gradient': {
      inputs: { x: normals(elements), rounded: normals(elements, 1, 4), dy: normals(elements, 1, 5) },
    },
    histogram: { inputs: { x: rectified(elements) } },
    gram: {
      inputs: { a: matrix, b: matrix },
      params: { p: columns, q: columns, upper: true },
      passes: columns / 2,
    },
    gemm: {
      inputs: { a: normals(columns * depth), b: normals(depth * 1024) },
      params: { m: columns, n: 1024, k: depth, transA: false, transB: false },
      passes: 1024,
    },
    patches: { inputs: { x: normals(64 * 32 * 32) }, params: window },
    'add-patches': { inputs: { columns: normals(64 * 9 * 32 * 32) }, params: window },
    'winograd-input': { inputs: { x: normals(64 * 32 * 32) }, params: tiles },
    'winograd-output': { inputs: { m: normals(transformedLength(64 * 64)) }, params: tiles },
    'winograd-output-gradient': { inputs: { y: normals(64 * 32 * 32) }, params: tiles },
    'winograd-filter': { inputs: { w: normals(64 * 64 * 9) }, params: filters },
    'winograd-filter-gradient': { inputs: { v: normals(transformedLength(64 * 64)) }, params: filters },
    'add-products': {
      inputs: {
        a: Float64Array.from(matrix.subarray(0, 64 * columns)),
        b: Float64Array.from(matrix.subarray(0, 64 * columns)),
      },
      params: { p: columns, q: columns },
      passes: columns,
    },
    'dot-int16': { inputs: { a: codes(2048 * depth, 1), b: codes(64 * depth, 2) }, params: { depth }, passes: 64 },
  }
}

/** Measures every kernel; `clock` gives milliseconds. Some seconds. */
export async function benchKernels(clock: () => number): Promise<KernelSpeed[]> {
  const module = await openModule()
  const given = loads()
  return kernels.map(k => {
    const load = given[k.id] ?? { inputs: { x: normals(elements) } }
    const params = load.params ?? k.cases()[0].params
    const bytes = (load.passes ?? 1) * Object.values(load.inputs)[0].byteLength
    const speed = (ms: number): number => bytes / ms / 1e6
    return {
      kernel: k.id,
      bytes,
      reference: speed(timeReference(k, params, load.inputs, clock)),
      wasm: speed(timeWasm(module, k, params, load.inputs, clock, 30)),
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
