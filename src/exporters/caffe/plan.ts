// The layers of a Caffe network, planned from the graph alone: what cannot be written comes as a finding for each node. Weights are read later.
import { type Model, type Node, requiredInputs, type ValueName } from '../../ir/model.ts'
import { GraphView, Refused, refusalOf } from '../graph-view.ts'
import type { Problem } from '../types.ts'
import { arithmetic } from './arithmetic.ts'
import { layouts } from './layout.ts'
import { products } from './products.ts'
import type { CaffePlanner, PlannedLayer, PlanOps } from './types.ts'

const ops: PlanOps = { ...products, ...arithmetic, ...layouts }
const source = 'BVLC/caffe: src/caffe/proto/caffe.proto'

export interface CaffePlan {
  inputs: { blob: string; name: ValueName; shape: readonly number[] }[]
  layers: PlannedLayer[]
  blobs: ReadonlyMap<ValueName, string>
  problems: Problem[]
  notes: string[]
}

export function planCaffe(model: Model): CaffePlan {
  const view = new GraphView(model)
  const problems: Problem[] = []
  const layers: PlannedLayer[] = []
  const names = new Map<ValueName, string>()
  const taken = new Set<string>()
  const layerNames = new Set<string>()
  const results = new Set<string>()
  const absorbed = new Set<Node>()
  const notes = new Set<string>()
  let current: Node | null = null

  const unique = (wanted: string, among: Set<string>): string => {
    // Within quotes, and for the mapper's suffixes, plain characters are safest.
    const base = wanted.replace(/[^\w./-]+/g, '_') || 'blob'
    let name = base
    for (let i = 1; among.has(name); i++) name = `${base}_${i}`
    among.add(name)
    return name
  }
  const fresh = (wanted: string): string => unique(wanted, taken)
  const blob = (name: ValueName): string => {
    const known = names.get(name)
    if (known !== undefined) return known
    if (view.constant(name))
      throw new Refused(`it reads the constant ${name}, for which its layer has no place`, 'Fold it.')
    const maker = view.producer(name)
    if (maker && view.ofPairs.has(maker.id)) throw new Refused('it reads values of few bits', 'Write the float model.')
    const made = fresh(name)
    names.set(name, made)
    return made
  }
  const planner: CaffePlanner = {
    view,
    blob,
    fresh,
    took: node => void absorbed.add(node),
    note: text => void notes.add(text),
    alias: (name, of) => {
      if (!view.isOutput(name)) names.set(name, blob(of))
      else planner.add('Power', [blob(of)], [blob(name)])
    },
    add: (type, inputs, outputs, param, blobs = []) => {
      const fields =
        param && new Map(Object.entries(param[1]).map(([key, value]) => [key, Array.isArray(value) ? value : [value]]))
      layers.push({
        type,
        name: outputs.find(output => results.has(output)) ?? unique(current?.name || current?.id || type, layerNames),
        inputs,
        outputs,
        param: param && fields && fields.size > 0 ? [param[0], fields] : null,
        blobs,
      })
    },
  }
  // OpenCV calls an output after its layer: layers that give one are called after it.
  for (const name of view.graph.outputs) {
    const made = fresh(name)
    names.set(name, made)
    results.add(made)
    layerNames.add(made)
  }
  const inputs = requiredInputs(view.graph).map(name => ({ name, blob: blob(name), shape: view.shape(name) }))
  for (const node of view.graph.nodes) {
    if (absorbed.has(node)) continue
    current = node
    const plan = node.domain === '' || node.domain === 'ai.onnx' ? ops[node.op] : undefined
    const problem = refusalOf(node, source, () => {
      if (!plan) throw new Refused('Caffe has no layer for it', 'Replace it, or cut the graph before it.')
      plan(node, planner)
    })
    if (problem) problems.push(problem)
  }
  const blobs = new Map(
    [...requiredInputs(view.graph), ...view.graph.outputs].map(name => [name, names.get(name) ?? name]),
  )
  return { inputs, layers, blobs, problems, notes: [...notes] }
}
