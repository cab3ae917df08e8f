// Facts that passes and quantisation ask for.
import { expect, test } from 'vitest'
import { isElementwise, isLayoutOnly, isPure, staysFloat, weightOf } from '../../src/ops/facts.ts'
import { ops } from '../../src/ops/index.ts'
import { opOf } from '../../src/ops/lookup.ts'
import { build } from '../build.ts'

const weightIn = (text: string) => {
  const { graph } = build(text)
  return weightOf(graph.nodes[0], graph)
}

test('the output channels of a weight lie on the axis that the operator gives them', () => {
  expect(weightIn('graph (x: f32[1,3,8,8]) -> (y) { y = Conv(x, w: f32[16,3,3,3], b: f32[16]) }')).toEqual({
    input: 1,
    name: 'w',
    axis: 0,
    groups: 1,
    lookup: false,
    depthwise: false,
    bias: { input: 2, name: 'b' },
  })
  expect(weightIn('graph (x: f32[1,6,8,8]) -> (y) { y = ConvTranspose(x, w: f32[6,4,3,3]) }')?.axis).toBe(1)
  expect(weightIn('graph (x: f32[1,6]) -> (y) { y = Gemm(x, w: f32[6,4]) }')?.axis).toBe(1)
  expect(weightIn('graph (x: f32[1,6]) -> (y) { y = Gemm(x, w: f32[4,6]) {transB=1} }')?.axis).toBe(0)
  expect(weightIn('graph (x: f32[1,6]) -> (y) { y = MatMul(x, w: f32[6,4]) }')).toMatchObject({ axis: 1, bias: null })
  expect(weightIn('graph (x: i64[2]) -> (y) { y = Gather(w: f32[9,4], x) }')).toMatchObject({ axis: 0, lookup: true })
  expect(weightIn('graph (x: i64[2]) -> (y) { y = Gather(w: f32[9,4], x) {axis=1} }')).toBeNull()
  expect(weightIn('graph (x: f32[2,1,6]) -> (y) { y = MatMul(x, w: f32[2,6,4]) }')?.axis).toBeNull()
})

test('a convolution with one input channel to each group is depthwise', () => {
  const depthwise = (text: string) => weightIn(text)?.depthwise
  expect(depthwise('graph (x: f32[1,8,8,8]) -> (y) { y = Conv(x, w: f32[8,1,3,3]) {group=8} }')).toBe(true)
  expect(depthwise('graph (x: f32[1,8,8,8]) -> (y) { y = Conv(x, w: f32[8,4,3,3]) {group=2} }')).toBe(false)
  expect(depthwise('graph (x: f32[1,1,8,8]) -> (y) { y = Conv(x, w: f32[8,1,3,3]) }')).toBe(false)
  expect(depthwise('graph (x: f32[1,8,8,8]) -> (y) { y = ConvTranspose(x, w: f32[8,1,3,3]) {group=8} }')).toBe(true)
})

test('what is computed is no weight', () => {
  expect(weightIn('graph (x: f32[1,6], z: f32[6,4]) -> (y) { y = MatMul(x, z) }')).toBeNull()
  expect(weightIn('graph (x: f32[1,6]) -> (y) { y = Relu(x) }')).toBeNull()
})

test('traits: elementwise, moved only, random, unknown, kept in float', () => {
  const { graph } = build(
    `graph (x: f32[2,3], c: bool[]) -> (a, b, d, e, f) {
      a = Mul(x, x)
      b = Transpose(x)
      d = RandomNormalLike(x)
      e = acme.Magic(x)
      f = If(c) {
        then_branch = graph t () -> (g) { g = RandomNormalLike(x) },
        else_branch = graph u () -> (h) { h = Relu(x) }
      }
    }`,
    { domains: { acme: 1 } },
  )
  const [a, b, d, e, f] = ['a', 'b', 'd', 'e', 'f'].map(id => graph.nodes.find(n => n.id === id)!)
  expect([a, b, d, e].map(isElementwise)).toEqual([true, false, false, false])
  expect([a, b, d, e].map(isLayoutOnly)).toEqual([false, true, false, false])
  expect([a, b, d, e, f].map(isPure)).toEqual([true, true, false, false, false])
  expect(staysFloat(f)).not.toBeNull()
  expect(staysFloat(a)).toBeNull()
})

test('no operator is defined twice, and the long name of the standard domain is the same domain', () => {
  const names = ops.flatMap(o => (typeof o.type === 'string' ? [o.type] : o.type).map(t => `${o.domain ?? ''}:${t}`))
  expect(names.length).toBe(new Set(names).size)
  expect(opOf({ op: 'Conv', domain: 'ai.onnx' })).toBe(opOf({ op: 'Conv', domain: '' }))
})
