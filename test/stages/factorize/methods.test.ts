// Factors in place of layers: of full rank they compute what the layer did, of fewer they miss it by what NumPy's singular values say.
import { beforeAll, describe, expect, test } from 'vitest'
import { createKernels } from '../../../kernels/lib/backends.ts'
import { createRng } from '../../../src/base/rng.ts'
import type { Context, KernelSet } from '../../../src/ir/context.ts'
import type { Model } from '../../../src/ir/model.ts'
import { floats } from '../../../src/ir/tensor.ts'
import { verify } from '../../../src/ir/verify.ts'
import { infer } from '../../../src/ops/infer.ts'
import { withRanks } from '../../../src/stages/factorize/apply.ts'
import { layersOf, weightsOf } from '../../../src/stages/factorize/layers.ts'
import { lossOf } from '../../../src/stages/factorize/losses.ts'
import { findMethod } from '../../../src/stages/factorize/methods/index.ts'
import { splitTask } from '../../../src/stages/factorize/split.ts'
import type { Prepared } from '../../../src/stages/factorize/types.ts'
import { cost } from '../../../src/stages/inspect/cost.ts'
import { build } from '../../build.ts'
import { createTestContext } from '../../runner.ts'

let ctx: Omit<Context, 'kernels'>
let kernels: KernelSet
beforeAll(async () => {
  ctx = await createTestContext()
  kernels = await createKernels('wasm')
})

async function prepared(model: Model, id: string): Promise<Prepared[]> {
  const method = findMethod(id)
  const { layers } = layersOf(model, method)
  return Promise.all(
    layers.map(async layer => {
      const items = method.matrices(layer, await weightsOf(layer, model, ctx.bytes), null)
      const splits = splitTask.run({ items }, kernels, () => {})
      return { layer, splits, loss: lossOf(splits) }
    }),
  )
}

async function run(model: Model, shape: readonly number[]): Promise<Float32Array> {
  const rng = createRng(5)
  const x = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.uniform() * 2 - 1)
  const session = await ctx.runner.open(model, { optimize: 'none' })
  const { y } = await session.run({ x: floats(shape, x) })
  await session.close()
  return y.data as Float32Array
}

const apart = (a: Float32Array, b: Float32Array): number => {
  let [error, signal] = [0, 0]
  for (const [i, v] of a.entries()) {
    error += (v - b[i]) * (v - b[i])
    signal += v * v
  }
  return error / signal
}

const conv = (attrs: string, w = '[12,6,3,5]', x = '[N,6,11,13]'): string =>
  `graph (x: f32${x}) -> (y) { y = Conv(x, w: f32${w}, b: f32[12]) {${attrs}} }`
const cases: [what: string, methods: string[], text: string, input: number[]][] = [
  ['a convolution', ['svd', 'spatial-svd', 'tucker2'], conv('pads=[1,2,1,2]'), [2, 6, 11, 13]],
  ['with strides', ['svd', 'spatial-svd', 'tucker2'], conv('pads=[1,0,0,2], strides=[2,3]'), [2, 6, 11, 13]],
  ['with dilations', ['svd', 'spatial-svd', 'tucker2'], conv('dilations=[2,1]'), [2, 6, 11, 13]],
  ['padded by itself', ['svd', 'spatial-svd', 'tucker2'], conv('auto_pad="SAME_UPPER", strides=[2,2]'), [2, 6, 11, 13]],
  ['over one axis', ['svd', 'tucker2'], conv('pads=[1,1]', '[12,6,3]', '[N,6,11]'), [2, 6, 11]],
  ['of single places', ['svd'], conv('strides=[2,2]', '[12,6,1,1]'), [2, 6, 11, 13]],
  ['a product', ['svd'], 'graph (x: f32[N,4,6]) -> (y) { y = MatMul(x, w: f32[6,9]) }', [2, 4, 6]],
  ['a wide product', ['svd'], 'graph (x: f32[N,9]) -> (y) { y = MatMul(x, w: f32[9,6]) }', [2, 9]],
  ['a product with a bias', ['svd'], 'graph (x: f32[N,6]) -> (y) { y = Gemm(x, w: f32[6,9], b: f32[9]) }', [2, 6]],
  ['turned', ['svd'], 'graph (x: f32[N,6]) -> (y) { y = Gemm(x, w: f32[9,6], b: f32[9]) {transB=1} }', [2, 6]],
]

describe.each(cases)('%s', (_, ids, text, input) => {
  test.for(ids)('by %s of full rank computes the same', async id => {
    const model = infer(build(text))
    const parts = await prepared(model, id)
    const full = parts.map(({ layer }) => findMethod(id).ways(layer).at(-1)!)
    const factored = withRanks(model, parts, full, findMethod(id))
    verify(factored.graph)
    expect(factored.graph.nodes).toHaveLength(id === 'tucker2' ? 3 : 2)
    expect(factored.graph.nodes.at(-1)!.id).toBe('y')
    expect(apart(await run(model, input), await run(factored, input))).toBeLessThan(1e-10)
  })

  test.for(ids)('by %s costs what was reckoned', async id => {
    const model = infer(build(text))
    const parts = await prepared(model, id)
    const method = findMethod(id)
    for (const pick of [0, 3]) {
      const ranks = parts.map(({ layer }) => method.ways(layer)[pick])
      const { macs, parameters } = cost(withRanks(model, parts, ranks, method))
      const bias = text.includes('b: f32') ? Number(/b: f32\[(\d+)\]/.exec(text)![1]) : 0
      const want = method.cost(parts[0].layer, ranks[0])
      expect(parameters - bias).toBe(want.parameters)
      expect(macs).toBe(want.macs)
    }
  })
})

describe('how much is lost', () => {
  const random = (n: number, seed: number): Float64Array => {
    const rng = createRng(seed)
    return Float64Array.from({ length: n }, () => rng.uniform() * 2 - 1)
  }
  const [p, q] = [9, 14]
  const whole = (rows: number, make: (i: number, j: number) => number): Float64Array =>
    Float64Array.from({ length: rows * q }, (_, at) => make(Math.floor(at / q), at % q))
  const m = whole(p, (i, j) => ((7 * i + 3 * j + 5 * i * j) % 11) - 5)
  const mixing = whole(q, (i, j) => ((4 * i + 9 * j + 2 * i * j * j) % 13) - 6)
  const metric = new Float64Array(q * q)
  for (let i = 0; i < q; i++)
    for (let j = 0; j < q; j++) for (let k = 0; k < q; k++) metric[i * q + j] += mixing[i * q + k] * mixing[j * q + k]

  /** Squares of (A - left right of rank r) in the metric. */
  const lost = (a: Float64Array, rows: number, columns: number, s: Float64Array | null, r: number): number => {
    const [{ left, right }] = splitTask.run({ items: [{ m: a, p: rows, q: columns, metric: s }] }, kernels, () => {})
    const n = Math.min(rows, columns)
    const rest = a.slice()
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++)
        for (let k = 0; k < r; k++) rest[i * columns + j] -= left[i * n + k] * right[k * columns + j]
    let sum = 0
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++)
        for (let k = 0; k < columns; k++)
          sum += rest[i * columns + j] * rest[i * columns + k] * (s ? s[j * columns + k] : j === k ? 1 : 0)
    return sum
  }
  const turned = (a: Float64Array, rows: number, columns: number): Float64Array =>
    Float64Array.from({ length: a.length }, (_, i) => a[(i % rows) * columns + Math.floor(i / rows)])

  test('is what NumPy’s singular values leave out, plain and weighed, wide and tall', () => {
    // tail = lambda a, r: (np.linalg.svd(a, compute_uv=False)[r:] ** 2).sum(), of m and of m @ mixing
    const tails = [
      [1, 1013.3686495119942, 171930.44058551025],
      [4, 433.33967256367123, 30835.423583078325],
      [8, 31.54434375227159, 626.5976480419591],
    ]
    const tall = turned(m, p, q)
    for (const [r, plain, weighed] of tails) {
      // Factors are float32, and a millionth of the mean variance is added to the metric.
      expect(lost(m, p, q, null, r) / plain).toBeCloseTo(1, 5)
      expect(lost(tall, q, p, null, r) / plain).toBeCloseTo(1, 5)
      expect(lost(m, p, q, metric, r) / weighed).toBeCloseTo(1, 4)
    }
  })

  test('weighed by inputs is never more than plain, on either side', () => {
    const tall = random(20 * q, 3)
    for (const r of [1, 3, 6, 8]) {
      for (const [a, rows] of [
        [m, p],
        [tall, 20],
      ] as const) {
        const [{ left, right }] = splitTask.run({ items: [{ m: a, p: rows, q, metric: null }] }, kernels, () => {})
        const n = Math.min(rows, q)
        const rest = a.slice()
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < q; j++) for (let k = 0; k < r; k++) rest[i * q + j] -= left[i * n + k] * right[k * q + j]
        let plain = 0
        for (let i = 0; i < rows; i++)
          for (let j = 0; j < q; j++)
            for (let k = 0; k < q; k++) plain += rest[i * q + j] * rest[i * q + k] * metric[j * q + k]
        expect(lost(a, rows, q, metric, r)).toBeLessThan(0.9 * plain)
      }
    }
  })
})
