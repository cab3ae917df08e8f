// Operators that take no notice of other channels: what is at a position of the output comes from the same position of the inputs.
import { attrInt, attrInts, type Node } from '../../../ir/model.ts'
import type { Axis } from '../ties.ts'
import type { Rule, Site } from './types.ts'

/** Inputs against the output, aligned at the last axis as NumPy broadcasts. */
export function broadcast(site: Site, inputs: readonly number[], output = 0): void {
  const out = site.output(output)
  if (!out) return
  for (const index of inputs) {
    const axes = site.input(index)
    if (!axes) continue
    const shift = out.length - axes.length
    for (const [i, axis] of axes.entries()) {
      const other = out[i + shift]
      if (axis && other && axis.length !== other.length) {
        if (axis.length !== 1) site.fix([axis, other], 'spreads values over an axis whose length is not certain')
      } else site.same(axis, other)
    }
  }
}

export const elementwise = (site: Site): void =>
  site.node.outputs.forEach((_, output) => {
    broadcast(site, [...site.node.inputs.keys()], output)
  })

/** Axes one by one, where both have as many. */
export function alike(site: Site, a: readonly Axis[] | null, b: readonly Axis[] | null): void {
  if (a && b) for (const [i, axis] of a.entries()) site.same(axis, b[i] ?? null)
}

/** Samples and channels stay apart; along the other axes values of a channel meet. */
export const channelwise: Rule['tie'] = site => {
  for (const axes of [site.input(0), ...site.node.outputs.map((_, i) => site.output(i))]) {
    if (!axes) continue
    site.same(axes[0], site.input(0)![0])
    if (axes.length > 1) site.same(axes[1], site.input(0)![1])
    site.fix(axes.slice(2), 'takes windows along this axis')
  }
}

/** A parameter for each channel. */
export const perChannel: Rule['tie'] = site => {
  const x = site.input(0)
  alike(site, x, site.output(0))
  const channels = x?.[1] ?? null
  for (let i = 1; i < site.node.inputs.length; i++) site.same(site.input(i)?.[0] ?? null, channels)
  for (let i = 1; i < site.node.outputs.length; i++) site.fix(site.output(i), 'is in training mode')
}

export const axisFrom = (node: Node, name: string, fallback: number, rank: number): number => {
  const axis = attrInt(node, name, fallback)
  return axis < 0 ? axis + rank : axis
}

/** Values along these axes are reckoned with each other; the others stay apart. */
export const mixing =
  (why: string, axesOf: (site: Site, rank: number) => readonly number[]): Rule['tie'] =>
  site => {
    const x = site.input(0)
    if (!x) return
    elementwise(site)
    const mixed = new Set(axesOf(site, x.length))
    site.fix(
      x.filter((_, i) => mixed.has(i)),
      why,
    )
  }

export const fromAxis = (first: number) => (site: Site, rank: number) =>
  Array.from({ length: rank }, (_, i) => i).slice(axisFrom(site.node, 'axis', first, rank))

/** Axes from an attribute or, in later operator sets, from an input: null where they are not known, undefined where not given. */
export function axesGiven(site: Site, rank: number): readonly number[] | null | undefined {
  const attr = attrInts(site.node, 'axes')
  const given = attr ?? (site.node.inputs[1] == null ? undefined : site.content(1))
  if (given === undefined) return undefined
  if (given === null || !given.every(a => typeof a === 'number')) return null
  return given.map(a => (a < 0 ? a + rank : a))
}

export const reduce: Rule['tie'] = site => {
  const x = site.input(0)
  const y = site.output(0)
  if (!x || !y) return
  const empty = attrInt(site.node, 'noop_with_empty_axes', 0) !== 0 ? [] : [...x.keys()]
  const single = site.node.op.startsWith('Arg') ? [axisFrom(site.node, 'axis', 0, x.length)] : null
  const given = single ?? axesGiven(site, x.length)
  const axes = given === null ? [...x.keys()] : !given || given.length === 0 ? empty : given
  const gone = new Set(axes)
  const kept = y.length === x.length
  let at = 0
  for (const [i, axis] of x.entries()) {
    if (gone.has(i)) site.fix([axis], 'puts its channels together')
    else site.same(axis, y[kept ? i : at])
    if (kept || !gone.has(i)) at++
  }
}

/** A shape as numbers: what is read of it must stay as it is. */
export const shape: Rule['tie'] = site => {
  const x = site.input(0)
  if (!x) return
  const read = site.readers(0).map(reader => {
    const indices = reader.op === 'Gather' && reader.inputs[1] != null ? site.numbers(reader.inputs[1]) : null
    return indices?.map(i => (i < 0 ? i + x.length : i)) ?? null
  })
  const start = attrInt(site.node, 'start', 0)
  const all = read.includes(null) || start !== 0 || site.node.attrs.has('end')
  site.fix(
    x.filter((_, i) => all || read.some(list => list!.includes(i))),
    'computes with the number of channels',
  )
}
