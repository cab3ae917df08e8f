// What a kernel is: one definition in plain TypeScript and its twins in WebAssembly and WGSL, over named arrays.
//
// The WebAssembly twin is an export of the one module; it takes, in the order of `arrays`, a pointer for each, after an input
// its length, then `scalars`. The WGSL twin binds the arrays in their order.

export type ArrayKind = 'f32' | 'f64' | 'i8' | 'u8' | 'i16' | 'i32' | 'u32'
export type NumberArray = Float32Array | Float64Array | Int8Array | Uint8Array | Int16Array | Int32Array | Uint32Array
// biome-ignore lint/suspicious/noExplicitAny: a kernel reads its own arrays by name; their kinds are declared beside
export type Arrays = Record<string, any>

export interface Binding<P> {
  name: string
  kind: ArrayKind | ((params: P) => ArrayKind)
  /** An input is given; an output starts as `initial` (or zeros) and is given back; scratch is zeros and private to WebAssembly. */
  use: 'input' | 'output' | 'scratch'
  sameLength?: boolean // of an input: as long as the one before, so that its length is not passed
  length?: (inputs: Arrays, params: P) => number // of outputs and scratch
  initial?: readonly number[]
}

export interface Case<P> {
  name: string
  params: P
  inputs: Record<string, NumberArray>
}

export interface Kernel<P = unknown> {
  id: string
  arrays: readonly Binding<P>[]
  scalars(params: P, inputs: Arrays): readonly number[]
  reference(arrays: Arrays, params: P): void
  simd: string // name of the export
  shader: { code: string } | { unsupported: string }
  cases(): readonly Case<P>[]
  tolerance: { exact: true; why: string }
}

export const kernel = <P>(definition: Kernel<P>): Kernel<P> => definition

export const exact = (why: string): { exact: true; why: string } => ({ exact: true, why })

const constructors = {
  f32: Float32Array,
  f64: Float64Array,
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  i32: Int32Array,
  u32: Uint32Array,
}

/** A view of `length` elements, or a new array where no buffer is given. */
export function arrayOf(kind: ArrayKind, length: number, buffer?: ArrayBuffer, offset = 0): NumberArray {
  const Kind = constructors[kind]
  return buffer === undefined ? new Kind(length) : new Kind(buffer, offset, length)
}

export const kindOf = <P>(binding: Binding<P>, params: P): ArrayKind =>
  typeof binding.kind === 'function' ? binding.kind(params) : binding.kind

/** The arrays of one run: the inputs as they are, the outputs as they start. */
export function arraysFor<P>(
  k: Kernel<P>,
  params: P,
  inputs: Record<string, NumberArray>,
): Record<string, NumberArray> {
  const arrays: Record<string, NumberArray> = {}
  for (const binding of k.arrays) {
    if (binding.use === 'input') {
      arrays[binding.name] = inputs[binding.name]
      continue
    }
    const array = arrayOf(kindOf(binding, params), binding.length?.(inputs, params) ?? 0)
    if (binding.initial) array.set(binding.initial)
    arrays[binding.name] = array
  }
  return arrays
}
