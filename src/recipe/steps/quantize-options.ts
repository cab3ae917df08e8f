// What a recipe may ask of the step `quantize`, and what its options come to for each node and each target.
import * as v from 'valibot'
import { StudioError } from '../../base/errors.ts'
import { choice, flag, number, type OptionValues, several, value } from '../../base/options.ts'
import { type FormatName, formatName, formatNames, numberFormat } from '../../ir/format-names.ts'
import type { Model, Node, NodeId } from '../../ir/model.ts'
import type { Target } from '../../ir/target.ts'
import { weightOf } from '../../ops/facts.ts'
import { forms } from '../../stages/calibrate/forms.ts'
import { findMethod, methods } from '../../stages/calibrate/index.ts'
import type { CalibrationMethod } from '../../stages/calibrate/types.ts'
import type { LayerFormats, WeightScales } from '../../stages/quantize/choose.ts'
import { opsetFor } from '../../stages/quantize/qdq.ts'
import { graphRepairs, repairs, weightRepairs } from '../../stages/quantize/repairs/index.ts'
import { select } from '../../stages/quantize/selectors.ts'

const rangeNames = ['auto', ...methods.map(m => m.id)]

/**
 * The method that a name means for a format: with many levels clipping costs more than rounding, with few (measured on ResNet20: 13.5 dB
 * against 8.5 with four bits) it is the other way round.
 */
export const methodFor = (range: string, bits: number): CalibrationMethod =>
  findMethod(range === 'auto' ? (bits < 7 ? 'lp2.4' : 'minmax') : range)

/** Whether any range that the options ask for is found in a histogram. */
export function needsHistogram(o: QuantizeOptions): boolean {
  const ranges = [o.range, ...Object.values(o.layers).flatMap(layer => layer.range ?? [])]
  const bits = formatsIn(o)
    .map(f => numberFormat(f.activations, false))
    .map(format => (format?.kind === 'int' ? format.bits : 8))
  return ranges.some(range => bits.some(b => methodFor(range, b).needs === 'histogram'))
}

const granularities = ['channel', 'tensor', 'block:16', 'block:32', 'block:64', 'block:128', 'block:256'] as const

const layerSchema = v.strictObject({
  weights: v.optional(v.picklist(formatNames)),
  activations: v.optional(v.picklist(formatNames)),
  granularity: v.optional(v.picklist(granularities)),
  range: v.optional(v.picklist(rangeNames)),
  float: v.optional(v.boolean()),
})
type LayerOptions = v.InferOutput<typeof layerSchema>

export const options = {
  weights: choice('Weights', formatNames, 'int8'),
  activations: choice('Activations', formatNames, 'uint8'),
  granularity: choice('Weight scales', granularities, 'channel'),
  range: choice('Range of activations', rangeNames, 'auto'),
  percentile: number('Percentile', { default: 99.99, min: 90, max: 100, step: 0.001 }),
  form: choice('Computed as by', forms, 'auto'),
  ranges: value('Ranges given', v.record(v.string(), v.strictObject({ min: v.number(), max: v.number() })), {}),
  estimate: choice('Without samples', ['auto', 'batch-norm', 'synthesised'], 'auto'),
  rawInput: flag('Take pixels as they are', false),
  repairs: several('Repairs', repairs, []),
  iterations: number('Steps of learned rounding', { default: 500, min: 1, max: 100000 }),
  learningBatch: number('Samples a step of learning', { default: 16, min: 1, max: 256 }),
  blockLoss: choice('Errors of a block count', ['mse', 'fisher'], 'mse'),
  batch: number('Samples per batch', { default: 16, min: 1, max: 256 }),
  layers: value('Per layer', v.record(v.string(), layerSchema), {} as Record<string, LayerOptions>),
}
export type QuantizeOptions = OptionValues<typeof options>

/** Every pair of formats that the options name, the general one first. */
export const formatsIn = (o: QuantizeOptions): LayerFormats[] => [
  { weights: o.weights, activations: o.activations },
  ...Object.values(o.layers)
    .filter(layer => !layer.float)
    .map(layer => ({ weights: layer.weights ?? o.weights, activations: layer.activations ?? o.activations })),
]

/** Whether any activation gets few bits, for which its range must be known. */
const observes = (o: QuantizeOptions): boolean => formatsIn(o).some(f => f.activations !== 'float32') && !wholeHalf(o)

export const needsSamples = (o: QuantizeOptions): boolean =>
  observes(o) || [...graphRepairs(o.repairs), ...weightRepairs(o.repairs)].some(r => r.needsData)

/** The whole model in float16, which needs neither scales nor pairs. */
export const wholeHalf = (o: QuantizeOptions): boolean => o.weights === 'float16' && o.activations === 'float16'

const scalesOf = (granularity: (typeof granularities)[number]): WeightScales =>
  granularity === 'tensor' || granularity === 'channel' ? granularity : { block: Number(granularity.slice(6)) }

/** The oldest opset, 13 or newer, that has every format. */
export function opsetOf(o: QuantizeOptions): number {
  const blocks = [o, ...Object.values(o.layers)].some(l => l.granularity?.startsWith('block'))
  const opsets = formatsIn(o).flatMap(f => [
    ...[f.weights].map(name => [name, blocks] as const),
    ...[f.activations].map(name => [name, false] as const),
  ])
  return opsets.reduce((most, [name, inBlocks]) => {
    const format = numberFormat(name, false)
    return format ? Math.max(most, opsetFor(format, inBlocks)) : most
  }, 13)
}

export const precisionOf = (o: QuantizeOptions, target: Target): [string, string] => [
  formatName(numberFormat(o.weights, target.quant.weights.signed)),
  formatName(numberFormat(o.activations, target.quant.activations.signed)),
]

/** What the recipe says of each node: the general options, overridden by every selector that matches, in their order. */
export interface PerNode {
  formats(node: Node): LayerFormats
  range(node: NodeId): string
}

export function resolveLayers(model: Model, o: QuantizeOptions): PerNode {
  const { graph } = model
  const weighted = graph.nodes.filter(n => weightOf(n, graph)?.lookup === false)
  const overrides = new Map<NodeId, LayerOptions>()
  for (const [selector, layer] of Object.entries(o.layers))
    for (const id of select(selector, graph.nodes, weighted)) overrides.set(id, { ...overrides.get(id), ...layer })
  const formatOf = (id: NodeId, which: 'weights' | 'activations'): FormatName => {
    const layer = overrides.get(id)
    return layer?.float ? 'float32' : (layer?.[which] ?? o[which])
  }
  return {
    formats: node => ({
      weights: formatOf(node.id, 'weights'),
      activations: formatOf(node.id, 'activations'),
      scales: scalesOf(overrides.get(node.id)?.granularity ?? o.granularity),
    }),
    range: id => overrides.get(id)?.range ?? o.range,
  }
}

/** A recipe that asks for numbers which a target does not have is refused, never served with others. */
export function checkFormats(o: QuantizeOptions, { label, quant }: Target): void {
  for (const formats of formatsIn(o))
    for (const which of ['weights', 'activations'] as const)
      if (!quant[which].formats.includes(formats[which]))
        throw new StudioError('bad-recipe', `${label} does not run ${which} of ${formats[which]}`, {
          where: { step: 'quantize' },
          hint: `Choose one of ${quant[which].formats.join(', ')}.`,
        })
}
