// What folds in a graph, what is drawn of it then, and the frames round what stands open.
import { describe, expect, test } from 'vitest'
import { firstOpen, groupsOf } from '../../src/ui/graph/groups.ts'
import { layout } from '../../src/ui/graph/layout.ts'
import { nodeHeight, type Scene, sceneOf } from '../../src/ui/graph/scene.ts'
import { groupKey, hiding, itemOf, layoutInput, shownOf } from '../../src/ui/graph/shown.ts'
import type { GraphView, NodeView } from '../../workers/api.ts'
import { residualGraph } from './fake-api.ts'

/** A chain of nodes by name and operator; a name after `<` is read as well. */
function chain(...lines: string[]): GraphView {
  const nodes = lines.map((line, k): NodeView => {
    const [id, op, , more] = line.split(' ')
    const before = k === 0 ? 'x' : `${lines[k - 1].split(' ')[0]}:0`
    const inputs = more ? [before, `${more}:0`] : [before]
    return { id, op, domain: '', inputs, outputs: [`${id}:0`], attrs: [], macs: 0, bytes: 0, origin: [id] }
  })
  return { inputs: ['x'], outputs: [nodes.at(-1)!.outputs[0]!], nodes, values: [] }
}
const block = (name: string) => [`${name}/conv/Conv Conv`, `${name}/bn/Norm Norm`, `${name}/act/Relu Relu`]
const told = (scene: Scene) =>
  groupsOf(scene).list.map(
    ({ label, times, depth, first, last }) =>
      `${'  '.repeat(depth)}${label}${times > 1 ? ` ×${times}` : ''} ${last - first + 1}`,
  )

describe('groups', () => {
  test('scopes of names nest, and equal neighbours are one', () => {
    const scene = sceneOf(
      chain('/stem/Conv Conv', ...block('/a/a.0'), ...block('/a/a.1'), ...block('/a/a.2'), '/fc/Gemm Gemm'),
    )
    expect(told(scene)).toEqual(['a ×3 9', '  a.0 3', '  a.1 3', '  a.2 3'])
  })
  test('names with dots count as well, and a number takes the name before it', () => {
    const dotted = (n: number) => [`enc.${n}.conv Conv`, `enc.${n}.norm Norm`, `enc.${n}.act Relu`]
    expect(told(sceneOf(chain('stem Conv', ...dotted(0), 'mid.x Pool', ...dotted(1))))).toEqual(['enc.0 3', 'enc.1 3'])
  })
  test('blocks without names are found by what they do, and begin with a layer', () => {
    const plain = Array.from({ length: 4 }, (_, k) => [`c${k} Conv`, `n${k} Norm`, `r${k} Relu`]).flat()
    const scene = sceneOf(chain('first Conv', 'r Relu', ...plain, 'last Gemm'))
    expect(told(scene)).toEqual([
      'Conv · Norm · Relu ×4 12',
      ...Array.from({ length: 4 }, () => '  Conv · Norm · Relu 3'),
    ])
    expect(scene.nodes[groupsOf(scene).list[0].first].op).toBe('Conv')
  })
  test('a block of other wiring is no repetition', () => {
    const plain = [0, 1].flatMap(k => [`c${k} Conv`, `n${k} Norm`, `r${k} Relu${k === 1 ? ' < c0' : ''}`])
    expect(told(sceneOf(chain(...plain)))).toEqual([])
  })
  test('a counter of operators is no scope', () => {
    expect(told(sceneOf(chain('p/Add/0 Add', 'p/Add/1 Add', 'p/Add/2 Add', 'q Mul')))).toEqual([])
  })
  test('a small graph stands open, a large one is taken in at a glance', () => {
    const small = groupsOf(sceneOf(residualGraph(9)))
    expect(firstOpen(small, 52).size).toBe(small.list.length)
    const scene = sceneOf(chain(...Array.from({ length: 100 }, (_, k) => block(`/s${k % 2}.${k}/b`)).flat()))
    const large = groupsOf(scene)
    const shown = shownOf(scene, large, firstOpen(large, scene.nodes.length))
    expect(shown.items.length).toBeLessThanOrEqual(62)
  })
})

describe('what is drawn', () => {
  const scene = sceneOf(chain('/stem/Conv Conv', ...block('/a/a.0'), ...block('/a/a.1'), '/fc/Gemm Gemm < /stem/Conv'))
  const groups = groupsOf(scene)
  test('a folded group is one item, with the edges of all that it holds', () => {
    const shown = shownOf(scene, groups, new Set())
    expect(shown.items.map(({ node, group }) => (group < 0 ? scene.nodes[node].op : groups.list[group].label))).toEqual(
      ['x', 'Conv', 'a', 'Gemm', '/fc/Gemm:0'],
    )
    expect([...shown.edges]).toEqual([0, 1, 1, 2, 2, 3, 1, 3, 3, 4])
  })
  test('a selection within a folded group is shown on it, and opening what hides it shows it itself', () => {
    const inside = '/a/a.1/bn/Norm'
    const folded = shownOf(scene, groups, new Set())
    expect(folded.items[itemOf(scene, groups, folded, inside)].group).toBe(0)
    const open = new Set(hiding(groups, new Set(), scene.index.get(inside)!))
    const shown = shownOf(scene, groups, open)
    expect(scene.nodes[shown.items[itemOf(scene, groups, shown, inside)].node].id).toBe(inside)
    // The other block stays folded.
    expect(shown.items.some(({ group }) => group >= 0 && groups.list[group].label === 'a.0')).toBe(true)
  })
  test('a group is selected while it is folded, or folded within another', () => {
    const inner = groups.list.findIndex(({ label }) => label === 'a.1')
    const folded = shownOf(scene, groups, new Set())
    expect(itemOf(scene, groups, folded, groupKey(inner))).toBe(2)
    const open = shownOf(scene, groups, new Set(groups.list.keys()))
    expect(itemOf(scene, groups, open, groupKey(inner))).toBe(-1)
  })
  test('whatever is folded, no edge leads back', () => {
    const deep = sceneOf(residualGraph(12))
    const all = groupsOf(deep)
    for (let pattern = 0; pattern < 40; pattern++) {
      const open = new Set([...all.list.keys()].filter(k => (k * 7 + pattern * 5) % 3 !== 0))
      const { edges } = shownOf(deep, all, open)
      for (let k = 0; k < edges.length; k += 2) expect(edges[k]).toBeLessThan(edges[k + 1])
    }
  })
})

test('a frame holds its items and inner frames, and no node of others', () => {
  const scene = sceneOf(residualGraph(9))
  const groups = groupsOf(scene)
  const shown = shownOf(scene, groups, new Set(groups.list.keys()))
  const drawn = layout(layoutInput(shown, nodeHeight))
  const box = (k: number) => {
    const [x, y, width, height] = drawn.frames.subarray(4 * k, 4 * k + 4)
    return { left: x, top: y, right: x + width, bottom: y + height }
  }
  expect(shown.open.length).toBeGreaterThan(5)
  shown.open.forEach((group, k) => {
    const frame = box(k)
    const parent = shown.frameParent[k]
    if (parent >= 0) {
      const outer = box(parent)
      expect(frame.left).toBeGreaterThan(outer.left)
      expect(frame.top).toBeGreaterThan(outer.top)
      expect(frame.bottom).toBeLessThan(outer.bottom)
    }
    shown.items.forEach(({ node }, item) => {
      const within =
        drawn.y[item] >= frame.top && drawn.y[item] + nodeHeight <= frame.bottom && drawn.x[item] > frame.left
      const { first, last } = groups.list[group]
      expect(within).toBe(node >= first && node <= last)
    })
  })
})
