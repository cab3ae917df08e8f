// The same values under other axes. Where one axis becomes several, or several one, channels are followed along one of them: that
// along which the most can still be removed, such as the heads of an attention or the channels of a map that becomes a row.
import { elementCount } from '../../../base/dtype.ts'
import type { Dim } from '../../../ir/model.ts'
import type { Axis } from '../ties.ts'
import type { Cut, Rule, Site } from './types.ts'

type Axes = readonly Axis[]

/** Runs of axes on both sides that hold the same elements; null from where that cannot be told. */
function runs(x: Axes, y: Axes): { from: number[]; to: number[] }[] | null {
  const found: { from: number[]; to: number[] }[] = []
  let [i, j] = [0, 0]
  while (i < x.length || j < y.length) {
    const from = i < x.length ? [i++] : []
    const to = j < y.length ? [j++] : []
    const size = (axes: Axes, list: number[]): number | null => {
      const lengths = list.map(at => axes[at]?.length ?? null)
      return lengths.includes(null) ? null : elementCount(lengths as number[])
    }
    for (;;) {
      const [a, b] = [size(x, from), size(y, to)]
      if (a === null || b === null) {
        // An open axis that stays alone, as that of the samples does.
        if (a === null && b === null && from.length === 1 && to.length === 1) break
        return null
      }
      if (a === b) break
      if (a < b && i < x.length) from.push(i++)
      else if (a > b && j < y.length) to.push(j++)
      else return null
    }
    found.push({ from, to })
  }
  return found
}

const mixes = 'mixes channels'

function tie(site: Site): void {
  const [x, y] = [site.input(0), site.output(0)]
  if (!x || !y) return
  const found = runs(x, y)
  if (!found) {
    for (const axes of [x, y]) site.fix(axes, 'has axes of open length that cannot be followed')
    return
  }
  for (const { from, to } of found) {
    const long = (axes: Axes, list: number[]): Axis[] => list.map(i => axes[i]).filter(axis => axis?.length !== 1)
    const [ins, outs] = [long(x, from), long(y, to)]
    if (ins.length === 0 || outs.length === 0) for (const axes of [ins, outs]) site.fix(axes, mixes)
    else if (ins.length === 1 && outs.length === 1) site.same(ins[0], outs[0])
    else if (outs.length === 1) gatherInto(site, ins, outs[0])
    else if (ins.length === 1) gatherInto(site, outs, ins[0])
    else for (const axes of [ins, outs]) site.fix(axes, mixes)
  }
}

/** `parts` side by side, the last of them closest, are `whole`. */
function gatherInto(site: Site, parts: readonly Axis[], whole: Axis): void {
  if (!whole || parts.includes(null)) {
    for (const axis of [...parts, whole]) site.fix([axis], mixes)
    return
  }
  const open = parts.map(axis => site.open(axis))
  const carrier = open.indexOf(Math.max(...open))
  const inner = elementCount(parts.slice(carrier + 1).map(axis => axis!.length))
  const axis = parts[carrier]!
  for (const [i, position] of whole.entries()) site.join(position, axis[Math.floor(i / inner) % axis.length])
  site.fix(
    parts.filter((_, i) => i !== carrier),
    mixes,
  )
}

/** New lengths of axes that were given as numbers. */
function fitted(cut: Cut, wanted: readonly unknown[]): number[] | null {
  const y = cut.output(0)
  const numbers = wanted.map((size, i) => (typeof size === 'number' && size > 0 ? (y?.[i]?.count ?? size) : size))
  return numbers.every(n => typeof n === 'number') ? (numbers as number[]) : null
}

export const reshape: Rule = {
  ops: ['Reshape'],
  last: true,
  tie(site) {
    const y = site.output(0)
    if (site.opset >= 5 && !site.constant(1)) {
      const wanted = site.content(1)
      // What is left to 0 and -1 follows by itself.
      for (const [i, axis] of (y ?? []).entries())
        if (axis?.length !== 1 && !isOpen(wanted?.[i] ?? null)) site.fix([axis], 'takes its shape at run time')
      if (!wanted) {
        site.fix(site.input(0), 'takes its shape at run time')
        return
      }
    }
    tie(site)
  },
  cut(cut) {
    const wanted = cut.content(1)
    if (!wanted || cut.output(0)?.every(kept => kept === null) !== false) return
    const numbers = fitted(cut, wanted)
    if (numbers?.some((n, i) => n !== wanted[i])) cut.setNumbers(1, numbers)
  },
}

const isOpen = (wanted: Dim): boolean => typeof wanted === 'number' && wanted <= 0

export const flatten: Rule = { ops: ['Flatten'], last: true, tie }
