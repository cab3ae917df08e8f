// What became of each node between two graphs, and what nodes are coloured by.
import { describe, expect, test } from 'vitest'
import type { LayerReport, Report } from '../../src/jobs/report.ts'
import { contrast, inkOn } from '../../src/ui/graph/colour.ts'
import {
  changeColours,
  coloursOf,
  figuresOf,
  figureText,
  offered,
  scaleOf,
  shareOf,
} from '../../src/ui/graph/colouring.ts'
import { becameText, differenceOf } from '../../src/ui/graph/difference.ts'
import { groupsOf } from '../../src/ui/graph/groups.ts'
import { sceneOf } from '../../src/ui/graph/scene.ts'
import { shownOf } from '../../src/ui/graph/shown.ts'
import type { GraphView, NodeView } from '../../workers/api.ts'
import { residualGraph } from './fake-api.ts'

const node = (id: string, op: string, inputs: string[], more: Partial<NodeView> = {}): NodeView => ({
  id,
  op,
  domain: '',
  inputs,
  outputs: [`${id}:0`],
  attrs: [],
  macs: 0,
  bytes: 0,
  origin: [id],
  ...more,
})
const graph = (nodes: NodeView[]): GraphView => ({
  inputs: ['x'],
  outputs: [`${nodes.at(-1)!.id}:0`],
  nodes,
  values: [],
})

describe('the difference', () => {
  // Conv takes BatchNorm up, Identity and Dropout go, Q/DQ come; the last Relu is as it was.
  const original = graph([
    node('conv', 'Conv', ['x'], { bytes: 400 }),
    node('bn', 'BatchNormalization', ['conv:0'], { bytes: 40 }),
    node('id', 'Identity', ['bn:0']),
    node('drop', 'Dropout', ['id:0']),
    node('relu', 'Relu', ['drop:0']),
  ])
  const compressed = graph([
    node('q', 'QuantizeLinear', ['x'], { origin: [] }),
    node('dq', 'DequantizeLinear', ['q:0'], { origin: [] }),
    node('conv', 'Conv', ['dq:0'], { bytes: 110, origin: ['conv', 'bn'] }),
    node('conv_q', 'QuantizeLinear', ['conv:0'], { origin: ['conv', 'bn'] }),
    node('conv_dq', 'DequantizeLinear', ['conv_q:0'], { origin: ['conv', 'bn'] }),
    node('relu', 'Relu', ['conv_dq:0']),
  ])
  const { scene, counts, became } = differenceOf(original, compressed)
  const changeOf = (id: string) => scene.nodes.find(item => item.id === id)?.change

  test('every node is kept, changed, added or removed, by what it came from', () => {
    expect(counts).toEqual({ kept: 1, changed: 1, added: 4, removed: 2 })
    expect(changeOf('conv')).toBe('changed')
    expect(changeOf('conv_q')).toBe('added')
    expect(changeOf('relu')).toBe('kept')
    expect(changeOf('drop')).toBe('removed')
  })
  test('it says what a changed node was and is', () => {
    expect(becameText(became.get('conv')!, 'en')).toBe('Conv + BatchNormalization → Conv, 440\u00a0B → 110\u00a0B')
  })
  test('what is gone stands where it was: after what it read, before what read it', () => {
    const at = (id: string) => scene.nodes.findIndex(item => item.id === id)
    expect(scene.before[at('id')]).toEqual([at('conv')])
    expect(scene.before[at('drop')]).toEqual([at('id')])
    expect(scene.before[at('relu')]).toEqual([at('conv_dq'), at('drop')])
    for (let k = 0; k < scene.edges.length; k += 2) expect(scene.edges[k]).toBeLessThan(scene.edges[k + 1])
  })
  test('a graph differs from itself in nothing', () => {
    const one = residualGraph(3)
    const itself = { ...one, nodes: one.nodes.map(item => ({ ...item, origin: [item.id] })) }
    expect(differenceOf(itself, itself).counts).toEqual({ kept: one.nodes.length, changed: 0, added: 0, removed: 0 })
  })
  test('of what a fused node swallowed, nothing leads back into it', () => {
    const before = graph([node('a', 'Conv', ['x']), node('gone', 'Identity', ['a:0']), node('b', 'Relu', ['gone:0'])])
    const after = graph([node('a', 'Conv', ['x'], { origin: ['a', 'b'] })])
    const { scene: fused, counts: found } = differenceOf(before, after)
    expect(found).toEqual({ kept: 0, changed: 1, added: 0, removed: 1 })
    for (let k = 0; k < fused.edges.length; k += 2) expect(fused.edges[k]).toBeLessThan(fused.edges[k + 1])
  })
  test('its colours take black or white words', () => {
    for (const colour of [changeColours.changed!, changeColours.added!])
      expect(contrast(colour, inkOn(colour))).toBeGreaterThanOrEqual(4.5)
  })
})

describe('colours', () => {
  const scene = sceneOf(residualGraph(3))
  const at = (id: string) => scene.index.get(id)!
  const row = { node: 'conv1', op: 'Conv', sqnrDb: 40, cumulativeSqnrDb: 31, weightBits: 4, activationBits: 8 }
  const layers = new Map([[at('conv1'), row as LayerReport]])
  const pruned = {
    groups: [{ layer: '/resnet/layer1.0.conv1', layers: [], before: 16, after: 12, importance: 0, loss: null }],
  } as unknown as Report['pruned']

  const times = new Map([['conv1', 0.25]])

  test('only figures that are there are offered', () => {
    expect(offered(scene, { layers: new Map(), pruned: null, times: new Map() })).toEqual(['bytes', 'macs'])
    expect(offered(scene, { layers, pruned, times })).toEqual(['sqnr', 'bytes', 'macs', 'time', 'bits', 'pruned'])
  })
  test('each figure is the layer’s own, and says its unit', () => {
    const figure = (by: Parameters<typeof figuresOf>[2], id: string) =>
      figuresOf(scene, { layers, pruned, times }, by)[at(id)]
    expect(figureText(figure('sqnr', 'conv1'), 'sqnr', 'en')).toBe('31.0\u00a0dB')
    expect(figureText(figure('bits', 'conv1'), 'bits', 'en')).toBe('4\u00a0bit')
    expect(figureText(figure('bytes', 'conv1'), 'bytes', 'en')).toBe('9.28\u00a0kB')
    expect(figureText(figure('time', 'conv1'), 'time', 'en')).toBe('0.25\u00a0ms')
    expect(figureText(figure('pruned', 'layer1.0.conv1'), 'pruned', 'en')).toBe('25\u00a0%')
    expect(figure('macs', 'relu')).toBeNaN()
  })
  test('amounts far apart are on a logarithmic scale, which keeps their ends', () => {
    const near = scaleOf(Float64Array.of(10, 20, Number.NaN), 'macs')
    expect([near.log, near.low, near.high]).toEqual([false, 0, 20])
    const far = scaleOf(Float64Array.of(10, 1000), 'macs')
    expect(far.log).toBe(true)
    expect([10, 100, 1000].map(value => shareOf(value, far))).toEqual([0, expect.closeTo(0.5), 1])
  })
  test('a folded group adds amounts up and shows its worst error', () => {
    const deep = sceneOf(residualGraph(9))
    const groups = groupsOf(deep)
    const folded = shownOf(deep, groups, new Set())
    const within = deep.index.get('layer1.0.conv1')!
    const known = {
      layers: new Map([
        [within, { ...row, cumulativeSqnrDb: 12 } as LayerReport],
        [deep.index.get('layer1.1.conv1')!, row as LayerReport],
      ]),
      pruned: null,
      times: new Map(),
    }
    expect(coloursOf(deep, groups, folded, known, 'sqnr').figures[folded.of[within]]).toBe(12)
    const macs = coloursOf(deep, groups, folded, known, 'macs').figures
    const all = figuresOf(deep, known, 'macs')
    const sum = (figures: Float64Array) =>
      figures.reduce((total, value) => total + (Number.isNaN(value) ? 0 : value), 0)
    expect(sum(macs)).toBe(sum(all))
    expect(folded.items.length).toBeLessThan(deep.nodes.length)
  })
})
