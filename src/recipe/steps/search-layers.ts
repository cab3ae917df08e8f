// The layers whose format a search may choose, the formats that its targets have, and the model that both are of.
import { StudioError } from '../../base/errors.ts'
import type { FormatName } from '../../ir/format-names.ts'
import type { Model, ValueName } from '../../ir/model.ts'
import type { Target } from '../../ir/target.ts'
import { weightOf } from '../../ops/facts.ts'
import { infer } from '../../ops/infer.ts'
import { upgradeOpset } from '../../stages/passes/upgrade-opset.ts'
import { choose } from '../../stages/quantize/choose.ts'
import { select } from '../../stages/quantize/selectors.ts'
import { separateRoles } from '../../stages/quantize/separate.ts'
import { opsetOf, type QuantizeOptions } from './quantize-options.ts'
import type { SearchLayer } from './sensitivity.ts'

/** Formats that every target has, the smallest first in the order given. */
export function usable(
  formats: readonly FormatName[],
  targets: readonly Target[],
): { formats: FormatName[]; notes: string[] } {
  const has = (name: FormatName): boolean =>
    name === 'float32' || targets.every(t => t.quant.weights.formats.includes(name))
  const kept = [...new Set(formats)].filter(has)
  const without = formats.filter(name => !has(name))
  if (kept.length === 0)
    throw new StudioError('bad-recipe', `${targets[0].label} has none of the formats ${formats.join(', ')}`, {
      where: { step: 'search' },
      hint: `Choose among ${targets[0].quant.weights.formats.join(', ')}.`,
    })
  return {
    formats: kept,
    notes: without.length > 0 ? [`The search left out ${without.join(', ')}, which a target does not have.`] : [],
  }
}

/** The float model as the step `quantize` prepares it. */
export function prepared(model: Model, base: QuantizeOptions, formats: readonly FormatName[]): Model {
  const layers = Object.fromEntries(formats.map((weights, i) => [String(i), { weights }]))
  return separateRoles(infer(upgradeOpset(infer(model), opsetOf({ ...base, layers: { ...base.layers, ...layers } }))))
}

/** Layers that any target would run in few bits, of those that selectors name; of all where there are none. */
export function searchLayers(
  model: Model,
  targets: readonly Target[],
  base: QuantizeOptions,
  only: readonly string[] = [],
): SearchLayer[] {
  const { graph } = model
  const matching = graph.nodes.filter(n => weightOf(n, graph)?.lookup === false)
  const asked = new Set(only.flatMap(selector => select(selector, graph.nodes, matching)))
  const wanted = ({ nodes }: SearchLayer): boolean => only.length === 0 || nodes.some(id => asked.has(id))
  const found = new Map<ValueName, SearchLayer>()
  for (const target of targets)
    for (const layer of layersOf(model, target, base).filter(wanted))
      if (!found.has(layer.weight)) found.set(layer.weight, layer)
  const order = new Map(model.graph.nodes.map((n, i) => [n.id, i]))
  return [...found.values()].sort((a, b) => order.get(a.id)! - order.get(b.id)!)
}

/** Layers whose format is open: their weights can be written in few bits, and the options do not say how. */
function layersOf(model: Model, target: Target, base: QuantizeOptions): SearchLayer[] {
  const { graph } = model
  const all = choose(model, target, () => base)
  const weighted = graph.nodes.filter(n => weightOf(n, graph) !== null)
  const matching = weighted.filter(n => weightOf(n, graph)?.lookup === false)
  const fixed = new Set(
    Object.entries(base.layers)
      .filter(([, layer]) => layer.weights !== undefined || layer.float !== undefined)
      .flatMap(([selector]) => select(selector, graph.nodes, matching)),
  )
  const layers = new Map<string, string[]>()
  for (const node of weighted) {
    const { name } = weightOf(node, graph)!
    if (all.chosen.get(node.id)?.rule.constantWeight || all.weightOnly.has(node.id))
      layers.set(name, [...(layers.get(name) ?? []), node.id])
  }
  return [...layers]
    .filter(([, nodes]) => !nodes.some(id => fixed.has(id)))
    .map(([weight, nodes]) => ({ id: nodes[0], nodes, weight, target }))
}
