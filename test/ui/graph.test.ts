// Scene, colours, camera and keys of the graph.
import { describe, expect, test } from 'vitest'
import type { LayerReport } from '../../src/jobs/report.ts'
import { fit, opening, pan, reveal, zoomAt } from '../../src/ui/graph/camera.ts'
import { cividis, contrast, inkOn, sqnrColour } from '../../src/ui/graph/colour.ts'
import { groupsOf } from '../../src/ui/graph/groups.ts'
import { neighbour } from '../../src/ui/graph/keys.ts'
import { layout } from '../../src/ui/graph/layout.ts'
import { keyOf, layersByNode, nodeHeight, sceneOf, search } from '../../src/ui/graph/scene.ts'
import { layoutInput, shownOf } from '../../src/ui/graph/shown.ts'
import { residualGraph } from './fake-api.ts'

const scene = sceneOf(residualGraph(3))
const groups = groupsOf(scene)
const shown = shownOf(scene, groups, new Set(groups.list.keys()))
const drawn = layout(layoutInput(shown, nodeHeight))
const at = (name: string) => scene.index.get(name)!

describe('scene', () => {
  test('the graph’s own inputs and outputs are terminals', () => {
    expect(scene.nodes[0]).toMatchObject({ kind: 'input', id: 'input', detail: 'N×3×32×32' })
    expect(scene.nodes.at(-1)).toMatchObject({ kind: 'output', id: 'fc_out' })
  })
  test('weights are no edges', () => {
    expect(scene.before[at('conv1')].map(k => scene.nodes[k].id)).toEqual(['input'])
  })
  test('nodes that only compute constants are left out and counted; control flow is kept', () => {
    const node = (op: string, id: string, inputs: string[]) => ({
      ...residualGraph(1).nodes[0],
      op,
      id,
      inputs,
      outputs: [`${id}_out`],
      origin: [],
    })
    const made = sceneOf({
      inputs: ['x'],
      outputs: ['add_out'],
      values: [],
      nodes: [
        node('Constant', 'two', []),
        node('Cast', 'cast', ['two_out']),
        node('If', 'if', ['cast_out']),
        node('Add', 'add', ['x', 'cast_out']),
      ],
    })
    expect(made.nodes.map(item => item.op)).toEqual(['x', 'If', 'Add', 'add_out'])
    expect(made.constants).toBe(2)
  })
  test('a node is found by its id and by the name it was imported with', () => {
    expect(at('/resnet/conv1')).toBe(at('conv1'))
    expect(keyOf(scene.nodes[at('conv1')])).toBe('conv1')
  })
  test('a report row finds its node by origin', () => {
    const row = { node: '/resnet/conv1', op: 'Conv', sqnrDb: 40 } as LayerReport
    expect([...layersByNode(scene, [row])]).toEqual([[at('conv1'), row]])
  })
  test('search takes every word, in name, operator or origin', () => {
    expect(search(scene, 'conv layer1').map(k => scene.nodes[k].id)).toEqual(['layer1.0.conv1', 'layer1.0.conv2'])
    expect(search(scene, '  ')).toEqual([])
  })
})

describe('keys', () => {
  test('down follows the main path, not its bypass, and up leads back', () => {
    const relu = at('relu')
    const next = neighbour(shown, drawn, relu, 'down')
    expect(scene.nodes[next].id).toBe('layer1.0.conv1')
    expect(neighbour(shown, drawn, next, 'up')).toBe(relu)
  })
  test('at an end one stays', () => {
    expect(neighbour(shown, drawn, 0, 'up')).toBe(0)
    expect(neighbour(shown, drawn, 0, 'left')).toBe(0)
  })
})

describe('colours', () => {
  test('cividis starts at dark blue and ends at yellow', () => {
    expect(cividis(0)).toEqual([0, 34, 78])
    expect(cividis(1)).toEqual([254, 232, 56])
    expect(cividis(7)).toEqual(cividis(1))
  })
  test('text on every colour of the scale has a contrast of 4.5 or more', () => {
    for (let db = 0; db <= 50; db++) expect(contrast(sqnrColour(db), inkOn(sqnrColour(db)))).toBeGreaterThanOrEqual(4.5)
  })
  test('black on white is 21', () => expect(contrast([0, 0, 0], [255, 255, 255])).toBeCloseTo(21, 6))
})

describe('camera', () => {
  const screen = { width: 800, height: 600 }
  test('zooming keeps the point under the pointer', () => {
    const before = { x: 10, y: 20, zoom: 1 }
    const after = zoomAt(before, 2, 100, 50)
    expect(after.x + 100 / after.zoom).toBeCloseTo(before.x + 100)
    expect(after.y + 50 / after.zoom).toBeCloseTo(before.y + 50)
  })
  test('panning moves by screen pixels at any zoom', () => {
    expect(pan({ x: 0, y: 0, zoom: 0.5 }, 10, -20)).toEqual({ x: -20, y: 40, zoom: 0.5 })
  })
  test('fit shows all and never enlarges', () => {
    expect(fit({ width: 100, height: 100 }, screen).zoom).toBe(1)
    const camera = fit({ width: 400, height: 5520 }, screen)
    expect(camera.zoom).toBeCloseTo(0.1)
    expect(camera.x + screen.width / camera.zoom / 2).toBeCloseTo(200)
  })
  test('a tall graph opens readable, at its top', () => {
    const camera = opening({ width: 300, height: 50_000 }, screen)
    expect(camera.zoom).toBeGreaterThan(0.6)
    expect(camera.y).toBeLessThan(0)
  })
  test('revealing what is in view moves nothing', () => {
    const camera = { x: 0, y: 0, zoom: 1 }
    expect(reveal(camera, { x: 200, y: 200, width: 50, height: 20 }, screen)).toEqual(camera)
    expect(reveal(camera, { x: 200, y: 900, width: 50, height: 20 }, screen).y).toBe(900 + 20 + 56 - 600)
  })
})
