// A model as the page sees it: the same graph without weights.
import { byteLength, elementCount } from '../src/base/dtype.ts'
import type { Imported } from '../src/importers/types.ts'
import type { Attr, Graph, Model, Value, ValueName } from '../src/ir/model.ts'
import { proposedFor } from '../src/jobs/proposed.ts'
import type { Cost } from '../src/stages/inspect/cost.ts'
import type { GraphView, ModelView, ValueView } from './api.ts'

const declared = (graph: Graph) => (name: ValueName) => {
  const value = graph.values.get(name)
  return { name, dtype: value?.dtype ?? null, shape: value?.shape ?? null }
}

export function modelView(imported: Imported, inferred: Model, cost: Cost): ModelView {
  const { graph } = inferred
  const inputs = graph.inputs.filter(name => !graph.values.get(name)?.data)
  return {
    name: imported.name,
    format: imported.format,
    bytes: imported.bytes,
    parameters: cost.parameters,
    macs: cost.macs,
    openMacs: cost.unknown.length > 0,
    nodes: graph.nodes.length,
    inputs: inputs.map(declared(graph)),
    outputs: graph.outputs.map(declared(graph)),
    opset: imported.model.opsets[''] ?? 0,
    notes: imported.notes,
    metadata: { ...imported.model.meta },
    task: proposedFor(inferred),
  }
}

export function graphView({ graph }: Model, cost: Cost): GraphView {
  const costs = new Map(cost.nodes.map(entry => [entry.node, entry]))
  return {
    inputs: graph.inputs.filter(name => !graph.values.get(name)?.data),
    outputs: graph.outputs,
    nodes: graph.nodes.map(node => ({
      id: node.id,
      op: node.op,
      domain: node.domain,
      inputs: node.inputs,
      outputs: node.outputs,
      attrs: [...node.attrs].map(([name, attr]) => ({ name, text: textOf(attr) })),
      macs: costs.get(node.id)?.macs ?? 0,
      bytes: costs.get(node.id)?.weightBytes ?? 0,
      origin: node.origin,
    })),
    values: [...graph.values.values()].map(valueView),
  }
}

function valueView(value: Value): ValueView {
  const { name, dtype, shape, data } = value
  const known = dtype !== null && shape?.every(dim => typeof dim === 'number')
  const bytes = known ? byteLength(dtype, elementCount(shape as number[])) : null
  return { name, dtype, shape, constant: data !== null, bytes: data ? data.data.length : bytes }
}

const longest = 120

function textOf(attr: Attr): string {
  const text = fullText(attr)
  return text.length > longest ? `${text.slice(0, longest)} …` : text
}

function fullText(attr: Attr): string {
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
  switch (attr.kind) {
    case 'int':
    case 'float':
      return String(attr.value)
    case 'string':
      return decode(attr.value)
    case 'ints':
    case 'floats':
      return `[${attr.value.slice(0, longest).join(', ')}]`
    case 'strings':
      return `[${attr.value.slice(0, longest).map(decode).join(', ')}]`
    case 'tensor':
      return `${attr.value.dtype}[${attr.value.shape.join(',')}]`
    case 'graph':
      return `graph of ${attr.value.nodes.length} nodes`
    case 'tensors':
    case 'graphs':
      return `${attr.value.length} ${attr.kind}`
    case 'ref':
      return `@${attr.name}`
    case 'raw':
      return `${attr.wire.length} bytes`
  }
}
