// Operators that move values about: each position of the output is one of the input, or new.
import { type Attr, attrInts, attrString, ints } from '../../../ir/model.ts'

import { alike, axesGiven, axisFrom } from './plain.ts'
import type { Kept, Rule, Site } from './types.ts'

export const transpose: Rule = {
  ops: ['Transpose'],
  tie(site) {
    const [x, y] = [site.input(0), site.output(0)]
    if (!x || !y) return
    const perm = attrInts(site.node, 'perm') ?? [...x.keys()].reverse()
    for (const [i, axis] of perm.entries()) site.same(y[i], x[axis < 0 ? axis + x.length : axis])
  },
}

/** Axes of length 1 come or go. */
export const squeeze: Rule = {
  ops: ['Squeeze', 'Unsqueeze'],
  tie(site) {
    const [x, y] = [site.input(0), site.output(0)]
    if (!x || !y) return
    const [more, fewer] = x.length > y.length ? [x, y] : [y, x]
    const given = axesGiven(site, more.length) ?? [...more.keys()].filter(i => more[i]?.length === 1)
    const rest = more.filter((_, i) => !given.includes(i))
    site.fix(
      more.filter((_, i) => given.includes(i)),
      'adds or removes this axis',
    )
    if (rest.length === fewer.length) alike(site, rest, fewer)
    else for (const axes of [x, y]) site.fix(axes, 'has axes that are not certain')
  },
}

export const concat: Rule = {
  ops: ['Concat'],
  tie(site) {
    const y = site.output(0)
    if (!y) return
    const along = axisFrom(site.node, 'axis', 1, y.length)
    let at = 0
    for (const index of site.node.inputs.keys()) {
      const x = site.input(index)
      if (!x) continue
      for (const [i, axis] of x.entries()) {
        if (i !== along) site.same(axis, y[i])
        else if (y[i]) site.same(axis, y[i], at)
        else site.fix([axis], 'joins parts of open length')
      }
      at += x[along]?.length ?? 0
    }
  },
}

export const split: Rule = {
  ops: ['Split'],
  tie(site) {
    const x = site.input(0)
    if (!x) return
    const along = axisFrom(site.node, 'axis', 0, x.length)
    let at = 0
    for (const index of site.node.outputs.keys()) {
      const y = site.output(index)
      if (!y) continue
      for (const [i, axis] of y.entries()) {
        if (i !== along) site.same(axis, x[i])
        else if (axis && x[i]) site.same(axis, x[i], at)
        else site.fix([axis, x[i]], 'parts an axis of open length')
      }
      at += y[along]?.length ?? 0
    }
    if (site.node.inputs[1] != null && !site.constant(1)) site.fix([x[along]], 'is told at run time how to part it')
  },
  cut(cut) {
    const { node, editor, opset } = cut
    const x = cut.input(0)
    const along = x ? axisFrom(node, 'axis', 0, x.length) : 0
    if (!x?.[along]) return
    const sizes = node.outputs.map((_, i) => lengthOf(cut.output(i)?.[along] ?? null, cut.size('output', i, along)))
    if (opset >= 13) cut.setNumbers(1, sizes)
    const attrs = new Map<string, Attr>([...editor.node(node.id)!.attrs].filter(([name]) => name !== 'num_outputs'))
    if (opset < 13) attrs.set('split', ints(sizes))
    editor.updateNode(node.id, { attrs })
  },
}

const lengthOf = (kept: Kept | null, before: number): number => kept?.count ?? before

/** Positions that stay before one. */
export const before = ({ stays }: Kept, position: number): number =>
  stays.subarray(0, position).reduce((n, stay) => n + stay, 0)

interface Part {
  axis: number
  at: number // among the parameters
  first: number | null
  step: number | null
}

/** Where a Slice begins along each of its axes, so far as that is known. */
function partsOf(
  { node, content, opset }: Pick<Site, 'node' | 'content' | 'opset'>,
  lengths: readonly (number | null)[],
) {
  const old = opset < 10
  const starts = old ? attrInts(node, 'starts') : content(1)
  const axes = old ? attrInts(node, 'axes') : node.inputs[3] == null ? undefined : content(3)
  const steps = old || node.inputs[4] == null ? undefined : content(4)
  if (!starts || axes === null) return null
  return starts.map((start, at): Part => {
    const given = axes?.[at] ?? at
    if (typeof given !== 'number') return { axis: -1, at, first: null, step: null }
    const axis = given < 0 ? given + lengths.length : given
    const length = lengths[axis]
    const step = steps === undefined ? 1 : steps?.[at]
    const known = typeof start === 'number' && length !== null
    const first = known ? Math.min(length, Math.max(0, start < 0 ? start + length : start)) : null
    return { axis, at, first, step: typeof step === 'number' ? step : null }
  })
}

export const slice: Rule = {
  ops: ['Slice'],
  tie(site) {
    const [x, y] = [site.input(0), site.output(0)]
    if (!x || !y) return
    const parts = partsOf(
      site,
      x.map(axis => axis?.length ?? null),
    )
    if (!parts || parts.some(p => p.axis < 0)) {
      for (const axes of [x, y]) site.fix(axes, 'is told at run time what to take')
      return
    }
    const told = site.opset < 10 || (site.constant(1) && site.constant(2))
    for (const [i, axis] of x.entries()) {
      const part = parts.find(p => p.axis === i)
      if (!part) site.same(axis, y[i])
      else if (axis && y[i] && part.first !== null && part.step === 1 && told) site.same(y[i], axis, part.first)
      else site.fix([axis, y[i]], part.step === 1 ? 'is told at run time what to take' : 'takes every other position')
    }
  },
  cut(cut) {
    const { node, editor, opset } = cut
    const x = cut.input(0)
    const parts =
      x &&
      partsOf(
        cut,
        x.map((_, i) => cut.size('input', 0, i)),
      )
    if (!x || !parts) return
    const old = opset < 10
    const starts = numbersOf(old ? attrInts(node, 'starts') : cut.content(1))
    const ends = numbersOf(old ? attrInts(node, 'ends') : cut.content(2))
    if (!starts || !ends) return
    let changed = false
    for (const { axis, at, first } of parts) {
      const kept = x[axis]
      if (!kept || first === null) continue
      const taken = cut.output(0)?.[axis]?.count ?? cut.size('output', 0, axis)
      starts[at] = before(kept, first)
      ends[at] = starts[at] + taken
      changed = true
    }
    if (!changed) return
    if (old)
      editor.updateNode(node.id, { attrs: new Map([...node.attrs, ['starts', ints(starts)], ['ends', ints(ends)]]) })
    else {
      cut.setNumbers(1, starts)
      cut.setNumbers(2, ends)
    }
  },
}

const numbersOf = (list: readonly unknown[] | null): number[] | null =>
  list?.every(n => typeof n === 'number') ? [...(list as number[])] : null

/** Pads before and after each axis. */
function padsOf({ node, content, opset }: Pick<Site, 'node' | 'content' | 'opset'>, rank: number) {
  const pads = numbersOf(opset < 11 ? (attrInts(node, 'pads') ?? attrInts(node, 'paddings')) : content(1))
  const named = opset >= 18 && node.inputs[3] != null ? numbersOf(content(3)) : [...Array(rank).keys()]
  if (!pads || !named || pads.length !== 2 * named.length) return null
  return { pads, axes: named.map(a => (a < 0 ? a + rank : a)) }
}

export const pad: Rule = {
  ops: ['Pad'],
  tie(site) {
    const [x, y] = [site.input(0), site.output(0)]
    if (!x || !y) return
    const known = padsOf(site, x.length)
    if (!known || (site.opset >= 11 && !site.constant(1))) {
      for (const axes of [x, y]) site.fix(axes, 'is told at run time how far to pad')
      return
    }
    const { pads, axes } = known
    const constant = attrString(site.node, 'mode', 'constant') === 'constant'
    for (const [i, axis] of x.entries()) {
      const at = axes.indexOf(i)
      const [begin, end] = at < 0 ? [0, 0] : [pads[at], pads[at + axes.length]]
      if (begin === 0 && end === 0) site.same(axis, y[i])
      else if (axis && y[i] && constant && begin >= 0 && end >= 0) site.same(axis, y[i], begin)
      else site.fix([axis, y[i]], 'repeats or cuts off what lies at the ends')
    }
  },
  cut(cut) {
    const { node, editor, opset } = cut
    const y = cut.output(0)
    const known = y && padsOf(cut, y.length)
    if (!y || !known) return
    const { pads, axes } = known
    let changed = false
    for (const [at, axis] of axes.entries()) {
      const kept = y[axis]
      const [begin, end] = [pads[at], pads[at + axes.length]]
      if (!kept || (begin === 0 && end === 0)) continue
      pads[at] = before(kept, begin)
      pads[at + axes.length] = kept.count - before(kept, kept.stays.length - end)
      changed = true
    }
    if (!changed) return
    if (opset >= 11) cut.setNumbers(1, pads)
    else editor.updateNode(node.id, { attrs: new Map([...node.attrs, [opset < 2 ? 'paddings' : 'pads', ints(pads)]]) })
  },
}

/** Fixed positions along an axis, or rows of a table. */
export const gather: Rule = {
  ops: ['Gather'],
  tie(site) {
    const [x, indices, y] = [site.input(0), site.input(1), site.output(0)]
    if (!x || !indices || !y) return
    const along = axisFrom(site.node, 'axis', 0, x.length)
    const wide = indices.length
    for (const [i, axis] of x.entries()) if (i !== along) site.same(axis, y[i < along ? i : i + wide - 1])
    const picked = wide === 1 && site.constant(1) ? numbersOf(site.content(1)) : null
    const [from, to] = [x[along], y[along]]
    if (from && picked && to && wide === 1)
      for (const [i, index] of picked.entries()) site.join(to[i], from[index < 0 ? index + from.length : index])
    else {
      site.fix([from], 'picks positions along this axis')
      site.fix(y.slice(along, along + wide), 'picks positions along this axis')
    }
    site.fix(indices, 'picks by these positions')
  },
  cut(cut) {
    const x = cut.input(0)
    if (!x) return
    const along = axisFrom(cut.node, 'axis', 0, x.length)
    const kept = x[along]
    const picked = numbersOf(cut.content(1))
    if (!kept || !picked) return
    const indices = picked.map(i => (i < 0 ? i + kept.stays.length : i)).filter(i => kept.stays[i] === 1)
    cut.setNumbers(
      1,
      indices.map(i => before(kept, i)),
    )
  },
}

/** Blocks of b x b pixels to channels, and back. */
export const depthSpace: Rule = {
  ops: ['DepthToSpace', 'SpaceToDepth'],
  tie(site) {
    const [x, y] = [site.input(0), site.output(0)]
    if (!x || !y || x.length !== 4) return
    const deep = site.node.op === 'DepthToSpace'
    const [many, few] = deep ? [x[1], y[1]] : [y[1], x[1]]
    site.same(x[0], y[0])
    for (const axes of [x, y]) site.fix(axes.slice(2), 'moves pixels along this axis')
    if (!many || !few) {
      site.fix([many, few], 'has an open number of channels')
      return
    }
    const blocks = many.length / few.length
    const byColumn = deep && attrString(site.node, 'mode', 'DCR') === 'CRD'
    for (const [i, position] of many.entries())
      site.join(position, few[byColumn ? Math.floor(i / blocks) : i % few.length])
  },
}

/** Sizes along some axes change by scales or to given sizes; channels stay. */
export const resize: Rule = {
  ops: ['Resize', 'Upsample'],
  tie(site) {
    const [x, y] = [site.input(0), site.output(0)]
    if (!x || !y) return
    const sizes = site.node.inputs[3] != null && !site.constant(3)
    for (const [i, axis] of x.entries())
      if (i < 2 && !sizes && axis?.length === y[i]?.length) site.same(axis, y[i])
      else site.fix([axis, y[i]], 'resizes along this axis')
  },
  cut(cut) {
    const y = cut.output(0)
    const sizes = numbersOf(cut.content(3))
    if (!y || !sizes || cut.node.inputs[3] == null) return
    const axes = attrInts(cut.node, 'axes') ?? [...y.keys()]
    const fitted = sizes.map((size, i) => y[axes[i] < 0 ? axes[i] + y.length : axes[i]]?.count ?? size)
    if (fitted.some((size, i) => size !== sizes[i])) cut.setNumbers(3, fitted)
  },
}

export const gridSample: Rule = {
  ops: ['GridSample'],
  tie(site) {
    const [x, y] = [site.input(0), site.output(0)]
    if (!x || !y) return
    site.same(x[1], y[1])
    site.fix([...x.slice(0, 1), ...x.slice(2), ...y.slice(0, 1), ...y.slice(2)], 'looks up values along this axis')
    site.fix(site.input(1), 'looks up values by these places')
  },
}

/** Repeats an input along axes of length 1, or as it is. */
export const expand: Rule = {
  ops: ['Expand'],
  tie(site) {
    const [x, y] = [site.input(0), site.output(0)]
    if (!x || !y) return
    const shift = y.length - x.length
    const told = site.constant(1)
    const wanted = site.content(1)
    for (const [i, axis] of y.entries()) {
      const from = i < shift ? null : x[i - shift]
      // 1 keeps what there is, and a constant is written anew.
      const free = told || wanted?.[i - y.length + (wanted?.length ?? 0)] === 1
      if (axis && from && from.length === axis.length && free) site.same(from, axis)
      else if (from?.length === 1) site.fix([from], 'spreads it')
      else site.fix([from, axis], 'is told at run time how far to spread it')
      if (axis && (!from || from.length !== axis.length) && !told) site.fix([axis], 'is told its length at run time')
    }
  },
  cut(cut) {
    const y = cut.output(0)
    const wanted = numbersOf(cut.content(1))
    if (!y || !wanted) return
    const shift = y.length - wanted.length
    const fitted = wanted.map((size, i) => (size === 1 ? 1 : (y[i + shift]?.count ?? size)))
    if (fitted.some((size, i) => size !== wanted[i])) cut.setNumbers(1, fitted)
  },
}
