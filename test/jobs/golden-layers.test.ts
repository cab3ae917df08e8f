// Every value that has a scale has a golden one, whatever stands between it and its pair.
import { beforeAll, expect, test } from 'vitest'
import type { Context } from '../../src/ir/context.ts'
import { layerValues } from '../../src/jobs/bundle.ts'
import { findTarget } from '../../src/targets/index.ts'
import { build } from '../build.ts'
import { play, testContext } from '../quantize/played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const network = build(`graph (x: f32[N,3,8,8]) -> (y) {
  a = Conv(x, w1: f32[8,3,3,3], b1: f32[8]) {pads=[1,1,1,1]}
  r = Relu(a)
  c = Conv(r, w2: f32[8,8,3,3], b2: f32[8]) {pads=[1,1,1,1]}
  s = Add(c, r)
  d = Conv(s, w3: f32[8,8,1,1])
  t = Clip(d, f32[]{-1}, f32[]{1})
  e = Conv(t, w4: f32[4,8,1,1])
  f = Flatten(e)
  y = Gemm(f, v: f32[256,10], d0: f32[10])
}`)

test.each([
  ['ncnn', {}, true],
  ['onnxruntime', { activations: 'uint4' }, true],
  ['tflite', {}, false],
])('%s %o', async (id, step, cuts) => {
  const { variant } = await play(network, ctx, { step, wanted: { target: findTarget(id), form: null } })
  const { model, plan } = variant
  const edges = new Set([...model.graph.inputs, ...model.graph.outputs])
  const layers = layerValues(variant)
  expect([...layers.keys()].sort()).toEqual([...plan!.activations.keys()].filter(name => !edges.has(name)).sort())
  expect(layers.size).toBeGreaterThan(3)
  // The case is met: a Clip of ours, which is no value of the plan.
  const clips = model.graph.nodes.filter(n => n.op === 'Clip' && !plan!.activations.has(n.outputs[0]!))
  expect(clips.length > 0).toBe(cuts)
})
