// The steps `sparsify` and `share`: which weights become zero or alike, and that those that are left make up for it.
import { beforeAll, describe, expect, test } from 'vitest'
import { readFloats } from '../../src/ir/bytes.ts'
import type { Context } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { codebookOf, shared, storedBytes } from '../../src/stages/prune/share.ts'
import { build } from '../build.ts'
import { errorOf, reduced, reducing } from './reduced.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await reducing()
})

const model = build(`graph (x: f32[N,8,8,8]) -> (y) {
  a = Conv(x, wa: f32[16,8,3,3], f32[16]) {pads=[1,1,1,1]}
  ar = Relu(a)
  d = Conv(ar, wd: f32[16,1,3,3], f32[16]) {pads=[1,1,1,1], group=16}
  b = Conv(d, wb: f32[24,16,3,3], f32[24])
  br = Relu(b)
  g = GlobalAveragePool(br)
  row = Flatten(g)
  h = Gemm(row, wh: f32[24,32])
  y = MatMul(h, wy: f32[32,10])
}`)
const weight = ({ graph }: Model, name: string) => readFloats(ctx.bytes, graph.values.get(name)!.data!)
const zeros = (w: Float32Array): number => w.reduce((n, v) => n + (v === 0 ? 1 : 0), 0)

describe('sparsify', () => {
  test.for([true, false])('2:4 along the channels of each place, compensated: %s', async compensate => {
    const { model: sparse, notes } = await reduced(model, [{ do: 'sparsify', compensate }], ctx)
    const wb = await weight(sparse, 'wb')
    // [24, 16, 3, 3]: four neighbours of the 16 have the same place.
    for (let o = 0; o < 24; o++)
      for (let place = 0; place < 9; place++)
        for (let i = 0; i < 16; i += 4)
          expect(zeros(Float32Array.from([0, 1, 2, 3], k => wb[(o * 16 + i + k) * 9 + place]))).toBe(2)
    const wh = await weight(sparse, 'wh')
    for (let o = 0; o < 32; o++)
      for (let i = 0; i < 24; i += 4) expect(zeros(Float32Array.from([0, 1, 2, 3], k => wh[(i + k) * 32 + o]))).toBe(2)
    expect(zeros(await weight(sparse, 'wd'))).toBe(0)
    expect(notes.join()).toMatch(/The layer d keeps all its weights: it reads one channel at a time/)
  })

  test('without compensation the two larger of four stay as they were', async () => {
    const { model: sparse } = await reduced(model, [{ do: 'sparsify', compensate: false }], ctx, { samples: 0 })
    const [before, after] = [await weight(model, 'wy'), await weight(sparse, 'wy')]
    for (let o = 0; o < 10; o++)
      for (let i = 0; i < 32; i += 4) {
        const at = [0, 1, 2, 3].map(k => (i + k) * 10 + o)
        const kept = [...at].sort((a, b) => Math.abs(before[b]) - Math.abs(before[a])).slice(0, 2)
        for (const k of at) expect(after[k]).toBe(kept.includes(k) ? before[k] : 0)
      }
  })

  test.for([0.3, 0.8])('%d of all weights of a layer', async share => {
    const { model: sparse } = await reduced(model, [{ do: 'sparsify', pattern: 'unstructured', share }], ctx)
    for (const name of ['wa', 'wb', 'wh', 'wy']) {
      const w = await weight(sparse, name)
      expect(zeros(w)).toBe(Math.round(share * w.length))
    }
  })

  test('blocks of four outputs', async () => {
    const { model: sparse } = await reduced(model, [{ do: 'sparsify', pattern: 'block', block: '4x1' }], ctx)
    const wb = await weight(sparse, 'wb')
    for (let o = 0; o < 24; o += 4)
      for (let j = 0; j < 144; j++)
        expect([0, 4]).toContain(zeros(Float32Array.from([0, 1, 2, 3], k => wb[(o + k) * 144 + j])))
    expect(zeros(wb)).toBe(wb.length / 2)
  })

  test.for([{ pattern: '2:4' }, { pattern: 'unstructured', share: 0.6 }, { pattern: 'block' }])(
    'what is left makes up for what goes: %o',
    async options => {
      const of = async (compensate: boolean): Promise<number> =>
        errorOf(model, (await reduced(model, [{ do: 'sparsify', ...options, compensate }], ctx)).model, ctx)
      expect(await of(true)).toBeLessThan(0.7 * (await of(false)))
    },
  )

  test('another share than a half is no 2:4', async () => {
    await expect(reduced(model, [{ do: 'sparsify', share: 0.7 }], ctx)).rejects.toThrow(/a half goes, not 0.7/)
  })
})

describe('share', () => {
  test('each weight is the nearest of 16 means of what they stand for', async () => {
    const { model: few, notes } = await reduced(model, [{ do: 'share' }], ctx, { samples: 0 })
    const [before, after] = [await weight(model, 'wb'), await weight(few, 'wb')]
    const values = [...new Set(after)]
    expect(values.length).toBeLessThanOrEqual(16)
    for (const value of values) {
      const own = before.filter((_, i) => after[i] === value)
      expect(own.reduce((s, w) => s + w, 0) / own.length).toBeCloseTo(value, 2)
      for (const w of own)
        expect(Math.abs(w - value)).toBeLessThanOrEqual(Math.min(...values.map(v => Math.abs(w - v))) + 1e-7)
    }
    expect(notes.join()).toMatch(/In theory their \d+ bytes are \d+ as codes with tables, \d+ by Huffman codes/)
  })

  test('k-means by hand: two clusters, and the values that there are', () => {
    expect([...shared(codebookOf(Float32Array.of(0.25, 10, 0.75, 9), 1))]).toEqual([0.5, 9.5, 0.5, 9.5])
    expect([...shared(codebookOf(Float32Array.of(1, 2, 2, 1, 3), 2))]).toEqual([1, 2, 2, 1, 3])
  })

  test('zeros of a sparse tensor stay zeros', () => {
    const w = Float32Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? 0 : (i - 31) / 40))
    const again = shared(codebookOf(w, 3))
    for (const [i, v] of w.entries()) if (v === 0) expect(again[i]).toBe(0)
  })

  test('bytes by hand: frequencies 4, 2, 1, 1 take 1, 2, 3 and 3 bits', () => {
    const { plain, huffman, entropy } = storedBytes({
      values: Float32Array.of(-1, 0, 1, 2),
      codes: Uint8Array.of(1, 1, 1, 1, 2, 2, 0, 3),
    })
    // 14 bits, and tables of four values and four lengths.
    expect([plain, huffman, entropy]).toEqual([2 + 16, 2 + 4 + 16, 2 + 16])
  })
})
