// Learned rounding: AdaRound beats rounding to nearest on every layer, and blocks come closer to what the float blocks give.
import { beforeAll, describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import type { Context } from '../../src/ir/context.ts'
import type { Graph } from '../../src/ir/model.ts'
import { coderOf, type NumberFormat } from '../../src/ir/number-format.ts'
import { infer } from '../../src/ops/infer.ts'
import { layerShape } from '../../src/ops/patches.ts'
import { learnRounding } from '../../src/stages/quantize/repairs/adaround.ts'
import { blocksOf } from '../../src/stages/quantize/repairs/blocks.ts'
import type { Layer } from '../../src/stages/quantize/repairs/refit-moments.ts'
import {
  aroundIn,
  hardWeights,
  roundingGradient,
  type Soft,
  soften,
  softWeights,
} from '../../src/stages/quantize/repairs/soft-rounding.ts'
import type { Learning } from '../../src/stages/quantize/repairs/types.ts'
import { training } from '../../src/stages/train/index.ts'
import { build } from '../build.ts'
import { layerOf } from './moments.ts'
import { play, testContext } from './played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const ternary: NumberFormat = { kind: 'int', bits: 2, signed: true }
const int4: NumberFormat = { kind: 'int', bits: 4, signed: true }

function softOf(weights: number[], origin: number[], format: NumberFormat, scale: number): Soft {
  const at = new Uint32Array(weights.length)
  const around = aroundIn(format, true, 0)!
  return soften(Float32Array.from(weights), Float32Array.from(origin), at, Float32Array.of(scale), around)
}

describe('soft weights', () => {
  test('start as the reals, as far as the grid reaches, and harden to the nearest levels', () => {
    const reals = [-2, -0.3, 0, 0.1, 0.26, 0.74, 1.9, 5]
    const soft = softOf(reals, reals, int4, 0.5)
    // Those on a level already start a little aside of it.
    const expected = [-2.05, -0.3, -0.05, 0.1, 0.26, 0.74, 1.9, 3.5]
    for (const [i, w] of softWeights(soft).entries()) expect(w).toBeCloseTo(expected[i], 5)
    expect(Array.from(hardWeights(soft))).toEqual([-2, -0.5, 0, 0, 0.5, 0.5, 2, 3.5])
  })

  test('a weight that was rounded before keeps its level and may move towards what it was', () => {
    const soft = softOf([0, 0, 1, -1, 1], [0.4, -0.4, 0.2, -0.9, 3], ternary, 1)
    expect(Array.from(hardWeights(soft))).toEqual([0, 0, 1, -1, 1])
    soft.v.fill(9)
    expect(Array.from(hardWeights(soft))).toEqual([1, 0, 1, 0, 1])
    soft.v.fill(-9)
    expect(Array.from(hardWeights(soft))).toEqual([0, -1, 0, -1, 0])
  })

  test('levels of one bit, and of a table', () => {
    expect(aroundIn({ kind: 'int', bits: 1, signed: true }, true, 0)!(0.2)).toEqual([-1, 1])
    const around = aroundIn({ kind: 'levels', name: 'pow2' }, false, 0)!
    for (const unit of [-3, -0.9, -0.3, 0, 0.3, 0.7, 3]) {
      const [low, high] = around(unit)
      expect(low).toBeLessThan(high)
      if (Math.abs(unit) < 1) expect(low <= unit && unit <= high).toBe(true)
    }
    expect(aroundIn({ kind: 'float8', name: 'float8e4m3fn' }, false, 0)).toBe(null)
  })

  test('the gradient is that of finite differences, regulariser included', () => {
    const rng = createRng(3)
    const reals = Array.from({ length: 40 }, () => 2 * rng.normal())
    const soft = softOf(reals, reals, int4, 0.7)
    const target = Float32Array.from(reals, x => x + rng.normal())
    const pull = { strength: 0.3, exponent: 5 }
    const loss = (v: Float32Array): number =>
      softWeights({ ...soft, v }).reduce((sum, w, i) => {
        const h = Math.min(1, Math.max(0, 1.2 / (1 + Math.exp(-v[i])) - 0.1))
        return sum + (w - target[i]) ** 2 + pull.strength * (1 - Math.abs(2 * h - 1) ** pull.exponent)
      }, 0)
    const dw = softWeights(soft).map((w, i) => 2 * (w - target[i]))
    const gradient = roundingGradient(soft, dw, pull)
    for (const i of soft.v.keys()) {
      const [plus, minus] = [soft.v.slice(), soft.v.slice()]
      plus[i] += 0.01
      minus[i] -= 0.01
      expect(Math.abs(gradient[i] - (loss(plus) - loss(minus)) / 0.02)).toBeLessThan(0.03)
    }
  })
})

const learning: Learning = { training, iterations: 200, batch: 16, loss: 'mse' }

describe('AdaRound', () => {
  test.each([2, 3, 4, 8].flatMap(bits => [9, 32, 70].map(k => [bits, k] as const)))(
    '%i bits, %i inputs: less error than rounding to nearest in every layer',
    (bits, k) => {
      for (let seed = 0; seed < 4; seed++) {
        const layer = layerOf(k, 3, 400, seed)
        const part = layer.part(bits)
        const nearest = Float32Array.from(layer.float, (x, i) => {
          const s = part.grid.scales[Math.floor(i / k)]
          return coderOf(part.grid.format, part.grid.restricted).encode(x / s) * s
        })
        const learned = learnRounding(part, learning, ctx)
        const plain = layer.error(nearest, layer.bias)
        expect(layer.error(learned.weights, learned.bias!)).toBeLessThan(0.9 * plain)
        // What is told of the errors is so.
        expect(learned.errors.solved / layer.error(learned.weights, learned.bias!)).toBeCloseTo(1, 2)
        expect(learned.errors.nearest / plain).toBeCloseTo(1, 2)
        for (const [i, w] of learned.weights.entries()) {
          const unit = layer.float[i] / part.grid.scales[Math.floor(i / k)]
          expect(Math.abs(w / part.grid.scales[Math.floor(i / k)] - unit)).toBeLessThan(1.0001)
        }
      }
    },
  )
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

describe('blocks', () => {
  const layersIn = (graph: Graph): Layer[] =>
    graph.nodes.flatMap(node => {
      const shape = layerShape(node, graph)
      const [input, weight] = node.inputs as string[]
      return shape ? [{ node, shape, weight, input, output: node.outputs[0]!, shortcut: null }] : []
    })
  const cut = (text: string) => {
    const { graph } = infer(build(text))
    return blocksOf(graph, layersIn(graph), training).map(b => [
      b.layers.map(l => l.output).join(''),
      b.inputs.join(','),
      b.output,
    ])
  }

  test('a residual block is one, with its activation and what follows without weights', () => {
    const { graph } = infer(residual)
    const blocks = blocksOf(graph, layersIn(graph), training)
    expect(blocks.map(b => [b.layers.map(l => l.output).join(''), b.inputs.join(), b.output])).toEqual([
      ['a', 'x', 'r'],
      ['de', 'r', 'f'],
      ['y', 'f', 'y'],
    ])
  })

  test('what depends on no weight is fed, whatever operators it has; a Softmax behind is left out', () => {
    const text = `graph (x: f32[N,4,8,8]) -> (y) {
      a = Conv(x, wa: f32[4,4,3,3]) {pads=[1,1,1,1]}
      l = LpNormalization(x)
      t = Add(a, l)
      y = Softmax(t)
    }`
    expect(cut(text)).toEqual([['a', 'x,l', 't']])
  })

  test('around an operator without a gradient layers are taken one by one', () => {
    const text = `graph (x: f32[N,4,8,8]) -> (y) {
      a = Conv(x, wa: f32[4,4,3,3]) {pads=[1,1,1,1]}
      l = LpNormalization(a)
      b = Conv(l, wb: f32[4,4,3,3]) {pads=[1,1,1,1]}
      y = Add(b, x)
    }`
    expect(cut(text)).toEqual([
      ['a', 'x', 'a'],
      ['b', 'l', 'b'],
    ])
  })
})

describe('learned rounding of a network', () => {
  const sqnr = async (repairs: string[], step: Record<string, unknown>): Promise<number> =>
    (await play(residual, ctx, { step: { ...step, repairs, iterations: 200 }, samples: 48 })).sqnr.y

  test.each([
    ['int4', 'uint8', 'channel'],
    ['int4', 'uint8', 'tensor'],
    ['ternary', 'uint8', 'channel'],
    ['apot', 'uint8', 'channel'],
    ['int4', 'float32', 'channel'],
  ])(
    'weights of %s beside activations of %s, a scale a %s: closer than nearest',
    async (weights, activations, granularity) => {
      const step = { weights, activations, granularity }
      const nearest = await sqnr([], step)
      for (const repair of ['adaround', 'brecq', 'qdrop'])
        expect(await sqnr([repair], step)).toBeGreaterThan(nearest + 1)
    },
  )

  test('errors may count by how much the answer depends on them', async () => {
    const step = { weights: 'int4', activations: 'uint8' }
    expect(await sqnr(['brecq'], { ...step, blockLoss: 'fisher' })).toBeGreaterThan((await sqnr([], step)) + 1)
  })

  test.each(['ternary', 'int3', 'int4', 'apot'])(
    'blocks of %s that were refitted before are not made worse',
    async weights => {
      const step = { weights, activations: 'uint8' }
      expect(await sqnr(['refit', 'brecq'], step)).toBeGreaterThan((await sqnr(['refit'], step)) - 0.5)
    },
  )

  test('a layer taken alone has the bias that a repair before gave it', async () => {
    const apart = build(`graph (x: f32[N,4,8,8]) -> (y) {
      a = Conv(x, wa: f32[4,4,3,3], ba: f32[4]) {pads=[1,1,1,1]}
      l = LpNormalization(a)
      b = Conv(l, wb: f32[4,4,3,3], bb: f32[4]) {pads=[1,1,1,1]}
      y = Add(b, x)
    }`)
    const sqnrOf = async (repairs: string[]): Promise<number> =>
      (await play(apart, ctx, { step: { weights: 'int4', repairs, iterations: 100 }, samples: 16 })).sqnr.y
    expect(await sqnrOf(['refit', 'brecq'])).toBeGreaterThan((await sqnrOf([])) + 1)
  })

  test('gives the same bytes for the same samples', async () => {
    const step = { weights: 'int4', repairs: ['qdrop'], iterations: 20 }
    const codes = async () => {
      const { variant } = await play(residual, ctx, { step, samples: 16 })
      return [...variant.model.graph.values].filter(([, v]) => v.data).map(([name, v]) => [name, v.data!.data])
    }
    expect(await codes()).toEqual(await codes())
  })

  test('ends when it is cancelled', async () => {
    const cancel = new AbortController()
    const stopped = { ...ctx, signal: cancel.signal, progress: () => cancel.abort() }
    for (const repair of ['adaround', 'brecq', 'qdrop'])
      await expect(play(residual, stopped, { step: { weights: 'int4', repairs: [repair] } })).rejects.toThrow(/abort/i)
  })
})
