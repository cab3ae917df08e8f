// The kernel sets that run on the processor: `reference` is the definition, `wasm` the one in use.

import type { KernelSet, ObserveOptions } from '../../src/ir/context.ts'
import { reference as addProducts } from '../add-products/reference.ts'
import { clip, clipGradient } from '../clip/index.ts'
import { reference as compare, comparison, emptySums } from '../compare/reference.ts'
import { dotInt16 } from '../dot-int16/index.ts'
import { fakeQuantize } from '../fake-quantize/index.ts'
import { reference as gemmReference } from '../gemm/reference.ts'
import { reference as gramReference } from '../gram/reference.ts'
import { reference as histogram, keyCount } from '../histogram/reference.ts'
import { quantizeLinear } from '../quantize-linear/index.ts'
import { emptyStats, reference as range, stat } from '../range/reference.ts'
import { roundingGradient } from '../rounding-gradient/index.ts'
import { reference as scaleErrors } from '../scale-errors/reference.ts'
import { referenceMemory, wasmMemory } from './arithmetic.ts'
import { convolutions } from './conv.ts'
import { arraysFor, type Kernel, type NumberArray } from './kernel.ts'
import { type Counter, emptyTable, hostCounter, hostObserver, type Tally } from './observer.ts'
import { openModule, runWasm, type WasmModule } from './wasm.ts'

/** The kernels of a backend. GPU kernels are made of a device: see webgpu.ts. */
export async function createKernels(backend: 'reference' | 'wasm'): Promise<KernelSet> {
  return backend === 'reference' ? referenceKernels() : (await openWasm()).kernels
}

export interface WasmBackend {
  kernels: KernelSet
  /** Makes tallies for one observer. */
  tallies(histogram: boolean): () => Tally
}

/** The WebAssembly kernels, and the tallies that another backend's observer counts arrays in memory with. */
export async function openWasm(): Promise<WasmBackend> {
  const module = await openModule()
  const input = module.allocate(piece * 4)
  const tallies = (histogram: boolean): (() => Tally) => wasmTallies(module, input, histogram)
  return { kernels: wasmKernels(module, input, tallies), tallies }
}

/** What a thread of the engine counts its own runs with. */
export async function openCounter(values: readonly string[], options: ObserveOptions): Promise<Counter> {
  return hostCounter(values, (await openWasm()).tallies(options.histogram))
}

/** Runs a kernel's reference on whole arrays. */
export function runReference<P>(
  k: Kernel<P>,
  params: P,
  inputs: Record<string, NumberArray>,
): Record<string, NumberArray> {
  const arrays = arraysFor(k, params, inputs)
  k.reference(arrays, params)
  return arrays
}

function referenceKernels(): KernelSet {
  return {
    backend: 'reference',
    observer: (values, options) =>
      hostObserver(values, options, () => {
        const table = options.histogram ? emptyTable() : null
        return {
          count(x) {
            const stats = [...emptyStats]
            if (table) histogram({ x, stats, table })
            else range({ x, stats })
            return stats
          },
          table: () => table,
        }
      }),
    compare(a, b) {
      const sums = [...emptySums]
      compare({ a, b, sums })
      return comparison(sums)
    },
    scaleErrors(x, scales, qmax) {
      const errors = new Float64Array(scales.length)
      scaleErrors({ x, scales, errors }, { qmax })
      return errors
    },
    gram: (a, b, shape, into) => gramReference({ a, b, c: into }, shape),
    addProducts: (a, b, shape, into) => addProducts({ a, b, c: into }, shape),
    gemm: (a, b, shape, c) => gemmReference({ a, b, c }, shape),
    ...convolutions(referenceMemory()),
    quantize: (x, scale, zeroPoint, _signed, qmin, qmax) =>
      runReference(quantizeLinear, { scale, zeroPoint, qmin, qmax }, { x }).y as Int8Array | Uint8Array,
    fakeQuantize: (x, scale, zeroPoint, qmin, qmax) =>
      runReference(fakeQuantize, { scale, zeroPoint, qmin, qmax }, { x }).y as Float32Array,
    clip: (x, low, high) => runReference(clip, { low, high }, { x }).y as Float32Array,
    clipGradient: (x, dy, low, high) => runReference(clipGradient, { low, high }, { x, dy }).dx as Float32Array,
    roundingGradient(x, rounded, dy, low, high) {
      const { dx, sums } = runReference(roundingGradient, { low, high }, { x, rounded, dy })
      return { dx: dx as Float32Array, moved: total(sums) }
    },
    dotInt16: (a, b, depth) => runReference(dotInt16, { depth }, { a, b }).y as Int32Array,
  }
}

const total = (sums: ArrayLike<number>): number => sums[0] + sums[1] + (sums[2] + sums[3])

// Piece by piece through 128 KiB, which stay in the second cache between being copied and being read.
const piece = 32_768

/** Copies `x` to `pointer` in pieces and calls `work` on each. */
function inPieces(module: WasmModule, x: Float32Array, pointer: number, work: (n: number, from: number) => void): void {
  for (let from = 0; from < x.length; from += piece) {
    const part = x.subarray(from, from + piece)
    module.view('f32', pointer, part.length).set(part)
    work(part.length, from)
  }
}

function wasmKernels(module: WasmModule, input: number, tallies: WasmBackend['tallies']): KernelSet {
  const second = module.allocate(piece * 4)
  const third = module.allocate(piece * 4)
  const small = module.allocate(emptySums.length * 8)
  /** What a kernel makes of each element by itself. */
  const mapped = (name: string, x: Float32Array, scalars: readonly number[]): Float32Array => {
    const y = new Float32Array(x.length)
    inPieces(module, x, input, (n, from) => {
      module.call(name, input, n, second, ...scalars)
      y.set(module.view('f32', second, n), from)
    })
    return y
  }
  return {
    backend: 'wasm',
    observer: (values, options) => hostObserver(values, options, tallies(options.histogram)),
    compare(a, b) {
      module.view('f64', small, emptySums.length).set(emptySums)
      inPieces(module, a, input, (n, from) => {
        module.view('f32', second, n).set(b.subarray(from, from + n))
        module.call('compare', input, n, second, small)
      })
      return comparison(module.view('f64', small, emptySums.length))
    },
    scaleErrors: (x, scales, qmax) =>
      module.borrow([scales.byteLength, scales.length * 8], (candidates, errors) => {
        module.view('f32', candidates, scales.length).set(scales)
        module.view('f64', errors, scales.length).fill(0)
        inPieces(module, x, input, n => module.call('scaleErrors', input, n, candidates, scales.length, errors, qmax))
        return module.view('f64', errors, scales.length).slice()
      }),
    gram: (a, b, { p, q, upper }, into) => {
      const same = a === b
      module.borrow([a.byteLength, same ? 0 : b.byteLength, into.byteLength], (first, other, sums) => {
        const pointer = same ? first : other
        module.view('f32', first, a.length).set(a)
        if (!same) module.view('f32', pointer, b.length).set(b)
        module.view('f64', sums, into.length).set(into)
        module.call('gram', first, a.length, pointer, b.length, sums, p, q, upper ? 1 : 0)
        into.set(module.view('f64', sums, into.length))
      })
    },
    addProducts: (a, b, { p, q }, into) =>
      module.borrow([a.byteLength, b.byteLength, into.byteLength], (first, second, sums) => {
        module.view('f64', first, a.length).set(a)
        module.view('f64', second, b.length).set(b)
        module.view('f64', sums, into.length).set(into)
        module.call('addProducts', first, a.length, second, b.length, sums, p, q)
        into.set(module.view('f64', sums, into.length))
      }),
    gemm: (a, b, { m, n, k, transA, transB }, c) =>
      module.borrow([a.byteLength, b.byteLength, c.byteLength], (first, other, sums) => {
        module.view('f32', first, a.length).set(a)
        module.view('f32', other, b.length).set(b)
        module.view('f32', sums, c.length).set(c)
        module.call('gemm', first, a.length, other, b.length, sums, m, n, k, transA ? 1 : 0, transB ? 1 : 0)
        c.set(module.view('f32', sums, c.length))
      }),
    ...convolutions(wasmMemory(module)),
    quantize(x, scale, zeroPoint, _signed, qmin, qmax) {
      const kind = qmin < 0 ? 'i8' : 'u8'
      const y = qmin < 0 ? new Int8Array(x.length) : new Uint8Array(x.length)
      const scalars = quantizeLinear.scalars({ scale, zeroPoint, qmin, qmax }, {})
      inPieces(module, x, input, (n, from) => {
        module.call('quantizeLinear', input, n, second, ...scalars)
        y.set(module.view(kind as 'u8', second, n), from)
      })
      return y
    },
    fakeQuantize: (x, scale, zeroPoint, qmin, qmax) =>
      mapped('fakeQuantize', x, fakeQuantize.scalars({ scale, zeroPoint, qmin, qmax }, {})),
    clip: (x, low, high) => mapped('clip', x, [low, high]),
    clipGradient(x, dy, low, high) {
      const dx = new Float32Array(x.length)
      inPieces(module, x, input, (n, from) => {
        module.view('f32', second, n).set(dy.subarray(from, from + n))
        module.call('clipGradient', input, n, second, second, low, high)
        dx.set(module.view('f32', second, n), from)
      })
      return dx
    },
    roundingGradient(x, rounded, dy, low, high) {
      const dx = new Float32Array(x.length)
      module.view('f64', small, 4).fill(0)
      inPieces(module, x, input, (n, from) => {
        module.view('f32', second, n).set(rounded.subarray(from, from + n))
        module.view('f32', third, n).set(dy.subarray(from, from + n))
        module.call('roundingGradient', input, n, second, third, third, small, low, high)
        dx.set(module.view('f32', third, n), from)
      })
      return { dx, moved: total(module.view('f64', small, 4)) }
    },
    dotInt16: (a, b, depth) => runWasm(module, dotInt16, { depth }, { a, b }).y as Int32Array,
  }
}

const largestCount = 4294967295

/** Tallies that share one table of lanes; each has 256 KiB of 32-bit counters, emptied into float64 before one can overflow. */
function wasmTallies(module: WasmModule, input: number, withTable: boolean): () => Tally {
  const stats = module.allocate(emptyStats.length * 4)
  const scratch = withTable ? emptyTable() : new Float64Array(0)
  const lanes = withTable ? module.allocate(keyCount * 16) : 0
  const begin = (): void => module.view('u32', stats, emptyStats.length).set(emptyStats)
  const end = (): Uint32Array => module.view('u32', stats, emptyStats.length).slice()
  return () => {
    if (!withTable) {
      return {
        count(x) {
          begin()
          inPieces(module, x, input, n => module.call('range', input, n, stats))
          return end()
        },
        table: () => null,
      }
    }
    const table = module.allocate(keyCount * 4)
    let inTable = 0
    let emptied: Float64Array | null = null
    const addTo = (total: Float64Array): void => {
      const counters = module.view('u32', table, keyCount)
      for (let key = 0; key < keyCount; key++) total[key] += counters[key]
    }
    const empty = (): void => {
      emptied ??= emptyTable()
      addTo(emptied)
      module.view('u32', table, keyCount).fill(0)
      inTable = 0
    }
    return {
      count(x) {
        if (inTable + x.length > largestCount) empty()
        inTable += x.length
        begin()
        inPieces(module, x, input, n => module.call('histogramBlock', input, n, lanes, stats))
        const seen = end()
        for (const [from, to] of keysWithin(seen)) module.call('histogramFold', lanes, table, from, to)
        return seen
      },
      table() {
        // One for all: half a megabyte for each of a hundred values would be what a sweep takes most memory for.
        if (emptied) scratch.set(emptied)
        else scratch.fill(0)
        addTo(scratch)
        return scratch
      },
    }
  }
}

/** The spans of keys, whole fours, in which elements of these statistics can lie. */
function keysWithin(stats: Uint32Array): [number, number][] {
  if (stats[stat.nan] + stats[stat.infinite] > 0) return [[0, keyCount]]
  const above = (key: number): number => (key | 3) + 1
  const positive = stats[stat.max] >= 0x80000000 ? above((stats[stat.max] ^ 0x80000000) >>> 16) : 0
  // Negative zero is told as zero, so that the first negative keys are always among them.
  const negative = above(stats[stat.min] < 0x80000000 ? ~stats[stat.min] >>> 16 : 0x8000)
  return [
    [0, positive],
    [0x8000, negative],
  ]
}
