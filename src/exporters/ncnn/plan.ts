// The layers of an ncnn network, planned from the graph alone: what cannot be written comes as a finding for each node. Weights are read later.
import { floatParam, intParam, type NcnnParam } from '../../formats/ncnn-param.ts'
import { type Model, type Node, requiredInputs, type ValueName } from '../../ir/model.ts'
import { GraphView, Refused, refusalOf } from '../graph-view.ts'
import type { Problem } from '../types.ts'
import { arithmetic } from './arithmetic.ts'
import { inner, sizesOf } from './blob-shapes.ts'
import { layouts } from './layout.ts'
import { products } from './products.ts'
import type { PlannedLayer, Planner, PlanOps } from './types.ts'
import { keyOf, shiftOf, shiftType } from './zero-point.ts'

const ops: PlanOps = { ...products, ...arithmetic, ...layouts }
const source = 'Tencent/ncnn: docs/developer-guide/operators.md'

export interface Plan {
  layers: PlannedLayer[]
  /** Blobs of inputs and outputs by the names that the graph has for them. */
  blobs: ReadonlyMap<ValueName, string>
  problems: Problem[]
}

export function planNcnn(model: Model): Plan {
  const view = new GraphView(model)
  const problems: Problem[] = []
  const layers: PlannedLayer[] = []
  const taken = new Set<string>()
  const names = new Map<ValueName, string>()
  const absorbed = new Set<Node>()
  let current: Node | null = null

  const fresh = (wanted: string): string => {
    // Words of a line: no spaces, and no longer than ncnn's buffer for them.
    const base = wanted.replace(/\s+/g, '_').slice(0, 200) || 'blob'
    let name = base
    for (let i = 1; taken.has(name); i++) name = `${base}_${i}`
    taken.add(name)
    return name
  }
  const layerNames = new Set<string>()
  const layerName = (wanted: string): string => {
    const base = wanted.replace(/\s+/g, '_').slice(0, 200)
    let name = base
    for (let i = 1; layerNames.has(name); i++) name = `${base}_${i}`
    layerNames.add(name)
    return name
  }
  const add: Planner['add'] = (type, inputs, outputs, params, parts = [], name) => {
    const sorted = new Map<number, NcnnParam>([...params].sort(([a], [b]) => a - b))
    layers.push({
      type,
      name: layerName(name ?? (current?.name || current?.id || outputs[0])),
      inputs: [...inputs],
      outputs: [...outputs],
      params: sorted,
      parts: [...parts],
    })
  }
  const blob = (name: ValueName): string => {
    const known = names.get(name)
    if (known !== undefined) return known
    const maker = view.producer(name)
    if (maker?.op === 'DequantizeLinear')
      throw new Refused(
        'it reads values of few bits, which only products do in ncnn',
        'Quantise the float model for this target.',
      )
    const made = fresh(name)
    names.set(name, made)
    const data = view.constant(name)
    if (data) {
      if (!/^float/.test(data.dtype) || data.shape[0] !== 1)
        throw new Refused(
          `its constant ${name} has the shape [${data.shape}] of ${data.dtype}`,
          'Give it the rank of what it meets.',
        )
      add('MemoryData', [], [made], sizesOf(data.shape.slice(1)), [
        { kind: 'raw', tensor: data, count: data.shape.reduce((n, d) => n * d, 1) },
      ])
    }
    return made
  }
  const shifts = new Map<string, string>()
  const shifted: Planner['shifted'] = rounded => {
    const made = fresh(`${rounded.source}_shifted`)
    shifts.set(keyOf(rounded), made)
    return made
  }
  const withNumber: Planner['withNumber'] = (type, given, number, made, name) => {
    const kind = [0, intParam(type)] as const
    if (!view.graph.inputs.some(input => names.get(input) === given)) {
      add('BinaryOp', [given], [made], [kind, [1, intParam(1)], [2, floatParam(number)]], [], name)
      return
    }
    const held = fresh(`${made}_by`)
    add('MemoryData', [], [held], [[0, intParam(1)]], [{ kind: 'numbers', values: [number] }], held)
    add('BinaryOp', [given, held], [made], [kind], [], name)
  }
  const planner: Planner = {
    view,
    blob,
    shifted,
    codes: rounded => {
      const { source, zero } = rounded
      if (zero === 0) return blob(source)
      const known = shifts.get(keyOf(rounded))
      if (known !== undefined) return known
      const given = blob(source)
      const made = shifted(rounded)
      const shift = shiftOf(rounded)
      withNumber(shiftType(shift), given, shift.offset, made, made)
      return made
    },
    withNumber,
    fresh,
    add,
    took: node => void absorbed.add(node),
    alias: (name, of) => {
      const behind = blob(of)
      if (!view.isOutput(name)) names.set(name, behind)
      else add('Noop', [behind], [blob(name)], [])
    },
  }

  for (const name of requiredInputs(view.graph)) {
    const made = blob(name)
    try {
      add('Input', [], [made], sizesOf(inner(name, planner)))
    } catch (thrown) {
      if (!(thrown instanceof Refused)) throw thrown
      problems.push({ node: null, op: 'Input', why: thrown.message, level: 'refused', fix: thrown.fix, source })
    }
  }
  for (const node of view.graph.nodes) {
    if (view.ofPairs.has(node.id) || absorbed.has(node)) continue
    current = node
    const plan = node.domain === '' || node.domain === 'ai.onnx' ? ops[node.op] : undefined
    const problem = plan
      ? refusalOf(node, source, () => plan(node, planner))
      : refusalOf(node, source, () => {
          throw new Refused('ncnn has no layer for it that is written here', 'Replace it, or cut the graph before it.')
        })
    if (problem) problems.push(problem)
  }
  for (const name of view.graph.outputs) {
    const maker = view.producer(name)
    if (maker && view.ofPairs.has(maker.id))
      problems.push({
        node: maker.id,
        op: maker.op,
        why: 'an output of the network is rounded',
        level: 'refused',
        source,
      })
  }
  const blobs = new Map(
    [...requiredInputs(view.graph), ...view.graph.outputs].map(name => [name, names.get(name) ?? name]),
  )
  return {
    layers: withSplits(layers, new Set(view.graph.outputs.map(name => blobs.get(name)!)), fresh),
    blobs,
    problems,
  }
}

/** A blob has one reader in ncnn: for more of them, and for an output that is also read, there is a Split. */
function withSplits(
  layers: readonly PlannedLayer[],
  outputs: ReadonlySet<string>,
  fresh: (name: string) => string,
): PlannedLayer[] {
  const readers = new Map<string, number>()
  for (const { inputs } of layers) for (const blob of inputs) readers.set(blob, (readers.get(blob) ?? 0) + 1)
  const copies = new Map<string, string[]>()
  const done: PlannedLayer[] = []
  let count = 0
  for (const layer of layers) {
    const inputs = layer.inputs.map(blob => copies.get(blob)?.shift() ?? blob)
    const renamed: PlannedLayer = { ...layer, inputs, outputs: [...layer.outputs] }
    done.push(renamed)
    for (const [i, blob] of layer.outputs.entries()) {
      const times = readers.get(blob) ?? 0
      if (times + (outputs.has(blob) ? 1 : 0) < 2) continue
      const given = outputs.has(blob) ? fresh(`${blob}_all`) : blob
      const parts = Array.from({ length: times }, (_, k) => fresh(`${blob}_split_${k}`))
      copies.set(blob, [...parts])
      renamed.outputs[i] = given
      const all = outputs.has(blob) ? [blob, ...parts] : parts
      done.push({
        type: 'Split',
        name: `split_${count++}`,
        inputs: [given],
        outputs: all,
        params: new Map(),
        parts: [],
      })
    }
  }
  return done
}
