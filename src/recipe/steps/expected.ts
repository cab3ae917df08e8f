// What each format of a layer is expected to cost: as measured, smoothed over its formats, and the worst of the others' where a layer
// was not measured.
import type { FormatName } from '../../ir/format-names.ts'
import type { NodeId } from '../../ir/model.ts'
import { noiseShare, sqnrDb } from '../../stages/evaluate/errors.ts'
import { smoothed } from '../../stages/search/smooth.ts'
import { bitsOf, type Figures } from './search-options.ts'
import type { Sensitivity } from './sensitivity.ts'

export type Expected = (layer: NodeId, format: FormatName) => Figures

export const expected = (sensitivity: Sensitivity): Expected => lookup(sensitivity, smooth)
export const asMeasured = (sensitivity: Sensitivity): Expected =>
  lookup(sensitivity, formats => new Map(Object.entries(formats)) as ByFormat)

type ByFormat = Map<FormatName, Figures>

function lookup(sensitivity: Sensitivity, of: (formats: Sensitivity[NodeId]) => ByFormat): Expected {
  const layers = new Map(Object.entries(sensitivity).map(([id, formats]) => [id, of(formats)]))
  return (layer, format) => {
    const own = layers.get(layer)?.get(format)
    if (own || format === 'float32') return own ?? { sqnrDb: 200, kl: 0 }
    const others = [...layers.values()].flatMap(formats => formats.get(format) ?? [])
    const kls = others.flatMap(f => f.kl ?? [])
    return {
      sqnrDb: others.reduce((least, f) => Math.min(least, f.sqnrDb), 200),
      kl: kls.length < others.length ? null : kls.reduce((most, kl) => Math.max(most, kl), 0),
    }
  }
}

function smooth(formats: Sensitivity[NodeId]): ByFormat {
  const measured = Object.entries(formats) as [FormatName, Figures][]
  const found = new Map(measured)
  // Formats of other kinds have no more bits where they have more levels.
  const integers = measured.filter(([name]) => /^int\d+$/.test(name))
  const noise = smoothed(integers.map(([name, f]) => ({ bits: bitsOf(name), error: noiseShare(f.sqnrDb) })))
  const kls = smoothed(integers.map(([name, f]) => ({ bits: bitsOf(name), error: f.kl ?? 0 })))
  for (const [i, [name, f]] of integers.entries())
    found.set(name, { sqnrDb: sqnrDb(1, noise[i]), kl: f.kl === null ? null : kls[i] })
  return found
}
