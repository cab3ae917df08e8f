// Groups of channels that can only be removed together (Fang et al., DepGraph: Towards Any Structural Pruning, 2023). A channel is a set
// of positions along axes of values and weights that hang together through the graph, by the rules of its operators; a group is all
// channels that lie along the same axes, so that any of them may go and each costs the same.
import type { Dim, Graph, Model, Node, NodeId, ValueName } from '../../ir/model.ts'
import { reads } from '../../ir/model.ts'
import { isPure, weightOf } from '../../ops/facts.ts'
import { factsOfModel, infer } from '../../ops/infer.ts'
import type { Fact, Scalar } from '../../ops/types.ts'
import { ruleOf } from './rules/index.ts'
import type { Site } from './rules/types.ts'
import { type Axis, type Block, openTies, type Ties } from './ties.ts'

/** Where the channels of a group lie along one axis of a value: `at[c]` are the positions of channel c, the same number for each. */
export interface Span {
  value: ValueName
  axis: number
  at: readonly (readonly number[])[]
}

/** A weight along an axis of which a group's channels lie: that of what it makes, or of what it reads. */
export interface Weighing extends Span {
  node: NodeId
}

export interface Group {
  /** Of the first layer that makes its channels. */
  id: NodeId
  size: number
  spans: readonly Span[]
  makers: readonly Weighing[]
  readers: readonly Weighing[]
}

/** Layers whose channels stay, and why: `by` is the node that keeps them, `why` goes on from its name. */
export interface Skipped {
  node: NodeId
  by: NodeId | null
  why: string
}

export interface Groups {
  groups: readonly Group[]
  skipped: readonly Skipped[]
}

export function findGroups(given: Model): Groups {
  const model = infer(given)
  const { graph } = model
  const ties = openTies()
  const axes = tieAll(model, ties)
  const weights = weighingsOf(graph)

  const made = weights.filter(w => w.makes !== null)
  const skipped: Skipped[] = []
  /** Positions of every channel that may go, along every axis. */
  const channels = new Map<number, Map<string, number[]>>()
  for (const { node, name, makes } of made) {
    const axis = axes.get(name)?.[makes!] ?? null
    const blocks = [...(axis ?? [])].map(position => ties.blockOf(position))
    for (const [i, position] of (axis ?? []).entries())
      if (blocks[i] === null) channels.set(ties.set(position), new Map())
    if (blocks.length > 0 && blocks.every(block => block !== null))
      skipped.push({ node, by: blocks[0]!.node, why: blocks[0]!.why })
    if (axis === null) skipped.push({ node, by: node, why: 'has an open number of channels' })
  }
  for (const [name, list] of axes)
    for (const [i, axis] of (list ?? []).entries())
      for (const [position, number] of (axis ?? []).entries()) {
        const places = channels.get(ties.set(number))
        if (!places) continue
        const key = JSON.stringify([name, i])
        const at = places.get(key)
        if (at) at.push(position)
        else places.set(key, [position])
      }

  const byAxes = new Map<string, Map<string, number[]>[]>()
  for (const places of channels.values()) {
    const signature = JSON.stringify([...places].map(([key, at]) => [key, at.length]))
    byAxes.set(signature, [...(byAxes.get(signature) ?? []), places])
  }
  const groups: Group[] = []
  for (const members of byAxes.values()) {
    const spans = [...members[0].keys()].map((key): Span => {
      const [value, axis] = JSON.parse(key) as [ValueName, number]
      return { value, axis, at: members.map(places => places.get(key)!) }
    })
    const of = (which: 'makes' | 'reads'): Weighing[] =>
      weights.flatMap(w => {
        const span = spans.find(s => s.value === w.name && s.axis === w[which])
        return span ? [{ ...span, node: w.node }] : []
      })
    const makers = of('makes')
    if (members.length === 1) {
      const whole = makers.find(m => m.at[0].length === axes.get(m.value)?.[m.axis]?.length)
      if (whole) skipped.push({ node: whole.node, by: whole.node, why: 'has only one channel that could go' })
      if (whole) continue
    }
    groups.push({ id: makers[0].node, size: members.length, spans, makers, readers: of('reads') })
  }
  const order = new Map(graph.nodes.map((n, i) => [n.id, i]))
  groups.sort((a, b) => order.get(a.id)! - order.get(b.id)!)
  return { groups: named(groups), skipped: dedupe(skipped) }
}

/** Ids that tell groups apart whose first layer is the same. */
function named(groups: readonly Group[]): Group[] {
  const seen = new Map<NodeId, number>()
  return groups.map(group => {
    const count = (seen.get(group.id) ?? 0) + 1
    seen.set(group.id, count)
    return count === 1 ? group : { ...group, id: `${group.id}:${count}` }
  })
}

const dedupe = (skipped: readonly Skipped[]): Skipped[] => [...new Map(skipped.map(s => [s.node, s])).values()]

interface Weight {
  node: NodeId
  name: ValueName
  makes: number | null
  reads: number | null
}

/** Weights of the layers, with the axes of what they make and of what they read. */
function weighingsOf(graph: Graph): Weight[] {
  return graph.nodes.flatMap((node): Weight[] => {
    const weight = weightOf(node, graph)
    const rank = weight ? graph.values.get(weight.name)!.data!.shape.length : 0
    const { reading } = ruleOf(node) ?? {}
    const read = reading ? node.inputs[reading.input] : null
    if (read != null && graph.values.get(read)?.data)
      return [{ node: node.id, name: read, makes: null, reads: reading!.axis }]
    if (!weight || weight.axis === null || rank < 2) return []
    const other = weight.axis === 0 ? 1 : 0
    return [{ node: node.id, name: weight.name, makes: weight.axis, reads: weight.lookup ? null : other }]
  })
}

/** The axes of every value, tied by the rules of all nodes. */
function tieAll(model: Model, ties: Ties): Map<ValueName, readonly Axis[] | null> {
  const { graph, opsets } = model
  const facts = factsOfModel(model)
  const axes = new Map<ValueName, readonly Axis[] | null>()
  const readers = new Map<ValueName, Node[]>()
  for (const node of graph.nodes)
    for (const name of reads(node)) readers.set(name, [...(readers.get(name) ?? []), node])
  const axesOf = (name: ValueName): readonly Axis[] | null => {
    const known = axes.get(name)
    if (known !== undefined) return known
    const shape: readonly Dim[] | null = graph.values.get(name)?.shape ?? facts.get(name)?.shape ?? null
    const made = shape?.map(d => (typeof d === 'number' ? ties.axis(d) : null)) ?? null
    axes.set(name, made)
    return made
  }
  const constants = constantsOf(graph)
  const fixAll = (names: readonly (ValueName | null)[], by: Block): void => {
    for (const name of names) if (name !== null) for (const axis of axesOf(name) ?? []) ties.fix(axis, by)
  }
  for (const name of graph.inputs)
    if (!graph.values.get(name)?.data) fixAll([name], { node: null, why: 'is an input of the model' })

  const last: (() => void)[] = []
  for (const node of graph.nodes) {
    const rule = ruleOf(node)
    const names = [...node.inputs, ...node.outputs]
    const strange = rule === null ? 'is an operator through which channels are not followed' : null
    const shapeless = names.some(name => name !== null && axesOf(name) === null) ? 'has values of unknown shape' : null
    const why = strange ?? shapeless
    if (!rule || why !== null) fixAll([...reads(node), ...node.outputs], { node: node.id, why: why! })
    else {
      const site = siteOf(node, axesOf, {
        ties,
        facts,
        constants,
        readers,
        opset: opsets[node.domain] ?? opsets[''] ?? 0,
      })
      if (rule.last) last.push(() => rule.tie(site))
      else rule.tie(site)
    }
  }
  for (const { node, name } of weighingsOf(graph)) {
    const { dtype } = graph.values.get(name)!
    if (dtype !== 'float32') fixAll([name], { node, why: `has weights of ${dtype}` })
  }
  for (const name of graph.outputs) fixAll([name], { node: null, why: `makes the output ${name}` })
  for (const tie of last) tie()
  return axes
}

interface Known {
  ties: Ties
  facts: ReadonlyMap<ValueName, Fact>
  constants: ReadonlySet<ValueName>
  readers: ReadonlyMap<ValueName, readonly Node[]>
  opset: number
}

function siteOf(
  node: Node,
  axesOf: (name: ValueName) => readonly Axis[] | null,
  { ties, facts, constants, readers, opset }: Known,
): Site {
  const by = (why: string): Block => ({ node: node.id, why })
  const of = (name: ValueName | null | undefined): readonly Axis[] | null => (name == null ? null : axesOf(name))
  const content = (name: ValueName | null | undefined): readonly Scalar[] | null =>
    name == null ? null : (facts.get(name)?.content ?? null)
  const numbers = (name: ValueName): readonly number[] | null => {
    const known = constants.has(name) ? content(name) : null
    return known?.every(n => typeof n === 'number') ? (known as number[]) : null
  }
  return {
    node,
    opset,
    input: i => of(node.inputs[i]),
    output: i => of(node.outputs[i]),
    content: i => content(node.inputs[i]),
    numbers,
    constant: i => node.inputs[i] != null && constants.has(node.inputs[i]),
    readers: i => (node.outputs[i] == null ? [] : (readers.get(node.outputs[i]) ?? [])),
    same: (a, b, at = 0) => ties.same(a, b, at, by('has axes of open length')),
    join: ties.join,
    fix: (list, why) => {
      for (const axis of list ?? []) ties.fix(axis, by(why))
    },
    open: axis => new Set([...(axis ?? [])].filter(p => ties.blockOf(p) === null).map(ties.set)).size,
  }
}

/** Values that no input has a part in. */
function constantsOf(graph: Graph): Set<ValueName> {
  const constants = new Set<ValueName>()
  for (const value of graph.values.values()) if (value.data) constants.add(value.name)
  for (const node of graph.nodes)
    if (isPure(node) && reads(node).every(name => constants.has(name)))
      for (const name of node.outputs) if (name !== null) constants.add(name)
  return constants
}
