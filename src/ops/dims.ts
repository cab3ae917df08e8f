// Arithmetic on dimensions that may be numbers, symbols or unknown. What is not certain becomes null.
import type { DType } from '../base/dtype.ts'
import type { Dim } from '../ir/model.ts'
import type { Dims, Fact, InferContext, Scalar } from './types.ts'

export const unknown: Fact = { dtype: null, shape: null }

/** Largest tensor whose content is followed: shape computations are far smaller. */
export const contentLimit = 1024

export const tensor = (dtype: DType | null, shape: Dims | null): Fact => ({ dtype, shape })

/** A fact with content; the content is dropped where it does not belong to a known shape of bounded size. */
export function filled(dtype: DType | null, shape: Dims | null, content: readonly Scalar[] | null): Fact {
  if (content === null || shape === null) return { dtype, shape }
  const count = product(shape)
  return count === content.length && count <= contentLimit ? { dtype, shape, content } : { dtype, shape }
}

export const nulls = (rank: number): null[] => new Array<null>(Math.max(0, rank)).fill(null)

// No runtime goes further; a broken file may say anything.
const highestRank = 64

/** An unknown shape of the rank that the length of a shape tensor says. */
export const ofRank = (length: Dim | undefined): null[] | null =>
  typeof length === 'number' && length <= highestRank ? nulls(length) : null

/** The shape where every dimension is a number. */
export const numeric = (shape: Dims | null): number[] | null =>
  shape?.every(d => typeof d === 'number') ? (shape as number[]) : null

/** Product; one symbol times ones is that symbol. */
export function product(dims: Dims): Dim {
  let n = 1
  let symbol: string | null = null
  let vague = false
  for (const d of dims) {
    if (typeof d === 'number') n *= d
    else if (d === null || symbol !== null) vague = true
    else symbol = d
  }
  if (n === 0) return 0
  if (vague) return null
  if (symbol === null) return n
  return n === 1 ? symbol : null
}

export function sum(dims: Dims): Dim {
  let n = 0
  let symbol: string | null = null
  for (const d of dims) {
    if (typeof d === 'number') n += d
    else if (d === null || symbol !== null) return null
    else symbol = d
  }
  if (symbol === null) return n
  return n === 0 ? symbol : null
}

/** Two dimensions that must be equal: the better known one. */
export function unifyDim(a: Dim, b: Dim, ctx: InferContext, what: string): Dim {
  if (typeof a === 'number' && typeof b === 'number' && a !== b) ctx.fail(`${what}: ${a} against ${b}`)
  if (typeof a === 'number') return a
  if (typeof b === 'number') return b
  return a ?? b
}

/** Two shapes that must be equal; a null one says nothing. */
export function unify(a: Dims | null, b: Dims | null, ctx: InferContext, what: string): Dims | null {
  if (a === null || b === null) return a ?? b
  if (a.length !== b.length) ctx.fail(`${what}: ${show(a)} against ${show(b)}`)
  return a.map((d, i) => unifyDim(d, b[i], ctx, what))
}

/** What holds of both facts: for a value that is one or the other. */
export function either(a: Fact, b: Fact): Fact {
  const dtype = a.dtype === b.dtype ? a.dtype : null
  if (a.shape === null || b.shape === null || a.shape.length !== b.shape.length) return { dtype, shape: null }
  const other = b.shape
  return { dtype, shape: a.shape.map((d, i) => (d === other[i] ? d : null)) }
}

function broadcastDim(a: Dim, b: Dim, ctx: InferContext): Dim {
  if (a === b) return a
  if (a === 1) return b
  if (b === 1) return a
  if (typeof a === 'number' && typeof b === 'number') ctx.fail(`dimensions ${a} and ${b} cannot be broadcast`)
  // Beside a number other than 1, the unknown one is that number or 1.
  if (typeof a === 'number') return a
  if (typeof b === 'number') return b
  return null
}

/** NumPy broadcasting, aligned at the last axis. */
export function broadcast(shapes: readonly (Dims | null)[], ctx: InferContext): Dims | null {
  let out: Dims = []
  for (const shape of shapes) {
    if (shape === null) return null
    const rank = Math.max(out.length, shape.length)
    const left = out
    out = Array.from({ length: rank }, (_, i) => {
      const a = i - (rank - left.length)
      const b = i - (rank - shape.length)
      return a < 0 ? shape[b] : b < 0 ? left[a] : broadcastDim(left[a], shape[b], ctx)
    })
  }
  return out
}

/** An axis counted from the front. */
export function axisOf(axis: number, rank: number, ctx: InferContext): number {
  if (axis < -rank || axis >= rank) ctx.fail(`axis ${axis} does not exist in a tensor of rank ${rank}`)
  return axis < 0 ? axis + rank : axis
}

export const replaceAt = (shape: Dims, axis: number, dim: Dim): Dim[] => shape.map((d, i) => (i === axis ? dim : d))

export const show = (shape: Dims | null): string =>
  shape === null ? 'unknown' : `[${shape.map(d => d ?? '?').join(', ')}]`

/** Content as dimensions: a number below `least` is not one. */
export const asDims = (content: readonly Scalar[] | null, least = 0): Dims | null =>
  content?.map(d => (typeof d === 'number' && d < least ? null : d)) ?? null
