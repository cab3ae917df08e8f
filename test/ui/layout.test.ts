// The layered layout on small graphs whose drawing is known, and on large ones within their time.
import { describe, expect, test } from 'vitest'
import { layout } from '../../src/ui/graph/layout.ts'
import type { GraphLayout, LayoutInput } from '../../src/ui/graph/types.ts'

const height = 28
const graph = (count: number, pairs: [number, number][], width = 100): LayoutInput => ({
  widths: new Float32Array(count).fill(width),
  height,
  edges: Uint32Array.from(pairs.flat()),
  frameOf: new Int32Array(count).fill(-1),
  frameParent: new Int32Array(0),
})
const line = (drawn: GraphLayout, edge: number): [number, number][] => {
  const points: [number, number][] = []
  for (let k = drawn.start[edge]; k < drawn.start[edge + 1]; k++)
    points.push([drawn.points[2 * k], drawn.points[2 * k + 1]])
  return points
}

/** Every place where a segment of an edge passes through the inside of a node that is not one of its ends. */
function nodesCrossed(input: LayoutInput, drawn: GraphLayout): string[] {
  const found: string[] = []
  for (let edge = 0; edge < input.edges.length / 2; edge++) {
    const points = line(drawn, edge)
    for (let node = 0; node < input.widths.length; node++) {
      if (node === input.edges[2 * edge] || node === input.edges[2 * edge + 1]) continue
      const [left, right] = [drawn.x[node] - input.widths[node] / 2, drawn.x[node] + input.widths[node] / 2]
      const [top, bottom] = [drawn.y[node], drawn.y[node] + height]
      for (let k = 1; k < points.length; k++) {
        const [[ax, ay], [bx, by]] = [points[k - 1], points[k]]
        if (Math.max(ax, bx) > left && Math.min(ax, bx) < right && Math.max(ay, by) > top && Math.min(ay, by) < bottom)
          found.push(`edge ${edge} through node ${node}`)
      }
    }
  }
  return found
}

function overlaps(input: LayoutInput, drawn: GraphLayout): number {
  let found = 0
  for (let a = 0; a < input.widths.length; a++)
    for (let b = a + 1; b < input.widths.length; b++)
      if (
        drawn.layer[a] === drawn.layer[b] &&
        Math.abs(drawn.x[a] - drawn.x[b]) < (input.widths[a] + input.widths[b]) / 2 - 0.01
      )
        found++
  return found
}

/** Residual blocks of three nodes with a bypass each. */
function residual(blocks: number): LayoutInput {
  const pairs: [number, number][] = []
  for (let block = 0; block < blocks; block++) {
    const at = block * 3
    pairs.push([at, at + 1], [at + 1, at + 2], [at + 2, at + 3], [at, at + 3])
  }
  return graph(blocks * 3 + 1, pairs)
}

/** A seeded random graph: each node reads one to three of the `reach` nodes before it. */
function random(count: number, reach: number): LayoutInput {
  let state = 12345
  const next = (n: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % n
  }
  const pairs: [number, number][] = []
  for (let node = 1; node < count; node++)
    for (let k = 1 + next(3); k > 0; k--) pairs.push([Math.max(0, node - 1 - next(reach)), node])
  return graph(count, pairs)
}

/** Milliseconds of this process's own work: a busy machine does not count. */
function workOf(run: () => void): number {
  const began = process.cpuUsage()
  run()
  const { user, system } = process.cpuUsage(began)
  return (user + system) / 1000
}

describe('layout', () => {
  test('a chain is one straight column', () => {
    const drawn = layout(
      graph(4, [
        [0, 1],
        [1, 2],
        [2, 3],
      ]),
    )
    expect(new Set(drawn.x)).toEqual(new Set([50]))
    expect([...drawn.layer]).toEqual([0, 1, 2, 3])
    expect(line(drawn, 0)).toHaveLength(2)
  })
  test('the main path of residual blocks stays in one column and bypasses go round it', () => {
    const input = residual(6)
    const drawn = layout(input)
    expect(new Set(drawn.x).size).toBe(1)
    expect(nodesCrossed(input, drawn)).toEqual([])
  })
  test('a node without inputs sits right above its reader', () => {
    const drawn = layout(
      graph(5, [
        [0, 1],
        [1, 2],
        [2, 3],
        [4, 3],
      ]),
    )
    expect(drawn.layer[4]).toBe(drawn.layer[3] - 1)
  })
  test('branches are side by side and do not overlap', () => {
    const input = graph(6, [
      [0, 1],
      [0, 2],
      [0, 3],
      [1, 4],
      [2, 4],
      [3, 4],
      [4, 5],
    ])
    const drawn = layout(input)
    expect(overlaps(input, drawn)).toBe(0)
    expect(drawn.layer[1]).toBe(drawn.layer[3])
  })
  test('two crossed edges are uncrossed', () => {
    const drawn = layout(
      graph(4, [
        [0, 3],
        [1, 2],
      ]),
    )
    expect(Math.sign(drawn.x[0] - drawn.x[1])).toBe(Math.sign(drawn.x[3] - drawn.x[2]))
  })
  test('no edge crosses a node and no node another on random graphs', () => {
    for (const reach of [3, 20, 100]) {
      const input = random(200, reach)
      const drawn = layout(input)
      expect(nodesCrossed(input, drawn)).toEqual([])
      expect(overlaps(input, drawn)).toBe(0)
    }
  })
  test('edges lead from the foot of their source to the head of their target', () => {
    const input = random(120, 10)
    const drawn = layout(input)
    for (let edge = 0; edge < input.edges.length / 2; edge++) {
      const points = line(drawn, edge)
      const [from, to] = [input.edges[2 * edge], input.edges[2 * edge + 1]]
      expect(points[0]).toEqual([drawn.x[from], drawn.y[from] + height])
      expect(points.at(-1)![1]).toBe(drawn.y[to])
      expect(Math.abs(points.at(-1)![0] - drawn.x[to])).toBeLessThanOrEqual(50)
    }
  })
  test('an empty graph, a lone node, a self-loop and a cycle are drawn without failing', () => {
    expect(layout(graph(0, [])).height).toBe(0)
    expect(layout(graph(1, [])).height).toBe(height)
    expect(layout(graph(1, [[0, 0]])).layer[0]).toBe(0)
    const cycle = layout(
      graph(3, [
        [0, 1],
        [1, 2],
        [2, 0],
      ]),
    )
    expect([...cycle.layer]).toEqual([0, 1, 2])
  })
  test('a thousand edges across half the graph each stay within the budget of way-points', () => {
    const pairs: [number, number][] = []
    for (let node = 1; node < 2000; node++) {
      pairs.push([node - 1, node])
      if (node % 2 === 0) pairs.push([node >> 1, node])
    }
    const input = graph(2000, pairs)
    let drawn!: GraphLayout
    expect(workOf(() => (drawn = layout(input)))).toBeLessThan(2000)
    expect(drawn.points.every(Number.isFinite)).toBe(true)
  })
  test('the same graph gives the same drawing', () => {
    expect(layout(random(300, 12))).toEqual(layout(random(300, 12)))
  })
  test.each([
    [1000, 300],
    [5000, 2000],
  ])('%i nodes are laid out within %i ms', (count, limit) => {
    const inputs = [residual(Math.floor(count / 3)), random(count, 8)]
    for (const input of inputs) {
      layout(random(200, 8))
      const took = workOf(() => layout(input))
      console.log(`${count} nodes, ${input.edges.length / 2} edges: ${took.toFixed(0)} ms`)
      expect(took).toBeLessThan(limit)
    }
  })
})
