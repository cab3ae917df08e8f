// Channels that go, merged into those that stay: without samples, what reads a channel goes on to read the one that is most like it, with
// the factor that comes closest (Kim et al., Neuron Merging: Compensating for Pruned Neurons, 2020). Like is what is made by weights and
// biases of one direction. Behind a ReLU, which keeps factors, copies are merged without any loss; elsewhere of equal size only.
import { bytesOf } from '../../base/dtype.ts'
import { readFloats } from '../../ir/bytes.ts'
import type { Bytes } from '../../ir/context.ts'
import { edit } from '../../ir/edit.ts'
import type { Model, ValueName } from '../../ir/model.ts'
import { eachOf, rowsOf } from './channels.ts'
import type { Group, Span } from './groups.ts'
import type { Removal } from './remove.ts'

/** The model whose layers read what stays in place of what goes, before it goes. */
export async function foldChannels(
  given: Model,
  groups: readonly Group[],
  removal: Removal,
  bytes: Pick<Bytes, 'read'>,
): Promise<Model> {
  let model = given
  for (const group of groups) {
    const gone = removal.get(group.id)
    if (gone) model = await foldGroup(model, group, gone, bytes)
  }
  return model
}

async function foldGroup(
  model: Model,
  group: Group,
  gone: readonly number[],
  bytes: Pick<Bytes, 'read'>,
): Promise<Model> {
  const { graph } = model
  const read = async (name: ValueName): Promise<{ shape: readonly number[]; data: Float32Array } | null> => {
    const tensor = graph.values.get(name)?.data
    return tensor?.dtype === 'float32' ? { shape: tensor.shape, data: await readFloats(bytes, tensor) } : null
  }
  const biases = new Set(group.makers.map(m => graph.nodes.find(n => n.id === m.node)!.inputs[2]))
  const making = group.spans.filter(
    s => biases.has(s.value) || group.makers.some(m => m.value === s.value && m.axis === s.axis),
  )
  const parts: Float32Array[][] = []
  for (const span of making) {
    const constant = await read(span.value)
    if (constant) parts.push(rowsOf(span, constant.shape, constant.data))
  }
  const rows = Array.from({ length: group.size }, (_, c) => Float32Array.from(parts.flatMap(part => [...part[c]])))
  const merges = mergesOf(rows, gone)

  const changed = new Map<ValueName, Float32Array>()
  for (const reader of group.readers) {
    const constant = await read(reader.value)
    if (!constant) continue
    const data = changed.get(reader.value) ?? constant.data.slice()
    for (const { from, into, factor } of merges) addTo(reader, constant.shape, data, { from, into, factor })
    changed.set(reader.value, data)
  }
  const after = edit(graph, editor => {
    for (const [name, data] of changed) {
      const value = editor.value(name)!
      editor.setValue({ ...value, data: { ...value.data!, data: bytesOf(data) } })
    }
  })
  return { ...model, graph: after }
}

export interface Merge {
  from: number
  into: number
  factor: number
}

/** Into which of the others each channel that goes is merged, by least squares; those that are like none, into none. */
export function mergesOf(rows: readonly Float32Array[], gone: readonly number[]): Merge[] {
  const product = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i], 0)
  const squares = rows.map(row => product(row, row))
  const going = new Set(gone)
  const stay = [...rows.keys()].filter(c => !going.has(c))
  return gone.flatMap((from): Merge[] => {
    let best: Merge | null = null
    let most = 0
    for (const into of stay) {
      const along = product(rows[from], rows[into])
      const alike = along / Math.sqrt(squares[from] * squares[into])
      if (alike <= most || Number.isNaN(alike)) continue
      most = alike
      best = { from, into, factor: along / squares[into] }
    }
    return best ? [best] : []
  })
}

/** What is read of one channel, times a factor, read of another as well. */
function addTo(span: Span, shape: readonly number[], data: Float32Array, { from, into, factor }: Merge): void {
  const numbers: number[] = []
  eachOf(span, shape, from, at => numbers.push(data[at]))
  let i = 0
  eachOf(span, shape, into, at => {
    data[at] += factor * numbers[i++]
  })
}
