// The sweep over a small model: what it sees against hand calculation, and that neither batches nor threads nor interruption show in it.
import { describe, expect, test } from 'vitest'
import { createKernels } from '../../kernels/lib/backends.ts'
import type { Context, Dataset, KernelSet, Sample } from '../../src/ir/context.ts'
import { observe, plainInference } from '../../src/stages/observe/index.ts'
import { build } from '../build.ts'
import { createTestContext } from '../runner.ts'

const open = build(`graph (x: f32[N,4]) -> (y) {
  a = Relu(x)
  b = Add(a, x)
  y = Neg(b)
}`)
const fixed = build(`graph (x: f32[1,4]) -> (y) {
  a = Relu(x)
  y = Neg(a)
}`)

const rows = [
  [-1, 2, 0, 3],
  [4, -5, 0.5, 0],
  [1, 1, 1, -8],
  [0, 0, 0, 0],
  [7, -0.25, 2, 2],
]

function dataset(list: readonly number[][], onSample: (index: number) => void = () => {}): Dataset {
  return {
    name: 'rows',
    size: list.length,
    labels: null,
    hash: 'rows',
    skipped: [],
    suspicious: [],
    async *samples({ count = list.length } = {}): AsyncIterable<Sample> {
      for (const [index, row] of list.slice(0, count).entries()) {
        onSample(index)
        yield {
          index,
          name: `row ${index}`,
          feeds: { x: { dtype: 'float32', shape: [1, row.length], data: Float32Array.from(row) } },
          label: null,
        }
      }
    },
  }
}

const base = await createTestContext()
const context = async (backend: 'wasm' | 'reference' = 'wasm', more: Partial<Context> = {}): Promise<Context> => ({
  ...base,
  kernels: await createKernels(backend),
  ...more,
})
const options = { count: 128, batch: 2, histogram: true }

describe('a sweep', () => {
  test('sees graph inputs, inner values and graph outputs', async () => {
    const { observations, samples } = await observe(open, dataset(rows), ['x', 'a', 'b', 'y'], options, await context())
    expect(samples).toBe(5)
    // 20 elements; x has 6 zeros, a = max(x, 0) has 4 more where x < 0
    expect(observations.get('x')).toMatchObject({ count: 20, zeros: 6, min: -8, max: 7, nan: 0, infinite: 0 })
    expect(observations.get('a')).toMatchObject({ count: 20, zeros: 10, min: 0, max: 7 })
    expect(observations.get('b')).toMatchObject({ min: -8, max: 14 })
    expect(observations.get('y')).toMatchObject({ min: -14, max: 8 })
    const counted = observations.get('b')!.histogram!.counts.reduce((n, c) => n + c, 0)
    expect(counted).toBe(20)
  })

  test('counts NaN and infinity apart and keeps the range of the rest', async () => {
    const odd = dataset([[NaN, 1, Infinity, -2], ...rows.slice(0, 1)])
    const { observations } = await observe(open, odd, ['x'], options, await context())
    expect(observations.get('x')).toMatchObject({ count: 6, nan: 1, infinite: 1, min: -2, max: 3 })
  })

  test('is the same for any size of batch and for both backends, but for the moving average', async () => {
    const of = async (batch: number, backend: 'wasm' | 'reference') => {
      const seen = await observe(open, dataset(rows), ['x', 'b'], { ...options, batch }, await context(backend))
      return [...seen.observations.values()].map(o => ({ ...o, ema: null }))
    }
    const one = await of(1, 'wasm')
    expect(await of(2, 'wasm')).toEqual(one)
    expect(await of(64, 'wasm')).toEqual(one)
    expect(await of(3, 'reference')).toEqual(one)
  })

  test('takes the first samples only, each decoded once', async () => {
    const decoded: number[] = []
    const data = dataset(rows, index => decoded.push(index))
    const { samples } = await observe(open, data, ['b'], { ...options, count: 3 }, await context())
    expect(samples).toBe(3)
    expect(decoded).toEqual([0, 1, 2])
  })

  test('goes sample by sample where the model fixes its batch', async () => {
    const { samples, observations } = await observe(fixed, dataset(rows), ['a'], options, await context())
    expect(samples).toBe(5)
    expect(observations.get('a')!.max).toBe(7)
  })

  test('without samples sees nothing and says so', async () => {
    const { samples, observations } = await observe(open, dataset([]), ['a'], options, await context())
    expect(samples).toBe(0)
    expect(observations.get('a')).toMatchObject({ count: 0, min: 0, max: 0 })
  })

  test('for ranges alone has no histogram', async () => {
    const seen = await observe(open, dataset(rows), ['a'], { ...options, histogram: false }, await context())
    expect(seen.observations.get('a')).toMatchObject({ min: 0, max: 7, count: 20, histogram: null })
  })

  test('reports how far it is, and stops when it is told to', async () => {
    const abort = new AbortController()
    const done: number[] = []
    const ctx = await context('wasm', {
      signal: abort.signal,
      progress: p => {
        done.push(p.done)
        if (p.done === 2) abort.abort(new Error('enough'))
      },
    })
    await expect(observe(open, dataset(rows), ['a'], options, ctx)).rejects.toThrow('enough')
    expect(done).toEqual([2])
  })

  test('that fails on the way can be begun again', async () => {
    let failing = true
    const kernels = await createKernels('wasm')
    const flaky: KernelSet = {
      ...kernels,
      observer: (values, o) => {
        const observer = kernels.observer(values, o)
        let batch = 0
        return {
          add: outputs => {
            if (failing && batch++ === 1) throw new Error('device gone')
            return observer.add(outputs)
          },
          finish: () => observer.finish(),
        }
      },
    }
    const ctx = await context('wasm', { kernels: flaky })
    await expect(observe(open, dataset(rows), ['b'], options, ctx)).rejects.toThrow('device gone')
    failing = false
    const again = await observe(open, dataset(rows), ['b'], options, ctx)
    expect(again.observations.get('b')).toMatchObject({ count: 20, min: -8, max: 14 })
  })

  test('measures the plain model too', async () => {
    const ctx = await context()
    const { inferenceMs, calibrateMs } = await observe(open, dataset(rows), ['a'], options, ctx)
    expect(inferenceMs).toBeGreaterThan(0)
    expect(calibrateMs).toBeGreaterThan(0)
    const plain = await plainInference(open, dataset(rows), options, ctx)
    expect(plain.samples).toBe(5)
    expect(plain.inferenceMs).toBeGreaterThan(0)
  })
})
