// What may help a model that lost too much: changes of the step that quantises, each tried on the whole model.
import type { NodeId } from '../ir/model.ts'
import type { Target } from '../ir/target.ts'
import type { QuantizeOptions } from '../recipe/steps/quantize-options.ts'
import { bitsOf } from '../recipe/steps/search-options.ts'
import type { Blamed } from './blame.ts'

export interface Remedy {
  kind: 'float' | 'activations' | 'weights' | 'granularity' | 'range' | 'repairs'
  /** The layers that it is for; empty: the whole model. */
  nodes: NodeId[]
  /** The format, method or repairs that it chooses. */
  to: string
  /** Options of the step that differ with it. */
  quantize: Partial<QuantizeOptions>
}

type Layer = QuantizeOptions['layers'][string]

/** Remedies that fit what the layers suffer from and what the target can, those likely to help first. */
export function remediesFor(blamed: readonly Blamed[], o: QuantizeOptions, { quant, integersOnly }: Target): Remedy[] {
  const forLayers = (kind: Remedy['kind'], nodes: readonly NodeId[], to: string, layer: Layer): Remedy => ({
    kind,
    nodes: [...nodes],
    to,
    quantize: {
      layers: { ...o.layers, ...Object.fromEntries(nodes.map(id => [id, { ...o.layers[id], ...layer }])) },
    },
  })
  const repair = (...added: string[]): Remedy[] => {
    const fresh = added.filter(id => !o.repairs.includes(id))
    return fresh.length === 0
      ? []
      : [{ kind: 'repairs', nodes: [], to: fresh.join(', '), quantize: { repairs: [...o.repairs, ...fresh] } }]
  }
  const each = blamed.flatMap((b): Remedy[] => {
    const layer = o.layers[b.node] ?? {}
    const has = (test: (c: Blamed['causes'][number]) => boolean): boolean => b.causes.some(test)
    const rounds = (of: 'weights' | 'activations'): boolean =>
      b.roundings.some(r => (r.of === 'weights') === (of === 'weights') && r.share >= 0.25)
    const found: Remedy[] = []
    const granular =
      (layer.granularity ?? o.granularity) === 'tensor' &&
      has(c => c.kind === 'outlier-channel' && c.of === 'weights-out')
    if (granular) found.push(forLayers('granularity', [b.node], 'channel', { granularity: 'channel' }))
    if (rounds('weights') && bitsOf(layer.weights ?? o.weights) < 8 && quant.weights.formats.includes('int8'))
      found.push(forLayers('weights', [b.node], 'int8', { weights: 'int8' }))
    if (
      rounds('activations') &&
      bitsOf(layer.activations ?? o.activations) < 16 &&
      quant.activations.formats.includes('int16')
    )
      found.push(forLayers('activations', [b.node], 'int16', { activations: 'int16' }))
    const range = layer.range ?? o.range
    if (rounds('activations') && has(c => c.kind === 'long-tail' || c.kind === 'outlier-channel') && range !== 'mse')
      found.push(forLayers('range', [b.node], 'mse', { range: 'mse' }))
    if (has(c => c.kind === 'clipped') && range !== 'minmax')
      found.push(forLayers('range', [b.node], 'minmax', { range: 'minmax' }))
    if (!integersOnly) found.push(forLayers('float', [b.node], 'float32', { float: true }))
    return found
  })
  const all = blamed.map(b => b.node)
  const together = all.length > 1 && !integersOnly ? [forLayers('float', all, 'float32', { float: true })] : []
  const outliers = blamed.some(b => b.causes.some(c => c.kind === 'outlier-channel'))
  const repairs = [...repair('equalize'), ...repair('refit'), ...repair('equalize', 'refit')]
  const ordered = outliers
    ? [...repairs.slice(0, 1), ...each, ...repairs.slice(1), ...together]
    : [...each, ...together, ...repairs]
  return ordered.filter((r, i) => ordered.findIndex(other => JSON.stringify(other) === JSON.stringify(r)) === i)
}
