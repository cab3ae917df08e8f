import { expect, test } from 'vitest'
import { viewAs } from '../../src/base/dtype.ts'
import { parseGraph } from '../../src/ir/parse.ts'
import { build } from '../build.ts'

test('the example of the design reads as two nodes and two weights', () => {
  const model = build(`
    graph (x: f32[1,3,32,32]) -> (y) {
      c = Conv(x, w: f32[16,3,3,3], b: f32[16]{0.5..1.5}) {pads=[1,1,1,1]}
      y = Relu(c)
    }`)
  expect(model.graph.nodes.map(n => n.op)).toEqual(['Conv', 'Relu'])
  expect(model.graph.values.get('w')?.data?.shape).toEqual([16, 3, 3, 3])
  expect(model.graph.values.get('x')?.shape).toEqual([1, 3, 32, 32])
  const b = viewAs('float32', model.graph.values.get('b')!.data!.data as Uint8Array) as Float32Array
  expect(b.every(v => v >= 0.5 && v < 1.5)).toBe(true)
})

test('attributes, domains, left-out inputs, inline constants and subgraphs', () => {
  const g = parseGraph(`
    graph (x: f32[N,?], "odd name": bool) -> (y, z) {
      r = Reshape(x, i64[2]{0, -1})
      c = com.microsoft.FusedConv(r, k: f32[1]{2}, _) {activation="Relu", alpha=0.5, axes=[-1], s=[1.0, 2.0]} as fused
      y, _ = Two(c)
      z = If("odd name") {
        then_branch = graph t () -> (a) { a = Identity(c) },
        else_branch = graph e () -> (b) { b = Constant() {value = f32[2]{1, nan}} }
      }
    }`)
  expect(g.values.get('x')?.shape).toEqual(['N', null])
  const fused = g.nodes.find(n => n.id === 'fused')
  expect(fused?.domain).toBe('com.microsoft')
  expect(fused?.inputs).toEqual(['r', 'k', null])
  expect([...(fused?.attrs.values() ?? [])].map(a => a.kind)).toEqual(['string', 'float', 'ints', 'floats'])
  expect(g.values.get('const_1')?.data?.dtype).toBe('int64')
  expect(g.nodes.find(n => n.op === 'If')?.attrs.get('then_branch')?.kind).toBe('graph')
  expect(g.nodes.find(n => n.op === 'Two')?.outputs).toEqual(['y', null])
})

test('equal seeds give equal weights, other seeds others', () => {
  const text = 'graph (x: f32[1,4]) -> (y) { y = MatMul(x, w: f32[4,4]) }'
  const w = (seed: number): unknown => build(text, { seed }).graph.values.get('w')?.data?.data
  expect(w(1)).toEqual(w(1))
  expect(w(1)).not.toEqual(w(2))
})

test('a fault names its line', () => {
  expect(() => parseGraph('graph (x) -> (y) {\n y = Relu(x\n}')).toThrow(/Line 3/)
})
