// The pieces that convolutions are put together of, over positions in one memory: the module's, or one of the plain twins' own.
import { reference as addPatches } from '../add-patches/reference.ts'
import { type GemmShape, reference as gemm } from '../gemm/reference.ts'
import { type PatchShape, reference as patches, scalarsOf } from '../patches/reference.ts'
import {
  type FilterShape,
  filterGradientReference,
  filterReference,
  inputReference,
  outputGradientReference,
  outputReference,
  type TileShape,
} from '../winograd/reference.ts'
import type { WasmModule } from './wasm.ts'

/** Positions are in elements of one memory of float32. `plane` is scratch, of zeros at first; only what lies within a map is written there. */
export interface Arithmetic {
  gemm(a: number, b: number, c: number, shape: GemmShape): void
  patches(x: number, columns: number, shape: PatchShape): void
  addPatches(columns: number, x: number, shape: PatchShape): void
  winogradInput(x: number, u: number, plane: number, shape: TileShape): void
  winogradOutput(m: number, y: number, plane: number, shape: TileShape): void
  winogradOutputGradient(y: number, d: number, plane: number, shape: TileShape): void
  winogradFilter(w: number, v: number, shape: FilterShape): void
  winogradFilterGradient(v: number, w: number, shape: FilterShape): void
  clear(at: number, length: number): void
}

/** `lend` gives arrays of so many elements, of any content, and the arithmetic over them, until `work` returns, which may borrow more. */
export interface Memory {
  lend<T>(lengths: readonly number[], work: (arithmetic: Arithmetic, ...at: number[]) => T): T
  view(at: number, length: number): Float32Array
}

export function wasmMemory(module: WasmModule): Memory {
  const view = (at: number, length: number): Float32Array => module.view('f32', at * 4, length)
  const overTiles =
    (name: string) =>
    (from: number, to: number, plane: number, { channels, size, tiles, pads, of, at }: TileShape): void =>
      module.call(name, from * 4, 0, to * 4, plane * 4, channels, ...size, ...tiles, ...pads, of, at)
  const overFilters =
    (name: string) =>
    (from: number, to: number, { outputs, channels, turned }: FilterShape): void =>
      module.call(name, from * 4, 0, to * 4, outputs, channels, turned ? 1 : 0)
  const arithmetic: Arithmetic = {
    gemm: (a, b, c, { m, n, k, transA, transB }) =>
      module.call('gemm', a * 4, m * k, b * 4, k * n, c * 4, m, n, k, transA ? 1 : 0, transB ? 1 : 0),
    patches: (x, columns, shape) => module.call('patches', x * 4, 0, columns * 4, ...scalarsOf(shape)),
    addPatches: (columns, x, shape) => module.call('addPatches', columns * 4, 0, x * 4, ...scalarsOf(shape)),
    winogradInput: overTiles('winogradInput'),
    winogradOutput: overTiles('winogradOutput'),
    winogradOutputGradient: overTiles('winogradOutputGradient'),
    winogradFilter: overFilters('winogradFilter'),
    winogradFilterGradient: overFilters('winogradFilterGradient'),
    clear: (at, length) => view(at, length).fill(0),
  }
  return {
    lend: (lengths, work) =>
      module.borrow(
        lengths.map(n => n * 4),
        (...pointers) => work(arithmetic, ...pointers.map(p => p / 4)),
      ),
    view,
  }
}

export function referenceMemory(): Memory {
  let memory = new Float32Array(0)
  let top = 0
  const from = (at: number): Float32Array => memory.subarray(at)
  const arithmetic: Arithmetic = {
    gemm: (a, b, c, shape) => gemm({ a: from(a), b: from(b), c: from(c) }, shape),
    patches: (x, columns, shape) => patches({ x: from(x), columns: from(columns) }, shape),
    addPatches: (columns, x, shape) => addPatches({ columns: from(columns), x: from(x) }, shape),
    winogradInput: (x, u, _, shape) => inputReference({ x: from(x), u: from(u) }, shape),
    winogradOutput: (m, y, _, shape) => outputReference({ m: from(m), y: from(y) }, shape),
    winogradOutputGradient: (y, d, _, shape) => outputGradientReference({ y: from(y), d: from(d) }, shape),
    winogradFilter: (w, v, shape) => filterReference({ w: from(w), v: from(v) }, shape),
    winogradFilterGradient: (v, w, shape) => filterGradientReference({ v: from(v), w: from(w) }, shape),
    clear: (at, length) => {
      memory.fill(0, at, at + length)
    },
  }
  return {
    lend(lengths, work) {
      const before = top
      const positions = lengths.map(n => (top += n) - n)
      const larger = new Float32Array(top).fill(Number.NaN) // so that who counts on zeros is found out
      larger.set(memory.subarray(0, before))
      memory = larger
      const result = work(arithmetic, ...positions)
      top = before
      return result
    },
    view: (at, length) => memory.subarray(at, at + length),
  }
}
