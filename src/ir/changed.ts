// Where a model begins to differ from another: what both compute alike need not be computed twice.
import { type Attr, type Attrs, type Graph, type Node, reads, requiredInputs, type ValueName } from './model.ts'
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

const sameList = <T>(a: readonly T[], b: readonly T[], same: (a: T, b: T) => boolean): boolean =>
  a.length === b.length && a.every((item, i) => same(item, b[i]))
const identical = (a: unknown, b: unknown): boolean => Object.is(a, b)

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

function sameTensor(a: Tensor, b: Tensor): boolean {
  if (a === b) return true
  if (a.dtype !== b.dtype || !sameList(a.shape, b.shape, identical)) return false
  const [x, y] = [a.data, b.data]
  if (isSlice(x)) return isSlice(y) && x.source === y.source && x.offset === y.offset && x.length === y.length
  return !isSlice(y) && sameBytes(x, y)
}

function sameNode(a: Node, b: Node): boolean {
  return (
    a === b ||
    (a.op === b.op &&
      a.domain === b.domain &&
      a.overload === b.overload &&
      sameList(a.inputs, b.inputs, identical) &&
      sameList(a.outputs, b.outputs, identical) &&
      sameAttrs(a.attrs, b.attrs))
  )
}

const sameAttrs = (a: Attrs, b: Attrs): boolean =>
  a === b ||
  (a.size === b.size &&
    [...a].every(([name, attr]) => {
      const other = b.get(name)
      return other !== undefined && sameAttr(attr, other)
    }))

function sameAttr(a: Attr, b: Attr): boolean {
  if (a === b) return true
  if (a.kind === 'int' || a.kind === 'float') return b.kind === a.kind && Object.is(a.value, b.value)
  if (a.kind === 'ints' && b.kind === 'ints') return sameList(a.value, b.value, identical)
  if (a.kind === 'floats' && b.kind === 'floats') return sameList(a.value, b.value, identical)
  if (a.kind === 'string' && b.kind === 'string') return sameBytes(a.value, b.value)
  if (a.kind === 'strings' && b.kind === 'strings') return sameList(a.value, b.value, sameBytes)
  if (a.kind === 'tensor' && b.kind === 'tensor') return sameTensor(a.value, b.value)
  // Bodies and what is not modelled: taken for different unless they are the same object.
  return false
}
