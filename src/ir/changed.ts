// Where a model begins to differ from another: what both compute alike need not be computed twice.
import { canonicalJson } from '../base/hash.ts'
import { attrsKey } from './attrs-key.ts'
import { type Graph, type Node, reads, requiredInputs, subgraphs, type ValueName } from './model.ts'
import { isSlice, type Tensor } from './tensor.ts'

/**
 * The values, inputs among them, that all which differs in `changed` follows from and which are the same in `original`: it can be run from them
 * on. Null where nothing differs, or where some outputs differ and some do not.
 */
export function changesFrom(original: Graph, changed: Graph): ValueName[] | null {
  const makers = new Map(original.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)))
  const fed = new Set(original.inputs)
  const alike = new Set<ValueName>()
  for (const { name, data } of changed.values.values()) {
    const other = original.values.get(name)?.data ?? null
    if (data ? other && sameTensor(data, other) : fed.has(name) && changed.inputs.includes(name)) alike.add(name)
  }
  const own = new Set<Node>()
  for (const node of changed.nodes) {
    const other = makers.get(node.outputs.find(o => o !== null) ?? '')
    if (other && sameNode(node, other) && reads(node).every(name => alike.has(name)))
      for (const name of node.outputs) alike.add(name!)
    else own.add(node)
  }
  if (changed.outputs.some(name => alike.has(name))) return null
  const from = new Set<ValueName>()
  const makerOf = new Map(changed.nodes.flatMap(n => n.outputs.map(o => [o, n] as const)))
  const fedOrMade = following(changed.nodes, requiredInputs(changed))
  const rounded = following(
    changed.nodes,
    changed.nodes
      .filter(n => n.op === 'QuantizeLinear')
      .flatMap(n => n.outputs.filter(o => o !== null && fedOrMade.has(o))),
  )
  const waiting = [...own]
  for (let node = waiting.pop(); node; node = waiting.pop())
    for (const name of reads(node)) {
      if (!alike.has(name) || isConstant(changed, name)) continue
      const maker = makerOf.get(name)
      // A layer is run in integers only from codes to codes; and what comes of constants alone is computed where it is read.
      const starts = fedOrMade.has(name) && (maker?.op === 'QuantizeLinear' || !rounded.has(name))
      if (!maker || starts) from.add(name)
      else if (!own.has(maker)) {
        own.add(maker)
        waiting.push(maker)
      }
    }
  return [...from]
}

const isConstant = ({ values }: Graph, name: ValueName): boolean => values.get(name)?.data != null

/** Some values, and all that follow from them. */
function following(nodes: readonly Node[], from: Iterable<ValueName | null>): Set<ValueName | null> {
  const found = new Set(from)
  for (const node of nodes)
    if (reads(node).some(name => found.has(name))) for (const name of node.outputs) found.add(name)
  return found
}

const sameTensor = (a: Tensor, b: Tensor): boolean =>
  a === b || (a.dtype === b.dtype && a.shape.join() === b.shape.join() && sameData(a.data, b.data))

function sameData(a: Tensor['data'], b: Tensor['data']): boolean {
  if (a === b) return true
  if (isSlice(a)) return isSlice(b) && canonicalJson(a) === canonicalJson(b)
  if (isSlice(b)) return false
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** A node with a body is taken for another one unless it is the same object. */
const sameNode = (a: Node, b: Node): boolean =>
  a === b || (subgraphs(a).length + subgraphs(b).length === 0 && keyOf(a) === keyOf(b))

const keyOf = ({ op, domain, overload, inputs, outputs, attrs }: Node): string =>
  canonicalJson([op, domain, overload ?? null, inputs, outputs, attrsKey(attrs)])
