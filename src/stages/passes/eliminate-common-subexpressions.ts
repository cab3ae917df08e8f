// Two nodes with the same operator, attributes and inputs give the same, so that one does for both; constants count as the same by content.
// Equal constants are shared, except small float vectors: these are biases, and a quantiser gives each a scale of its own.
import { byteLength, isFloat } from '../../base/dtype.ts'
import { canonicalJson, hashBytes } from '../../base/hash.ts'
import { attrsKey } from '../../ir/attrs-key.ts'
import type { Bytes } from '../../ir/context.ts'
import { edit } from '../../ir/edit.ts'
import { type Graph, type Node, subgraphs, type ValueName } from '../../ir/model.ts'
import { elements, isSlice, type Tensor } from '../../ir/tensor.ts'
import { isPure } from '../../ops/facts.ts'
import { canBypass } from './rule.ts'
import type { Change, Pass, Skipped } from './types.ts'

export const eliminateCommonSubexpressions = {
  id: 'eliminate-common-subexpressions',
  label: 'Compute and store equal things once',
  level: 'exact',
  async run(model, ctx) {
    const contents = await contentKeys(model.graph, ctx.bytes)
    const changes: Change[] = []
    const skipped: Skipped[] = []
    const graph = edit(model.graph, e => {
      const firstConstant = new Map<string, ValueName>()
      for (const [name, key] of contents) {
        const first = firstConstant.get(key)
        if (first === undefined) firstConstant.set(key, name)
        else if (isShareable(e.constant(name)!) && e.consumers(name).length > 0) {
          e.replaceUses(name, first)
          changes.push({ node: name, what: `has the content of ${first}` })
        }
      }
      const seen = new Map<string, Node>()
      for (const { id } of model.graph.nodes) {
        const node = e.node(id)!
        if (!isPure(node) || subgraphs(node).length > 0 || node.inputs.length === 0) continue
        const key = canonicalJson([
          node.op,
          node.domain,
          attrsKey(node.attrs),
          node.inputs.map(name => (name !== null && contents.get(name)) || name),
          node.outputs.map(name => name !== null),
        ])
        const twin = seen.get(key)
        if (!twin) {
          seen.set(key, node)
          continue
        }
        const pairs = node.outputs.flatMap((name, i) => (name === null ? [] : [[name, twin.outputs[i]!] as const]))
        if (!pairs.every(([from, to]) => canBypass(e, from, to))) {
          skipped.push({ node: id, why: `${id} and its equal ${twin.id} both give outputs of the graph` })
          continue
        }
        for (const [from, to] of pairs) e.forward(from, to)
        e.removeNode(id)
        // An output of the graph gave its name to the twin.
        seen.set(key, e.updateNode(twin.id, { origin: [...new Set([...twin.origin, ...node.origin])] }))
        changes.push({ node: id, what: `is equal to ${twin.id}` })
      }
    })
    return { model: graph === model.graph ? model : { ...model, graph }, changes, skipped }
  },
} as const satisfies Pass

const smallest = 16384

const isShareable = (tensor: Tensor): boolean =>
  !isFloat(tensor.dtype) || elements(tensor) === 1 || byteLength(tensor.dtype, elements(tensor)) >= smallest

/** A key for each constant that has an equal one. Long tensors are read whole only where their beginnings agree. */
async function contentKeys(graph: Graph, bytes: Bytes): Promise<Map<ValueName, string>> {
  const inputs = new Set(graph.inputs)
  let groups = new Map<string, [ValueName, Tensor][]>()
  for (const { name, data } of graph.values.values())
    if (data && !inputs.has(name)) add(groups, `${data.dtype}[${data.shape}]${sizeOf(data)}`, [name, data])
  for (const read of [beginning, (t: Tensor) => bytes.read(t)]) {
    const finer = new Map<string, [ValueName, Tensor][]>()
    for (const [key, members] of groups) {
      if (members.length < 2) continue
      for (const member of members) add(finer, `${key} ${hashBytes(await read(member[1], bytes))}`, member)
    }
    groups = finer
  }
  const keys = new Map<ValueName, string>()
  for (const [key, members] of groups) if (members.length > 1) for (const [name] of members) keys.set(name, key)
  return keys
}

const sizeOf = (tensor: Tensor): number => (isSlice(tensor.data) ? tensor.data.length : tensor.data.byteLength)

const beginning = async ({ data }: Tensor, bytes: Bytes): Promise<Uint8Array> =>
  isSlice(data) ? bytes.slice({ ...data, length: Math.min(data.length, 1024) }) : data.subarray(0, 1024)

function add<T>(groups: Map<string, T[]>, key: string, item: T): void {
  const group = groups.get(key)
  if (group) group.push(item)
  else groups.set(key, [item])
}
