// The WebAssembly twins: one module with a memory of its own, into which arrays are copied piece by piece.
import { arrayOf, arraysFor, type Kernel, kindOf, type NumberArray } from './kernel.ts'
import { moduleBase64 } from './module.gen.ts'

export interface WasmModule {
  call(name: string, ...args: number[]): void
  /** Zeroed bytes at a multiple of 64, for good. */
  allocate(bytes: number): number
  /** Bytes of any content at a multiple of 64 until `work` returns. */
  borrow<T>(sizes: readonly number[], work: (...pointers: number[]) => T): T
  /** A view, valid until memory is next allocated. */
  view(kind: 'f32', pointer: number, length: number): Float32Array
  view(kind: 'f64', pointer: number, length: number): Float64Array
  view(kind: 'u32', pointer: number, length: number): Uint32Array
  view(kind: 'u8', pointer: number, length: number): Uint8Array
  view(kind: 'i8', pointer: number, length: number): Int8Array
  view(kind: 'i16', pointer: number, length: number): Int16Array
  view(kind: 'i32', pointer: number, length: number): Int32Array
}

const page = 65536
const align = (bytes: number): number => Math.ceil(bytes / 64) * 64

export async function openModule(): Promise<WasmModule> {
  const bytes = Uint8Array.from(atob(moduleBase64), c => c.charCodeAt(0))
  const { instance } = await WebAssembly.instantiate(bytes)
  const memory = instance.exports.memory as WebAssembly.Memory
  let top = memory.buffer.byteLength // the first page is the module's own

  const take = (bytes: number): number => {
    const pointer = top
    top = align(top + bytes)
    const missing = Math.ceil((top - memory.buffer.byteLength) / page)
    if (missing > 0) memory.grow(missing)
    return pointer
  }
  return {
    call: (name, ...args) => (instance.exports[name] as (...args: number[]) => void)(...args),
    allocate(bytes) {
      const pointer = take(bytes)
      new Uint8Array(memory.buffer, pointer, bytes).fill(0)
      return pointer
    },
    borrow: (sizes, work) => {
      const before = top
      const pointers = sizes.map(take)
      const result = work(...pointers)
      top = before
      return result
    },
    view: ((kind: 'f32', pointer: number, length: number) =>
      arrayOf(kind, length, memory.buffer, pointer)) as WasmModule['view'],
  }
}

/** Copies a kernel's arrays in, lends a call of it to `use`, and gives back its outputs. */
function withArrays<P>(
  module: WasmModule,
  k: Kernel<P>,
  params: P,
  inputs: Record<string, NumberArray>,
  use: (call: () => void) => void,
): Record<string, NumberArray> {
  const arrays = arraysFor(k, params, inputs)
  const bytes = k.arrays.map(b => Math.max(arrays[b.name].byteLength, 16))
  return module.borrow(bytes, (...pointers) => {
    const args: number[] = []
    k.arrays.forEach((binding, i) => {
      const array = arrays[binding.name]
      const source = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
      module.view('u8', pointers[i], array.byteLength).set(source)
      args.push(pointers[i])
      if (binding.use === 'input' && !binding.sameLength) args.push(array.length)
    })
    args.push(...k.scalars(params, inputs))
    use(() => module.call(k.simd, ...args))
    k.arrays.forEach((binding, i) => {
      if (binding.use !== 'output') return
      const { length } = arrays[binding.name]
      arrays[binding.name] = module.view(kindOf(binding, params) as 'f32', pointers[i], length).slice()
    })
    return arrays
  })
}

/** Runs a kernel's WebAssembly twin on whole arrays. */
export const runWasm = <P>(
  module: WasmModule,
  k: Kernel<P>,
  params: P,
  inputs: Record<string, NumberArray>,
): Record<string, NumberArray> => withArrays(module, k, params, inputs, call => call())

/** Milliseconds of the best of `runs` calls, the arrays lying in the module's memory. */
export function timeWasm<P>(
  module: WasmModule,
  k: Kernel<P>,
  params: P,
  inputs: Record<string, NumberArray>,
  clock: () => number,
  runs: number,
): number {
  let best = Number.POSITIVE_INFINITY
  withArrays(module, k, params, inputs, call => {
    for (let i = 0; i < runs; i++) {
      const start = clock()
      call()
      best = Math.min(best, clock() - start)
    }
  })
  return best
}
