// A graph made ready to be drawn: its scene, its groups, and for a difference what became of each node.
import type { GraphView } from '../../../workers/api.ts'
import { type Difference, differenceOf } from './difference.ts'
import { firstOpen, type Groups, groupsOf } from './groups.ts'
import { type Scene, sceneOf } from './scene.ts'

export interface Prepared {
  scene: Scene
  groups: Groups
  firstOpen: ReadonlySet<number>
  difference: Difference | null
}

/** `before`: the original, where its difference to the graph is wanted. */
export function prepare(graph: GraphView, before: GraphView | null): Prepared {
  const difference = before ? differenceOf(before, graph) : null
  const scene = difference?.scene ?? sceneOf(graph)
  const groups = groupsOf(scene)
  return { scene, groups, firstOpen: firstOpen(groups, scene.nodes.length), difference }
}
