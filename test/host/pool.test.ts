// The pool with its engines in this very thread: what they count is what the observer counts, whatever number of them shares the work.
import type * as comlink from 'comlink'
import { describe, expect, test } from 'vitest'
import { createKernels } from '../../kernels/lib/backends.ts'
import { encodeModel } from '../../src/exporters/onnx.ts'
import type { OrtModule } from '../../src/host/ort-runner.ts'
import { createEngine, createPool, type EngineApi } from '../../src/host/pool.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Dataset, Runner, Sample } from '../../src/ir/context.ts'
import { observe } from '../../src/stages/observe/index.ts'
import { build } from '../build.ts'
import { createTestContext } from '../runner.ts'

const model = build(`graph (x: f32[N,4]) -> (y) {
  a = Relu(x)
  b = Add(a, x)
  y = Neg(b)
}`)

const rows = [
  [-1, 2, 0, 3],
  [4, -5, Number.NaN, 0],
  [1, 1, 1, -8],
  [0, 0, 0, Number.NEGATIVE_INFINITY],
  [7, -0.25, 2, 2],
]
const dataset: Dataset = {
  name: 'rows',
  size: rows.length,
  labels: null,
  hash: 'rows',
  skipped: [],
  suspicious: [],
  async *samples(): AsyncIterable<Sample> {
    for (const [index, row] of rows.entries()) {
      const x = { dtype: 'float32' as const, shape: [1, 4], data: Float32Array.from(row) }
      yield { index, name: `row ${index}`, feeds: { x }, label: null }
    }
  },
}

const ort = (await import('onnxruntime-web')) as unknown as OrtModule

// Engines of one thread share the runtime's one instance, which does one thing at a time.
let turn: Promise<unknown> = Promise.resolve()
const inTurn = (engine: EngineApi): EngineApi =>
  new Proxy(engine, {
    get:
      (target, name: keyof EngineApi) =>
      (...given: unknown[]) => {
        const done = turn.then(() => (target[name] as (...given: unknown[]) => Promise<unknown>)(...given))
        turn = done
        return done
      },
  })

function poolOf(count: number): Runner {
  const bytes = createBytes(new Map())
  const options = { engine: 'wasm' as const, memory: () => 0, clock: () => performance.now() }
  return createPool({
    count,
    spawn: () => ({
      api: inTurn(createEngine(async () => ort, options)) as unknown as comlink.Remote<EngineApi>,
      failed: new Promise<never>(() => {}),
    }),
    encode: m => encodeModel(m, bytes),
    memory: { bytes: () => 0, total: true },
  })
}

describe('engines that count their own runs', () => {
  const values = ['x', 'a', 'b', 'y']
  const sweep = async (runner: Runner, histogram: boolean) => {
    const ctx = { ...(await createTestContext()), kernels: await createKernels('wasm'), runner }
    return (await observe(model, dataset, values, { count: 9, batch: 2, histogram }, ctx)).observations
  }

  test.each([true, false])('see what the observer sees, moving average included (histograms: %s)', async histogram => {
    const { runner } = await createTestContext()
    const expected = await sweep(runner, histogram)
    expect(expected.get('x')).toMatchObject({ nan: 1, infinite: 1, min: -8, max: 7, zeros: histogram ? 5 : 0 })
    expect(await sweep(poolOf(1), histogram)).toEqual(expected)
    expect(await sweep(poolOf(3), histogram)).toEqual(expected)
  })

  test('are not asked where they were not told to count', async () => {
    const session = await poolOf(1).open(model)
    expect(session.counting).toBeUndefined()
    await session.close()
  })
})
