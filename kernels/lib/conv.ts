// Convolutions and their gradients as matrix products of patches, one sample and one group after the other, so that the patches of one
// fit into the cache. With the matrices W [outputs, depth], X [depth, places] (patches) and Y [outputs, places]: Y = W X,
// dW = dY X^T, dX = W^T dY, and dX is added back to the places in the image that the patches came from.
import type { ConvShape, KernelSet } from '../../src/ir/context.ts'
import { reference as addPatches } from '../add-patches/reference.ts'
import { type GemmShape, reference as gemm } from '../gemm/reference.ts'
import { columnsOf, type PatchShape, reference as patches, scalarsOf } from '../patches/reference.ts'
import type { WasmModule } from './wasm.ts'

/** Positions are in elements of one memory of float32. */
interface Arithmetic {
  gemm(a: number, b: number, c: number, shape: GemmShape): void
  patches(x: number, columns: number, shape: PatchShape): void
  addPatches(columns: number, x: number, shape: PatchShape): void
  clear(at: number, length: number): void
}

/** Lends zeroed arrays of so many elements and the arithmetic over them. */
type Lend = <T>(lengths: readonly number[], work: (arithmetic: Arithmetic, ...at: number[]) => T) => T
type View = (at: number, length: number) => Float32Array

const elements = ({ size, out, kernel, ...s }: ConvShape) => {
  const depth = s.channels * kernel[0] * kernel[1]
  const places = out[0] * out[1]
  return {
    depth,
    places,
    x: s.channels * size[0] * size[1], // of one sample and group, as y and w are
    y: s.outputs * places,
    w: s.outputs * depth,
    parts: s.samples * s.groups,
  }
}

/** Patches of such a window are the image itself. */
const isPlain = ({ kernel, strides, pads, size, out }: ConvShape): boolean =>
  [0, 1].every(i => kernel[i] === 1 && strides[i] === 1 && pads[i] === 0 && size[i] === out[i])

const product = (m: number, n: number, k: number, transA = false, transB = false): GemmShape => ({
  m,
  n,
  k,
  transA,
  transB,
})

function convolutions(lend: Lend, view: View): Pick<KernelSet, 'conv' | 'convGradient'> {
  return {
    conv(x, w, shape) {
      const n = elements(shape)
      const plain = isPlain(shape)
      return lend([x.length, w.length, n.parts * n.y, plain ? 0 : columnsOf(shape)], (run, ax, aw, ay, columns) => {
        view(ax, x.length).set(x)
        view(aw, w.length).set(w)
        for (let part = 0; part < n.parts; part++) {
          const group = part % shape.groups
          const image = ax + part * n.x
          if (!plain) run.patches(image, columns, shape)
          run.gemm(
            aw + group * n.w,
            plain ? image : columns,
            ay + part * n.y,
            product(shape.outputs, n.places, n.depth),
          )
        }
        return view(ay, n.parts * n.y).slice()
      })
    },
    convGradient(x, w, dy, shape, wanted) {
      const n = elements(shape)
      const plain = isPlain(shape)
      const lengths = [x.length, w.length, dy.length, plain ? 0 : columnsOf(shape), x.length, w.length]
      return lend(lengths, (run, ax, aw, ay, columns, dx, dw) => {
        view(ax, x.length).set(x)
        view(aw, w.length).set(w)
        view(ay, dy.length).set(dy)
        for (let part = 0; part < n.parts; part++) {
          const group = part % shape.groups
          const image = ax + part * n.x
          const given = ay + part * n.y
          if (wanted.w) {
            if (!plain) run.patches(image, columns, shape)
            const matrix = plain ? image : columns
            run.gemm(given, matrix, dw + group * n.w, product(shape.outputs, n.depth, n.places, false, true))
          }
          if (wanted.x) {
            const target = dx + part * n.x
            if (!plain) run.clear(columns, columnsOf(shape))
            run.gemm(aw + group * n.w, given, plain ? target : columns, product(n.depth, n.places, shape.outputs, true))
            if (!plain) run.addPatches(columns, target, shape)
          }
        }
        return {
          x: wanted.x ? view(dx, x.length).slice() : null,
          w: wanted.w ? view(dw, w.length).slice() : null,
        }
      })
    },
  }
}

export function wasmConvolutions(module: WasmModule): Pick<KernelSet, 'conv' | 'convGradient'> {
  const view: View = (at, length) => module.view('f32', at * 4, length)
  const arithmetic: Arithmetic = {
    gemm: (a, b, c, { m, n, k, transA, transB }) =>
      module.call('gemm', a * 4, m * k, b * 4, k * n, c * 4, m, n, k, transA ? 1 : 0, transB ? 1 : 0),
    patches: (x, columns, shape) => module.call('patches', x * 4, 0, columns * 4, ...scalarsOf(shape)),
    addPatches: (columns, x, shape) => module.call('addPatches', columns * 4, 0, x * 4, ...scalarsOf(shape)),
    clear: (at, length) => view(at, length).fill(0),
  }
  return convolutions(
    (lengths, work) =>
      module.borrow(
        lengths.map(n => n * 4),
        (...pointers) => work(arithmetic, ...pointers.map(p => p / 4)),
      ),
    view,
  )
}

export function referenceConvolutions(): Pick<KernelSet, 'conv' | 'convGradient'> {
  let memory = new Float32Array(0)
  const from = (at: number): Float32Array => memory.subarray(at)
  const arithmetic: Arithmetic = {
    gemm: (a, b, c, shape) => gemm({ a: from(a), b: from(b), c: from(c) }, shape),
    patches: (x, columns, shape) => patches({ x: from(x), columns: from(columns) }, shape),
    addPatches: (columns, x, shape) => addPatches({ columns: from(columns), x: from(x) }, shape),
    clear: (at, length) => {
      memory.fill(0, at, at + length)
    },
  }
  return convolutions(
    (lengths, work) => {
      memory = new Float32Array(lengths.reduce((sum, n) => sum + n, 0))
      let end = 0
      return work(arithmetic, ...lengths.map(n => (end += n) - n))
    },
    (at, length) => memory.subarray(at, at + length),
  )
}
