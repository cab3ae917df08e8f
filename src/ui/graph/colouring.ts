// What nodes are coloured by: a figure of each, a scale with its ends named, and the figure in words beside every colour.
import type { LayerReport, Report } from '../../jobs/report.ts'
import type { Locale } from '../format.ts'
import * as format from '../format.ts'
import { byName } from '../state/by-name.ts'
import { cividis, type Rgb, sqnrRange } from './colour.ts'
import type { Groups } from './groups.ts'
import type { Change, Scene } from './scene.ts'
import type { Shown } from './shown.ts'

export type By = 'sqnr' | 'bytes' | 'macs' | 'time' | 'bits' | 'pruned'
export const bys: readonly By[] = ['sqnr', 'bytes', 'macs', 'time', 'bits', 'pruned']

/** What a person knows of a scene's nodes besides the graph. */
export interface Known {
  layers: ReadonlyMap<number, LayerReport>
  pruned: Report['pruned']
  /** Milliseconds of layers alone, by the node that they had before rounding. */
  times: ReadonlyMap<string, number>
}

/** The error that a layer is judged by; null where there is no figure. */
export const sqnrOf = (layer: LayerReport | undefined): number | null =>
  layer ? (layer.cumulativeSqnrDb ?? layer.sqnrDb) : null

/** Share of the channels that went, in percent, by the layer's imported name. */
function prunedShares(pruned: Report['pruned']): Map<string, number> {
  const shares = new Map<string, number>()
  for (const { layer, layers, before, after } of pruned?.groups ?? [])
    for (const name of [layer, ...layers]) shares.set(name, 100 * (1 - after / before))
  return shares
}

/** The figure of each node; NaN for none. */
export function figuresOf(scene: Scene, { layers, pruned, times }: Known, by: By): Float64Array {
  const shares = by === 'pruned' ? prunedShares(pruned) : null
  return Float64Array.from(scene.nodes, ({ node, id }, k) => {
    if (!node) return Number.NaN
    const layer = layers.get(k)
    switch (by) {
      case 'sqnr':
        return sqnrOf(layer) ?? Number.NaN
      case 'bits':
        return layer?.weightBits ?? layer?.activationBits ?? Number.NaN
      case 'bytes':
        return node.bytes || Number.NaN
      case 'macs':
        return node.macs || Number.NaN
      case 'time':
        return byName(times, id, node.origin) ?? Number.NaN
      case 'pruned':
        return byName(shares!, id, node.origin) ?? Number.NaN
    }
  })
}

/** Of a folded group: the sum of an amount, the worst of a quality, the most of a share. */
const joined: Record<By, (a: number, b: number) => number> = {
  sqnr: Math.min,
  bits: Math.min,
  bytes: (a, b) => a + b,
  macs: (a, b) => a + b,
  time: (a, b) => a + b,
  pruned: Math.max,
}

/** The figure of each item that is drawn. */
export function itemFigures(figures: Float64Array, shown: Shown, { list }: Groups, by: By): Float64Array {
  const join = joined[by]
  return Float64Array.from(shown.items, ({ node, group }) => {
    if (group < 0) return figures[node]
    let sum = Number.NaN
    for (let k = list[group].first; k <= list[group].last; k++)
      if (!Number.isNaN(figures[k])) sum = Number.isNaN(sum) ? figures[k] : join(sum, figures[k])
    return sum
  })
}

export interface Scale {
  low: number
  high: number
  log: boolean // equal steps of colour are equal factors
}

/** Amounts spread over powers of ten are told apart only by their logarithm. */
const spread = 50

export function scaleOf(figures: Float64Array, by: By): Scale {
  if (by === 'sqnr') return { ...sqnrRange, log: false }
  if (by === 'pruned') return { low: 0, high: 100, log: false }
  if (by === 'bits') return { low: 2, high: 32, log: true }
  let low = Number.POSITIVE_INFINITY
  let high = 0
  for (const value of figures) {
    if (Number.isNaN(value)) continue
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  return high / low > spread ? { low, high, log: true } : { low: 0, high: high || 1, log: false }
}

export function shareOf(value: number, { low, high, log }: Scale): number {
  if (high <= low) return 1
  return log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low)
}

/** A figure as people read it, with its unit. */
export function figureText(value: number, by: By, locale: Locale): string {
  if (Number.isNaN(value)) return ''
  switch (by) {
    case 'sqnr':
      return format.decibel(value, locale)
    case 'bytes':
      return format.bytes(value, locale)
    case 'macs':
      return format.count(value, locale)
    case 'time':
      return format.milliseconds(value, locale)
    case 'bits':
      return locale === 'zh' ? `${value}\u00a0位` : `${value}\u00a0bit`
    case 'pruned':
      return format.percent(value, 0, locale)
  }
}

/** Which figures there are: what would leave every node without a colour is not offered. */
export const offered = (scene: Scene, known: Known): By[] =>
  bys.filter(by => figuresOf(scene, known, by).some(value => !Number.isNaN(value)))

export const colourOf = (value: number, scale: Scale): Rgb | null =>
  Number.isNaN(value) ? null : cividis(shareOf(value, scale))

/** What became of a node, in colours that people with colour blindness tell apart (Okabe, Ito 2008); kept has none. */
export const changeColours: Readonly<Record<Change, Rgb | null>> = {
  kept: null,
  changed: [230, 159, 0],
  added: [0, 114, 178],
  removed: null,
}
export const removedLine: Rgb = [204, 87, 40]
/** What tells them apart without colour. */
export const changeSigns: Readonly<Record<Change, string>> = { kept: '=', changed: '~', added: '+', removed: '−' }

/** A colouring of what is drawn. */
export interface Colours {
  by: By
  figures: Float64Array // of items
  scale: Scale
}
export function coloursOf(scene: Scene, groups: Groups, shown: Shown, known: Known, by: By): Colours {
  const figures = itemFigures(figuresOf(scene, known, by), shown, groups, by)
  return { by, figures, scale: scaleOf(figures, by) }
}
