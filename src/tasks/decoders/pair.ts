// Two outputs that belong together: four numbers for each place, and a score for each class.
import type { Model, ValueName } from '../../ir/model.ts'
import type { Shaped } from '../outputs.ts'

export interface BoxPair {
  boxes: Shaped
  scores: Shaped
  places: number
  classes: number
  /** Whether the graph itself makes boxes of what its last layers give: sizes come by an exponential. */
  decoded: boolean
}

export function pairOf(model: Model, outputs: readonly Shaped[]): BoxPair | null {
  for (const boxes of outputs) {
    const [places, four] = boxes.dims
    if (boxes.dims.length !== 2 || four !== 4 || places < 10) continue
    const named = /box|loc|bbox|reg|coord/i.test(boxes.name)
    for (const scores of outputs) {
      if (scores === boxes || scores.dims.length !== 2 || scores.dims[0] !== places) continue
      // Four classes look like boxes: then only the names tell.
      if (scores.dims[1] === 4 && !named) continue
      return { boxes, scores, places, classes: scores.dims[1], decoded: isUpstream(model, boxes.name, 'Exp') }
    }
  }
  return null
}

function isUpstream({ graph }: Model, output: ValueName, op: string): boolean {
  const maker = new Map(graph.nodes.flatMap(node => node.outputs.map(name => [name, node] as const)))
  const waiting: (ValueName | null)[] = [output]
  const seen = new Set<ValueName | null>()
  for (const value of waiting) {
    const node = maker.get(value)
    if (!node || seen.has(value)) continue
    seen.add(value)
    if (node.op === op) return true
    waiting.push(...node.inputs)
  }
  return false
}
