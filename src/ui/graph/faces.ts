// What each item looks like: its words, its colours and its family, made once for a drawing and not once a frame; and text cut to fit.
import type { Locale } from '../format.ts'
import { css, inkOn, type Rgb } from './colour.ts'
import { type Colours, changeColours, changeSigns, colourOf, figureText } from './colouring.ts'
import type { Groups } from './groups.ts'
import type { Change, Family, Scene } from './scene.ts'
import { type Shown, timesOf } from './shown.ts'

export interface Face {
  title: string
  detail: string
  figure: string
  family: Family | 'group'
  fill: string | null
  ink: string | null
  removed: boolean
}

export interface Words {
  nodes(count: number): string
  change: Readonly<Record<Change, string>>
}

const colours = (colour: Rgb | null): Pick<Face, 'fill' | 'ink'> =>
  colour ? { fill: css(colour), ink: css(inkOn(colour)) } : { fill: null, ink: null }

export function facesOf(
  scene: Scene,
  groups: Groups,
  shown: Shown,
  coloured: Colours | null,
  words: Words,
  locale: Locale,
): Face[] {
  return shown.items.map(({ node, group }, k): Face => {
    const value = coloured ? coloured.figures[k] : Number.NaN
    const figure = coloured ? figureText(value, coloured.by, locale) : ''
    const own = colours(coloured ? colourOf(value, coloured.scale) : null)
    if (group >= 0) {
      const { label, times, first, last } = groups.list[group]
      const count = words.nodes(last - first + 1)
      const changed = changedIn(scene, first, last)
      return {
        title: label,
        detail: [timesOf(times), count].filter(Boolean).join(' '),
        figure: changed ?? figure,
        family: 'group',
        ...own,
        removed: false,
      }
    }
    const { op, detail, family, change } = scene.nodes[node]
    if (!change) return { title: op, detail, figure, family, ...own, removed: false }
    const said = family === 'terminal' || change === 'kept' ? '' : `${changeSigns[change]} ${words.change[change]}`
    return { title: op, detail, figure: said, family, ...colours(changeColours[change]), removed: change === 'removed' }
  })
}

/** Of a folded group in a difference: how many nodes of each change it holds. */
function changedIn({ nodes }: Scene, first: number, last: number): string | null {
  if (!nodes[first].change) return null
  const counts = new Map<Change, number>()
  for (let k = first; k <= last; k++) {
    const { change } = nodes[k]
    if (change && change !== 'kept') counts.set(change, (counts.get(change) ?? 0) + 1)
  }
  return [...counts].map(([change, count]) => `${changeSigns[change]}${count}`).join(' ')
}

export const fontOf = (family: string, bold: boolean): string => `${bold ? '600 ' : ''}12px ${family}`

// Measuring is what a frame would spend most on; the same words in the same room are cut the same way.
const cuts = new Map<string, { text: string; width: number }>()
const mostCuts = 20_000

/** As much of a text as fits, with an ellipsis. */
export function cut(ctx: CanvasRenderingContext2D, text: string, room: number): { text: string; width: number } {
  const key = `${ctx.font}\n${Math.round(room)}\n${text}`
  const known = cuts.get(key)
  if (known) return known
  const measure = (part: string) => ({ text: part, width: ctx.measureText(part).width })
  let fits = measure(text)
  if (fits.width > room) {
    let low = 0
    let high = text.length
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (measure(`${text.slice(0, middle)}…`).width <= room) low = middle
      else high = middle - 1
    }
    fits = low === 0 ? { text: '', width: 0 } : measure(`${text.slice(0, low)}…`)
  }
  if (cuts.size >= mostCuts) cuts.clear()
  cuts.set(key, fits)
  return fits
}

/** Writes as much of a text as fits; gives the width taken. */
export function nodeText(ctx: CanvasRenderingContext2D, text: string, x: number, y: number, room: number): number {
  if (room <= 0) return 0
  const { text: fits, width } = cut(ctx, text, room)
  if (fits) ctx.fillText(fits, x, y)
  return width
}
