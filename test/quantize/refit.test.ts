// The sequential refit: that it sees what the runtime computes with, and that it beats rounding to nearest on every layer.
import { beforeAll, describe, expect, test } from 'vitest'
import { viewAs } from '../../src/base/dtype.ts'
import { pack, unpack } from '../../src/base/pack.ts'
import { createRng } from '../../src/base/rng.ts'
import type { Context, Memo } from '../../src/ir/context.ts'
import { coderOf } from '../../src/ir/number-format.ts'
import { floats } from '../../src/ir/tensor.ts'
import { infer } from '../../src/ops/infer.ts'
import { inputRows, layerShape, outputRows, placesOf } from '../../src/ops/patches.ts'
import { roundLayer } from '../../src/stages/quantize/repairs/rounding-solve.ts'
import { build } from '../build.ts'
import { layerOf } from './moments.ts'
import { play, testContext } from './played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

describe('rows of a layer times its weights are what the runtime gives', () => {
  test.each([
    ['a convolution', 'x: f32[2,3,7,6]', 'Conv(x, w: f32[4,3,3,3], b: f32[4]) {pads=[1,1,1,1]}'],
    [
      'with strides, dilations and uneven pads',
      'x: f32[2,3,11,9]',
      'Conv(x, w: f32[4,3,3,2], b: f32[4]) {pads=[2,0,1,3], strides=[2,1], dilations=[1,2]}',
    ],
    [
      'padded to the same size, at the end',
      'x: f32[1,3,8,7]',
      'Conv(x, w: f32[4,3,4,3], b: f32[4]) {auto_pad="SAME_UPPER", strides=[2,2]}',
    ],
    [
      'padded to the same size, at the front',
      'x: f32[1,3,8,7]',
      'Conv(x, w: f32[4,3,4,2], b: f32[4]) {auto_pad="SAME_LOWER", strides=[2,2]}',
    ],
    ['in groups', 'x: f32[2,6,5,5]', 'Conv(x, w: f32[4,3,3,3], b: f32[4]) {pads=[1,1,1,1], group=2}'],
    ['depthwise', 'x: f32[2,4,5,5]', 'Conv(x, w: f32[4,1,3,3], b: f32[4]) {pads=[1,1,1,1], group=4}'],
    ['of one dimension', 'x: f32[2,3,9]', 'Conv(x, w: f32[5,3,4], b: f32[5]) {pads=[2,1], strides=[2]}'],
    ['a Gemm', 'x: f32[5,7]', 'Gemm(x, w: f32[7,4], b: f32[4])'],
    ['a transposed Gemm', 'x: f32[5,7]', 'Gemm(x, w: f32[4,7], b: f32[4]) {transB=1}'],
    ['a MatMul of three dimensions', 'x: f32[2,5,7]', 'MatMul(x, w: f32[7,4])'],
  ])('%s', async (_, input, op) => {
    const model = infer(build(`graph (${input}) -> (y) { y = ${op} }`))
    const node = model.graph.nodes[0]
    const layer = layerShape(node, model.graph)!
    const shape = model.graph.values.get('x')!.shape as number[]
    const rng = createRng(1)
    const x = floats(
      shape,
      Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => rng.normal()),
    )
    const session = await ctx.runner.open(model)
    const { y } = await session.run({ x })
    await session.close()
    const of = (name: string): Float32Array =>
      viewAs('float32', model.graph.values.get(name)!.data!.data as Uint8Array) as Float32Array
    const w = of('w')
    const bias = model.graph.values.has('b') ? of('b') : new Float32Array(layer.groups * layer.channels)
    const places = Uint32Array.from({ length: placesOf(layer, y.shape) }, (_, i) => i)
    const want = outputRows(y, layer, places)
    const [c, k] = [layer.channels, layer.columns]
    for (let group = 0; group < layer.groups; group++) {
      const rows = inputRows(x, y.shape, layer, group, places)
      expect(rows.length / (k + 1)).toBe(want.length / (c * layer.groups))
      for (let r = 0; r * (k + 1) < rows.length; r++) {
        expect(rows[r * (k + 1) + k]).toBe(1)
        for (let o = 0; o < c; o++) {
          let sum = bias[group * c + o]
          for (let j = 0; j < k; j++) sum += rows[r * (k + 1) + j] * w[layer.at(group, o, j)]
          expect(sum).toBeCloseTo(want[r * c * layer.groups + group * c + o], 4)
        }
      }
    }
  })
})

describe('rounding with second moments', () => {
  test.each([2, 3, 4, 8].flatMap(bits => [9, 32].map(k => [bits, k] as const)))(
    '%i bits, %i inputs: less than half the error of nearest',
    async (bits, k) => {
      for (let seed = 0; seed < 4; seed++) {
        const layer = layerOf(k, 3, 400, seed)
        const part = layer.part(bits)
        const nearest = Float32Array.from(layer.float, (x, i) => {
          const s = part.grid.scales[Math.floor(i / k)]
          return coderOf(part.grid.format, true).encode(x / s) * s
        })
        const [rounded] = await roundLayer([part], ctx)
        expect(layer.error(rounded.weights, rounded.bias!)).toBeLessThan(0.5 * layer.error(nearest, layer.bias))
        // What is given back lies on the grid of the scales that are given back.
        for (const [i, w] of rounded.weights.entries()) {
          const code = w / rounded.scales[Math.floor(i / k)]
          expect(Math.abs(code - Math.round(code))).toBeLessThan(1e-4)
          expect(Math.abs(Math.round(code))).toBeLessThanOrEqual(part.grid.largest)
        }
      }
    },
  )

  test('one scale over the groups of a layer where they share it', async () => {
    const parts = [1, 2].map(seed => {
      const part = layerOf(9, 1, 200, seed).part(4)
      return { ...part, grid: { ...part.grid, shared: true } }
    })
    const rounded = await roundLayer(parts, ctx)
    expect(rounded[0].scales[0]).toBe(rounded[1].scales[0])
  })

  test('an input that is always zero has weights of zero, however large they were', async () => {
    const layer = layerOf(9, 2, 200, 3)
    const part = layer.part(4)
    for (let i = 0; i < 10; i++) {
      part.moments.h[4 * 10 + i] = 0
      part.moments.h[i * 10 + 4] = 0
    }
    for (let o = 0; o < 2; o++) {
      part.moments.r[4 * 2 + o] = 0
      layer.float[o * 9 + 4] = 1000
    }
    const [rounded] = await roundLayer([part], ctx)
    expect(rounded.weights[4]).toBe(0)
    expect(rounded.scales[0]).toBeLessThan(10)
  })
})

const residual = build(`graph (x: f32[N,3,8,8]) -> (y) {
  a = Conv(x, wa: f32[8,3,3,3], ba: f32[8]) {pads=[1,1,1,1]}
  r = Relu(a)
  d = Conv(r, wd: f32[8,1,3,3], bd: f32[8]) {pads=[1,1,1,1], group=8}
  s = Relu(d)
  e = Conv(s, we: f32[8,8,1,1])
  t = Add(e, r)
  u = Relu(t)
  p = GlobalAveragePool(u)
  f = Flatten(p)
  y = MatMul(f, wf: f32[8,5])
}`)

describe('refit of a network', () => {
  test.each([
    ['int4', 'uint8', 'channel'],
    ['int4', 'uint8', 'tensor'],
    ['ternary', 'uint8', 'channel'],
    ['apot', 'uint8', 'channel'],
    ['int8', 'uint16', 'channel'],
    ['int4', 'float32', 'channel'],
  ])(
    'weights of %s beside activations of %s, a scale a %s: closer to the float model than nearest',
    async (weights, activations, granularity) => {
      const step = { weights, activations, granularity }
      const nearest = await play(residual, ctx, { step, samples: 48 })
      const refitted = await play(residual, ctx, { step: { ...step, repairs: ['refit'] }, samples: 48 })
      expect(refitted.sqnr.y).toBeGreaterThan(nearest.sqnr.y + 2)
      // The convolution without a bias has one now.
      expect(refitted.variant.model.graph.nodes.find(n => n.origin.includes('e'))?.inputs.length ?? 3).toBe(3)
    },
  )

  test('gives the same bytes for the same samples, whatever ran before', async () => {
    const step = { weights: 'int4', repairs: ['refit'] }
    const first = await play(residual, ctx, { step, samples: 16 })
    const second = await play(residual, ctx, { step, samples: 16 })
    const codes = (p: typeof first) =>
      [...p.variant.model.graph.values].filter(([, v]) => v.data).map(([name, v]) => [name, v.data!.data])
    expect(codes(second)).toEqual(codes(first))
  })

  test('goes on behind the last finished layer after it was cut off, to the same bytes', async () => {
    const kept = new Map<string, Uint8Array>()
    let solved: string[] = []
    const run = async (stopAt?: string) => {
      const stop = new AbortController()
      const memo: Memo = async (key, compute) => {
        const name = JSON.stringify(key)
        const known = kept.get(name)
        if (known) return unpack(known) as never
        const made = await compute()
        kept.set(name, pack(made))
        return made
      }
      solved = []
      const watched: Context = {
        ...ctx,
        signal: stop.signal,
        perform(task, input) {
          if (task.id === 'round') solved.push(at)
          return ctx.perform(task, input)
        },
        progress(p) {
          if (p.stage !== 'quantize') return
          at = p.note ?? ''
          if (at === stopAt) stop.abort(new Error('closed'))
        },
      }
      let at = ''
      return play(residual, watched, { step: { weights: 'int4', repairs: ['refit'] }, samples: 16, memo })
    }
    const codes = (p: Awaited<ReturnType<typeof run>>) =>
      [...p.variant.model.graph.values].filter(([, v]) => v.data).map(([name, v]) => [name, v.data!.data])
    const whole = codes(await run())
    const layers = [...new Set(solved)]
    expect(layers.length).toBe(4)
    for (const [done, stopAt] of layers.entries()) {
      kept.clear()
      await expect(run(stopAt)).rejects.toThrow('closed')
      const again = await run()
      // The layer at which it was stopped was begun, not finished.
      expect([...new Set(solved)]).toEqual(layers.slice(done))
      expect(codes(again)).toEqual(whole)
    }
  })
})
