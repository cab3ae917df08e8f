// What is known of shapes: dims that are numbers or symbols that stand for one number throughout a model.
import type { Editor } from '../../ir/edit.ts'
import type { Dim } from '../../ir/model.ts'

export const isKnown = (dim: Dim | undefined): dim is number | string => dim !== null && dim !== undefined

/** Surely the same number. */
export const sameDim = (a: Dim | undefined, b: Dim | undefined): boolean => isKnown(a) && a === b

export const sameShape = (a: readonly Dim[] | null, b: readonly Dim[] | null): boolean =>
  a !== null && b !== null && a.length === b.length && a.every((dim, i) => sameDim(dim, b[i]))

export const isFixed = (shape: readonly Dim[] | null | undefined): shape is readonly number[] =>
  shape?.every(dim => typeof dim === 'number') ?? false

export function shapeOf(e: Editor, name: string | null): readonly Dim[] | null {
  if (name === null) return null
  return e.constant(name)?.shape ?? e.value(name)?.shape ?? null
}

export const rankOf = (e: Editor, name: string | null): number | null => shapeOf(e, name)?.length ?? null

/**
 * The target of a Reshape from `from` to `to` as a constant: numbers where they are known, 0 (copy) where input and output have the
 * same symbol at the same place, -1 for one dim that is left. Null where that does not say it all.
 */
export function reshapeTarget(from: readonly Dim[] | null, to: readonly Dim[] | null): number[] | null {
  if (!to) return null
  // A 0 in a target means "copy", and -1 cannot be inferred beside an empty dim.
  if (to.some(dim => dim === 0) || from?.some(dim => dim === 0)) return null
  const target: number[] = []
  for (const [i, dim] of to.entries()) {
    if (typeof dim === 'number' && dim > 0) target.push(dim)
    else if (from && sameDim(dim, from[i])) target.push(0)
    else target.push(-1)
  }
  return target.filter(dim => dim === -1).length <= 1 ? target : null
}
