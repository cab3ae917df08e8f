// Importances worked by hand, and by their definition on random numbers.
import { beforeAll, describe, expect, test } from 'vitest'
import { createKernels } from '../../../kernels/lib/backends.ts'
import { bytesOf } from '../../../src/base/dtype.ts'
import { createRng } from '../../../src/base/rng.ts'
import type { Batch } from '../../../src/ir/batches.ts'
import { readFloats } from '../../../src/ir/bytes.ts'
import type { Context } from '../../../src/ir/context.ts'
import { edit } from '../../../src/ir/edit.ts'
import type { Model } from '../../../src/ir/model.ts'
import { floats } from '../../../src/ir/tensor.ts'
import { infer } from '../../../src/ops/infer.ts'
import { firstOrderChanges } from '../../../src/stages/prune/first-order.ts'
import { findGroups } from '../../../src/stages/prune/groups.ts'
import { lossesOf } from '../../../src/stages/prune/importance/covariance.ts'
import { findImportance } from '../../../src/stages/prune/importance/index.ts'
import { statisticsOf } from '../../../src/stages/prune/statistics.ts'
import { training } from '../../../src/stages/train/index.ts'
import { build } from '../../build.ts'
import { createTestContext } from '../../runner.ts'

let ctx: Context
beforeAll(async () => {
  ctx = { ...(await createTestContext()), kernels: await createKernels('wasm') }
})

// Three filters of two weights: sums 3, 7, 1; roots 5^0.5, 5, 1.
const model = build(`graph (x: f32[N,2,1,2]) -> (y) {
  a = Conv(x, w: f32[3,2,1,1]{1,-2,-3,4,0,1})
  b = BatchNormalization(a, g: f32[3]{-3,1,2}, f32[3]{0}, f32[3]{0}, f32[3]{1})
  r = Relu(b)
  y = Conv(r, v: f32[1,3,1,1]{1,1,1})
}`)

// With a shape that is computed, and nodes before all that is pruned, as exported models have them.
const smooth = infer(
  build(`graph (x: f32[N,2,3,3]) -> (y) {
  m = Mul(x, f32[]{0.5})
  a = Conv(m, w2: f32[4,2,1,1], f32[4])
  t = Tanh(a)
  h = Conv(t, v: f32[1,4,3,3])
  s = Shape(m)
  n = Gather(s, i64[1]{0})
  e = Expand(f32[1]{0.25}, n)
  r = Reshape(h, i64[1]{-1})
  o = Add(r, e)
  y = Tanh(o)
}`),
)

async function scored(id: string, rows?: number[]): Promise<number[]> {
  const { groups } = findGroups(model)
  const feeds = { x: floats([rows ? rows.length / 4 : 1, 2, 1, 2], rows ?? [0, 0, 0, 0]) }
  const batch = { feeds, count: 1, samples: [] }
  const statistics = await statisticsOf(model, groups, [batch], true, ctx)
  const evidence = { model, bytes: ctx.bytes, statistics: statistics.get(groups[0].id)! }
  return [...(await findImportance(id).score(groups[0], evidence))!]
}

const close = (got: number[], want: number[]): void => {
  const mean = want.reduce((a, b) => a + b, 0) / want.length
  for (const [i, w] of want.entries()) expect(got[i]).toBeCloseTo(w / mean, 4)
}

describe('importances, scaled to a mean of 1', () => {
  test('sums of magnitudes', async () => close(await scored('l1'), [3, 7, 1]))
  test('roots of squares', async () => close(await scored('l2'), [Math.sqrt(5), 5, 1]))
  test('distances between filters', async () => {
    const [ab, ac, bc] = [Math.hypot(4, 6), Math.hypot(1, 3), Math.hypot(3, 3)]
    close(await scored('fpgm'), [ab + ac, ab + bc, ac + bc])
  })
  test('scales of BatchNormalization', async () => close(await scored('bn'), [3, 1, 2]))
  // Positions (1, 0) and (0, 1): a is 1, -3, 0 and -2, 4, 1, times the scale, without what is negative.
  const positions = [1, 0, 0, 1]
  test('mean magnitudes behind the activation', async () =>
    close(
      await scored('activation', positions),
      [3, 2, 1].map((_, i) => [6, 4, 2][i]),
    ))
  test('shares of values that are not zero', async () => close(await scored('apoz', positions), [0.5, 0.5, 0.5]))
})

describe('redundancy', () => {
  const squared = (rows: number[][], n: number): Float64Array => {
    const products = new Float64Array(n * n)
    for (const row of rows)
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) products[i * n + j] += row[i] * row[j]
    return products.map(p => p / rows.length)
  }

  test('a channel that is a copy of another goes first, and then costs nothing', () => {
    const rng = createRng(1)
    const rows = Array.from({ length: 200 }, () => {
      const [a, b] = [rng.normal(), rng.normal()]
      return [a, b, a]
    })
    const losses = lossesOf(squared(rows, 3), Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 2), 3)
    expect(Math.min(losses[0], losses[2])).toBeLessThan(1e-3 * losses[1])
    expect(Math.max(losses[0], losses[2])).toBeGreaterThan(0.5)
  })

  test('each step costs what least squares over the channels that are left says', () => {
    const n = 5
    const rng = createRng(2)
    const mix = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, j) => Number(i === j) + 0.3 * rng.normal()),
    )
    const rows = Array.from({ length: 400 }, () => {
      const z = mix.map(() => rng.normal())
      return mix.map(row => row.reduce((sum, m, i) => sum + m * z[i], 0))
    })
    const c = squared(rows, n)
    const w = Array.from({ length: n }, () => rng.normal())
    const outer = Float64Array.from({ length: n * n }, (_, i) => w[Math.floor(i / n)] * w[i % n])
    const losses = lossesOf(c, outer, n)
    const order = [...losses.keys()].sort((a, b) => losses[a] - losses[b])
    // Whatever order was taken, the losses add up to the error of the best fit of y = w x by the channels that are left.
    let sum = 0
    for (let gone = 1; gone < n - 1; gone++) {
      sum += losses[order[gone - 1]]
      const left = order.slice(gone)
      expect(sum).toBeGreaterThan(0.98 * residual(c, w, left, n))
      if (gone === 1) expect(sum).toBeLessThan(1.02 * residual(c, w, left, n))
    }
  })

  /** Error of the best fit by some channels: w'Cw - b'A^-1 b, by elimination. */
  function residual(c: Float64Array, w: number[], left: number[], n: number): number {
    const cw = w.map((_, i) => w.reduce((sum, wj, j) => sum + c[i * n + j] * wj, 0))
    const total = w.reduce((sum, wi, i) => sum + wi * cw[i], 0)
    const a = left.map(i => [...left.map(j => c[i * n + j]), cw[i]])
    for (let p = 0; p < a.length; p++)
      for (let r = 0; r < a.length; r++) {
        if (r === p) continue
        const factor = a[r][p] / a[p][p]
        for (let q = p; q <= a.length; q++) a[r][q] -= factor * a[p][q]
      }
    return total - left.reduce((sum, i, p) => sum + (cw[i] * a[p][a.length]) / a[p][p], 0)
  }
})

test('to first order, by central differences of each output with a channel turned down', async () => {
  const { groups } = findGroups(smooth)
  const given: Batch[] = []
  const rng = createRng(4)
  for (let i = 0; i < 3; i++) {
    const x = Float32Array.from({ length: 18 }, () => rng.uniform() * 2 - 1)
    given.push({ feeds: { x: floats([1, 2, 3, 3], x) }, count: 1, samples: [] })
  }
  // One output: its sign is squared away, so that a single draw is exact.
  const [group] = groups
  const changes = (await firstOrderChanges(smooth, groups, given, training, ctx)).get(group.id)!
  const answers = async (model: Model): Promise<number[]> => {
    const session = await ctx.runner.open(model)
    const all: number[] = []
    for (const { feeds } of given) all.push(Number((await session.run(feeds)).y.data[0]))
    await session.close()
    return all
  }
  for (let c = 0; c < group.size; c++) {
    const scaled = async (by: number): Promise<number[]> => {
      const value = smooth.graph.values.get('v')!
      const data = (await readFloats(ctx.bytes, value.data!)).slice()
      for (let i = 0; i < 9; i++) data[c * 9 + i] *= by
      const graph = edit(smooth.graph, e => e.setValue({ ...value, data: { ...value.data!, data: bytesOf(data) } }))
      return answers({ ...smooth, graph })
    }
    const [more, less] = [await scaled(1.01), await scaled(0.99)]
    const want = more.reduce((sum, y, i) => sum + ((y - less[i]) / 0.02) * ((y - less[i]) / 0.02), 0)
    expect(changes[c] / want).toBeCloseTo(1, 2)
  }
})
