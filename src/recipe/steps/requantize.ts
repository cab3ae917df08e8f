// A model that came in quantised, by the rules of another target: the ranges are those that its scales say, so that no samples are needed.
import type { Context } from '../../ir/context.ts'
import { numberFormat } from '../../ir/format-names.ts'
import type { Graph, Model, Node, NodeId, ValueName } from '../../ir/model.ts'
import { codesOf, isInt } from '../../ir/number-format.ts'
import { codeRange, type QuantParams, type QuantSpec } from '../../ir/quant.ts'
import type { Form, Target } from '../../ir/target.ts'
import { infer } from '../../ops/infer.ts'
import { optimize } from '../../stages/passes/index.ts'
import { upgradeOpset } from '../../stages/passes/upgrade-opset.ts'
import { type Choice, choose, type LayerFormats } from '../../stages/quantize/choose.ts'
import { decide } from '../../stages/quantize/decide.ts'
import { derivedRanges } from '../../stages/quantize/derived-ranges.ts'
import { keepRoundings } from '../../stages/quantize/keep-roundings.ts'
import { quantizeModel } from '../../stages/quantize/qdq.ts'
import { withTabledReciprocals } from '../../stages/quantize/reciprocals.ts'
import { separateRoles } from '../../stages/quantize/separate.ts'
import { type Grid, moves, stripPairs } from '../../stages/quantize/strip.ts'
import { emptyVariant, type Variant, type Wanted } from '../state.ts'
import { legalise } from './legalise.ts'

export const isQuantized = ({ graph }: Model): boolean => graph.nodes.some(node => node.op === 'DequantizeLinear')

/** `float`: the model without its pairs, whose layers stand beside those of the variant's. */
export async function requantize(model: Model, wanted: Wanted, form: Form, ctx: Context): Promise<Variant> {
  const { target } = wanted
  const stripped = await stripPairs(infer(model), ctx.bytes)
  const { model: simple } = await optimize(stripped.model, ctx)
  const float = separateRoles(infer(upgradeOpset(infer(await legalise(simple, target, ctx)), 13)))
  const ranges = derivedRanges(float, stripped.ranges)
  const { choice, unknown } = chooseKnown(float, target, form, ranges)
  const decided = await decide(float, target, choice, { of: name => ranges.get(name)! }, ctx)
  for (const [name, params] of decided.weights) keepScales(params, stripped.scales.get(name))
  // What ends where a function is bounded stays as it is: with other codes the function would not vanish into them.
  const bounded = new Set([...choice.chosen.values()].flatMap(c => (c.bounds ? [c.output] : [])))
  for (const [name, params] of decided.activations) if (!bounded.has(name)) keepGrid(params, ranges.get(name))
  const plan = withTabledReciprocals(decided, float.graph, target)
  const rounded = target.quant.keepsRoundings ? infer(keepRoundings(float, stripped.ranges, plan.quantized)) : float
  const quantized = await quantizeModel(rounded, plan, ctx.bytes)
  const left = plan.float.map(f => ({ ...f, why: unknown.get(f.node) ?? f.why }))
  const precision = [form.weights ?? 'int8', form.activations ?? 'uint8'] as const
  return { ...emptyVariant(wanted, form.id, quantized, plan, left, precision), reference: float }
}

/** Weights that lie on a grid stay on it, though their largest code may not be the last one. */
function keepScales({ scale }: QuantParams, known: Float32Array | undefined): void {
  if (!known || (known.length !== scale.length && known.length !== 1)) return
  const own = (i: number): number => known[known.length === 1 ? 0 : i]
  if (scale.every((s, i) => s <= own(i) * (1 + 1e-6))) for (let i = 0; i < scale.length; i++) scale[i] = own(i)
}

/**
 * Activations stay on their grid, where the target has all its codes but one at most: to round to another of nearly the same step would cost
 * as much as rounding did. That one is at the end where zero is not.
 */
function keepGrid({ spec, scale, zeroPoint }: QuantParams, known: Grid | undefined): void {
  if (!known || !isInt(spec.format) || spec.symmetric) return
  if (Math.abs(scale[0] / known.scale - 1) > oneCode) return
  const { qmin, qmax } = codeRange(spec as QuantSpec)
  const least = codesOf(spec.format, false).qmin
  scale[0] = known.scale
  zeroPoint[0] = Math.min(qmax, Math.max(qmin, least - Math.round(known.min / known.scale)))
}

// 255 steps in the place of 254.
const oneCode = 1 / 200

/** Operators whose values all have a range; the others stay float, and why. */
function chooseKnown(
  float: Model,
  target: Target,
  form: Form,
  ranges: ReadonlyMap<ValueName, Grid>,
): { choice: Choice; unknown: ReadonlyMap<NodeId, string> } {
  const formats: LayerFormats = { weights: form.weights ?? 'int8', activations: form.activations ?? 'uint8' }
  const unknown = new Map<NodeId, string>()
  for (;;) {
    const of = (node: Node): LayerFormats =>
      unknown.has(node.id) ? { weights: 'float32', activations: 'float32' } : formats
    const choice = choose(float, target, of)
    const lacks = new Set(choice.values.filter(name => !ranges.has(name)))
    const cut = new Set(choice.values.filter(name => isCut(name, choice, float, target, ranges.get(name))))
    if (lacks.size + cut.size === 0) return { choice, unknown }
    for (const { node, output } of choice.chosen.values()) {
      const reads = (names: ReadonlySet<ValueName>): boolean =>
        node.inputs.some(name => name !== null && names.has(name))
      if (lacks.has(output) || reads(lacks)) unknown.set(node.id, noRange)
      else if (reads(cut)) unknown.set(node.id, lessCodes)
    }
  }
}

/**
 * Whether a code of what the model is given would be lost, where a target whose codes lie around zero has one less: pictures have black and
 * white, while ranges of other values are wider than nearly all of them.
 */
function isCut(name: ValueName, { valueFormats }: Choice, { graph }: Model, target: Target, grid?: Grid): boolean {
  const { signed, restricted = false } = target.quant.activations
  const format = numberFormat(valueFormats.get(name)!, signed)
  if (!grid || !format || !isInt(format) || !isGiven(graph, name)) return false
  const { qmin, qmax } = codesOf(format, restricted)
  return Math.round((grid.max - grid.min) / grid.scale) > qmax - qmin
}

/** An input of the graph, as it is or moved. */
function isGiven(graph: Graph, name: ValueName): boolean {
  if (graph.inputs.includes(name)) return true
  const maker = graph.nodes.find(node => node.outputs.includes(name))
  const from = maker && moves.has(maker.op) ? maker.inputs[0] : null
  return from != null && isGiven(graph, from)
}

const noRange = 'the range of a value that it reads or makes is not in the model'
const lessCodes = 'its input has one code more than the target, which would cut off an end of what the model is given'
