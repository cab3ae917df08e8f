// What the output of a layer was seen to hold, where its range is cut, and what another range would give. Histograms are those of
// calibration, gathered once where the run itself did without.
import type { Context } from '../ir/context.ts'
import { type Cells, cellsOf } from '../ir/histogram.ts'
import type { Model, ValueName } from '../ir/model.ts'
import { isInt } from '../ir/number-format.ts'
import { codeRange, type QuantParams, type QuantSpec, type Range } from '../ir/quant.ts'
import { gather } from '../recipe/steps/observed.ts'
import { rangesBy } from '../recipe/steps/quantize.ts'
import { resolveLayers } from '../recipe/steps/quantize-options.ts'
import { expectedError, squared } from '../stages/calibrate/expected-error.ts'
import { sqnrDb } from '../stages/evaluate/errors.ts'
import type { Sweep } from '../stages/observe/index.ts'
import { activationParams, spanOf } from '../stages/quantize/decide.ts'
import { fixedOutputs } from '../stages/quantize/fixed.ts'
import { type Bins, binsOf } from './bins.ts'
import { nodeNamed } from './layer-weights.ts'
import type { OpenedResult } from './opened-result.ts'

/** What a range comes to: what its codes reach, which share of the elements lies beyond, and the error of rounding to them. */
export interface Standing {
  reach: Range
  below: number
  above: number
  sqnrDb: number
}

export interface LayerOutput {
  value: ValueName
  /** Others that have the same scale. */
  shared: ValueName[]
  format: string
  bits: number
  samples: number
  count: number
  zeros: number
  seen: Range
  /** Without the zeros, of which a rectifier leaves many. */
  bins: Bins
  range: Range
  standing: Standing
  /** As far below zero as above. */
  symmetric: boolean
  /** Why another range cannot be chosen; null: it can. */
  fixed: 'target' | null
}

/** A value that is rounded, with all that the error of a range follows from. */
interface Rounded {
  value: ValueName
  set: readonly ValueName[]
  spec: QuantSpec
  bounds: Range | null
  cells: Cells
  signal: number
  count: number
}

export interface OpenedOutput {
  output: LayerOutput
  rounded: Rounded
}

const binCount = 96

/** What the layer of that name makes, behind the function that is fused to it; null where it is not rounded to integers. */
export async function openOutput(
  opened: OpenedResult,
  names: readonly string[],
  ctx: Context,
): Promise<OpenedOutput | null> {
  const { float, choice, variant, options, wanted } = opened
  const node = nodeNamed(float.graph, names)
  if (!node || !wasObserved(opened)) return null
  const chosen = choice.chosen.get(node.id) ?? [...choice.chosen.values()].find(c => c.fused?.id === node.id)
  const value = chosen?.output ?? node.outputs[0]
  const params = value ? variant.plan!.activations.get(value) : undefined
  if (!value || !params || !isInt(params.spec.format)) return null
  opened.sweep ??= await histograms(opened, ctx)
  const { observations: seen, samples } = opened.sweep
  const observation = seen.get(value)
  if (!observation?.histogram || observation.count === 0) return null

  const spec = params.spec as QuantSpec
  const perNode = resolveLayers(float, options)
  const of = rangesBy(seen, choice, perNode, options, wanted.target, variant.raw)
  const { set, range, bounds } = spanOf(value, spec, choice, { of })
  const cells = cellsOf(observation, observation.histogram)
  const rounded = { value, set, spec, bounds, cells, signal: energyOf(cells), count: observation.count }
  const { min, max, zeros, count } = observation
  const prescribed = fixedOutputs(float.graph, wanted.target, spec.format.bits)
  const output: LayerOutput = {
    value,
    shared: set.filter(name => name !== value),
    format: `${spec.format.signed ? 'int' : 'uint'}${spec.format.bits}`,
    bits: spec.format.bits,
    samples,
    count,
    zeros,
    seen: { min, max },
    bins: binsOf(withoutZeros(cells), Math.min(min, 0), Math.max(max, 0), binCount),
    range,
    standing: standingOf(rounded, onlyScale(params)),
    symmetric: spec.symmetric,
    fixed: set.some(name => prescribed.has(name)) ? 'target' : null,
  }
  return { output, rounded }
}

/** What another range would give, in a fraction of a millisecond: the model is not run. */
export const standingWith = ({ rounded }: OpenedOutput, range: Range): Standing =>
  standingOf(rounded, onlyScale(activationParams(rounded.spec, range, rounded.bounds)))

const onlyScale = ({ scale, zeroPoint }: QuantParams) => ({ scale: scale[0], zeroPoint: zeroPoint[0] })

function standingOf({ spec, cells, signal, count }: Rounded, params: { scale: number; zeroPoint: number }): Standing {
  const { qmin, qmax } = codeRange(spec)
  const reach = { min: (qmin - params.zeroPoint) * params.scale, max: (qmax - params.zeroPoint) * params.scale }
  const noise = expectedError(cells, params, spec, squared)
  // Half a step beyond the last code still rounds to it.
  const half = params.scale / 2
  return {
    reach,
    below: countBelow(cells, reach.min - half) / count,
    above: Math.max(0, 1 - countBelow(cells, reach.max + half) / count),
    sqnrDb: sqnrDb(signal, noise),
  }
}

/** Sum of x^2 over elements that are spread evenly over their cells. */
function energyOf({ low, high, count }: Cells): number {
  let sum = 0
  for (let i = 0; i < count.length; i++)
    sum += (count[i] * (low[i] * low[i] + low[i] * high[i] + high[i] * high[i])) / 3
  return sum
}

/** How many elements lie below. */
function countBelow({ low, high, count }: Cells, bound: number): number {
  let sum = 0
  for (let i = 0; i < count.length; i++) {
    if (high[i] <= bound) sum += count[i]
    else if (low[i] < bound) sum += (count[i] * (bound - low[i])) / (high[i] - low[i])
  }
  return sum
}

function withoutZeros({ low, high, count }: Cells): Cells {
  const kept = (_: number, i: number): boolean => low[i] !== 0 || high[i] !== 0
  return { low: low.filter(kept), high: high.filter(kept), count: count.filter(kept) }
}

/** Of all values that get a scale, those of other bundles too; taken from what was kept where that has histograms. */
async function histograms(opened: OpenedResult, ctx: Context): Promise<Sweep> {
  const { request, after, float, repaired, choice, options, env, wanted } = opened
  const others = repaired ? [] : after.variants.flatMap(({ plan }) => [...(plan?.activations.keys() ?? [])])
  const values = [...choice.values, ...others.filter(name => !choice.values.includes(name) && has(float, name))]
  const withHistograms = { ...options, range: 'mse' }
  const data = request.calibration!
  const lent = { ...env, ctx, wanted: [wanted] }
  return gather(float, [...new Set(values)], data, request.samples, withHistograms, lent, repaired)
}

const has = ({ graph }: Model, name: ValueName): boolean =>
  graph.inputs.includes(name) || graph.nodes.some(node => node.outputs.includes(name))

/** Whether ranges were measured, so that there is something to show of them. */
const wasObserved = ({ request, after }: OpenedResult): boolean =>
  request.calibration !== null && (after.observed?.samples ?? 0) > 0
