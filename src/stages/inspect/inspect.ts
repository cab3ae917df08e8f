// What there is to say about a model before anything is done to it.
import { type Dim, type Model, type NodeId, requiredInputs, type ValueName } from '../../ir/model.ts'
import { staysFloat } from '../../ops/facts.ts'
import { declaredDims, infer } from '../../ops/infer.ts'
import { opOf } from '../../ops/lookup.ts'
import { cost } from './cost.ts'
import { peakActivations } from './liveness.ts'

export interface Port {
  name: ValueName
  dtype: string | null
  shape: readonly Dim[] | null
}

export interface Inspection {
  nodes: number
  operators: readonly { op: string; domain: string; count: number; known: boolean }[] // most frequent first
  inputs: readonly Port[]
  outputs: readonly Port[]
  opsets: Readonly<Record<string, number>>
  producer: string
  macs: number
  parameters: number
  weightBytes: number
  peakActivations: { bytes: number; at: NodeId | null }
  /** Input dimensions that the file leaves open. */
  dynamic: readonly { input: ValueName; axis: number; symbol: string | null }[]
  /** What is computed in float by its nature. */
  staysFloat: readonly { node: NodeId; op: string; why: string }[]
  notes: readonly string[]
}

/** A summary of structure and cost, for one sample where the batch is open. */
export function inspect(model: Model): Inspection {
  const { graph } = infer(model, { lenient: true })
  const { macs, parameters, weightBytes, unknown } = cost(model)
  const peak = peakActivations(model)
  const port = (name: ValueName): Port => {
    const value = graph.values.get(name)
    return { name, dtype: value?.dtype ?? null, shape: value?.shape ?? null }
  }
  const inputs = requiredInputs(graph)
  const operators = countOperators(model)
  const strange = operators.filter(o => !o.known)
  const notes: string[] = []
  if (strange.length > 0)
    notes.push(
      `Operators that are not known here are kept as they are: ${strange.map(o => (o.domain ? `${o.domain}.${o.op}` : o.op)).join(', ')}.`,
    )
  const open = Math.max(unknown.length, peak.unknown.length)
  if (open > 0)
    notes.push(
      `Cost and memory are lower bounds: ${open} sizes depend on open dimensions or on data. Fix the input shape to have them whole.`,
    )
  return {
    nodes: graph.nodes.length,
    operators,
    inputs: inputs.map(port),
    outputs: graph.outputs.map(port),
    opsets: model.opsets,
    producer: [model.producer.name, model.producer.version].filter(s => s !== '').join(' '),
    macs,
    parameters,
    weightBytes,
    peakActivations: { bytes: peak.bytes, at: peak.at },
    dynamic: inputs.flatMap(input =>
      (declaredDims(graph.values.get(input)?.shape ?? null) ?? []).flatMap((d, axis) =>
        typeof d === 'number' ? [] : [{ input, axis, symbol: d }],
      ),
    ),
    staysFloat: graph.nodes.flatMap(node => {
      const why = staysFloat(node)
      return why === null ? [] : [{ node: node.id, op: node.op, why }]
    }),
    notes,
  }
}

function countOperators(model: Model): Inspection['operators'][number][] {
  const counts = new Map<string, { op: string; domain: string; count: number; known: boolean }>()
  for (const node of model.graph.nodes) {
    const key = `${node.domain}:${node.op}`
    const entry = counts.get(key)
    if (entry) entry.count++
    else {
      const local = model.functions.some(f => f.name === node.op && f.domain === node.domain)
      counts.set(key, { op: node.op, domain: node.domain, count: 1, known: local || opOf(node) !== null })
    }
  }
  return [...counts.values()].sort((a, b) => b.count - a.count || (a.op < b.op ? -1 : 1))
}
