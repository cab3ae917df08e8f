// Repairs that rewrite the graph before ranges are taken: what is quantised afterwards is the graph as it then is.
import { beforeAll, expect, test } from 'vitest'
import type { Context } from '../../src/ir/context.ts'
import { build } from '../build.ts'
import { play, testContext } from './played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

// One channel is a hundred times the others, and a second reader keeps its factor out of what makes the value.
const outlier = build(`graph (x: f32[N,6,8]) -> (y, z) {
  a = Mul(x, s: f32[8]{1, 1, 100, 1, 1, 1, 1, 1})
  y = MatMul(a, w: f32[8,5])
  z = Tanh(a)
}`)

test('a product behind factors that SmoothQuant put in has its new input rounded', async () => {
  const plain = await play(outlier, ctx, { optimized: false })
  const smoothed = await play(outlier, ctx, { step: { repairs: ['smooth'] }, optimized: false })
  const { nodes } = smoothed.variant.model.graph
  const product = nodes.find(n => n.op === 'MatMul')!
  const restored = nodes.find(n => n.outputs.includes(product.inputs[0]))
  expect(restored?.op).toBe('DequantizeLinear')
  const code = nodes.find(n => n.outputs.includes(restored!.inputs[0]))
  // Through the factors: what is rounded is made by a Mul of its own.
  expect(nodes.find(n => n.outputs.includes(code!.inputs[0]))?.op).toBe('Mul')
  expect(code!.inputs[0]).not.toBe('a')
  expect(smoothed.sqnr.y).toBeGreaterThan(plain.sqnr.y - 1)
})

test('what was seen of a rewritten model is not taken for what another rewriting gives', async () => {
  // Smoothing leaves layers whose weights have blocks alone: the same values are seen, of another model.
  const kept = new Map<string, unknown>()
  const memo = async <T>(key: unknown, compute: () => Promise<T>): Promise<T> => {
    const text = JSON.stringify(key)
    if (!kept.has(text)) kept.set(text, await compute())
    return kept.get(text) as T
  }
  const two = build(`graph (x: f32[N,6,64]) -> (y, z) {
    a = LayerNormalization(x, g: f32[64]{0.1..4}, b: f32[64])
    c = LayerNormalization(x, h: f32[64]{0.1..4}, d: f32[64])
    y = MatMul(a, w: f32[64,5]) as first
    z = MatMul(c, v: f32[64,7]) as second
  }`)
  const steps = ['first', 'second'].map(blocks => ({
    repairs: ['smooth'],
    layers: { [blocks]: { granularity: 'block:32' } },
  }))
  for (const step of steps) {
    const alone = await play(two, ctx, { step, optimized: false })
    const after = await play(two, ctx, { step, optimized: false, memo })
    expect(after.variant.plan!.activations).toEqual(alone.variant.plan!.activations)
  }
})
