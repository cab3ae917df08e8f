// The pool with its engines in this very thread: what they count is what the observer counts, whatever number of them shares the work.
import type * as comlink from 'comlink'
import { describe, expect, test } from 'vitest'
import { createKernels } from '../../kernels/lib/backends.ts'
import { StudioError } from '../../src/base/errors.ts'
import { encodeModel } from '../../src/exporters/onnx.ts'
import type { OrtModule } from '../../src/host/ort-runner.ts'
import { createEngine, createPool, type EngineApi, type LoadTasks, type Pool } from '../../src/host/pool.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Context, Dataset, Runner, Sample, Task } from '../../src/ir/context.ts'
import { tasks } from '../../src/jobs/tasks.ts'
import { observe } from '../../src/stages/observe/index.ts'
import { build } from '../build.ts'
import { play } from '../quantize/played.ts'
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
        const sent = structuredClone(given) // as between threads: an engine frees what it is sent
        const done = turn.then(() => (target[name] as (...given: unknown[]) => Promise<unknown>)(...sent))
        turn = done
        return done
      },
  })

const noTasks = async () => new Map<string, never>()

function poolOf(count: number, tasks: LoadTasks = noTasks): Pool {
  const bytes = createBytes(new Map())
  const options = { engine: 'wasm' as const, memory: () => 0, clock: () => performance.now() }
  return createPool({
    count,
    spawn: () => ({
      api: inTurn(createEngine(async () => ort, tasks, options)) as unknown as comlink.Remote<EngineApi>,
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
    expect(await sweep(poolOf(1).runner, histogram)).toEqual(expected)
    expect(await sweep(poolOf(3).runner, histogram)).toEqual(expected)
  })

  test('are not asked where they were not told to count', async () => {
    const session = await poolOf(1).runner.open(model)
    expect(session.counting).toBeUndefined()
    await session.close()
  })
})

describe('engines that do tasks', () => {
  const network = build(`graph (x: f32[N,3,8,8]) -> (y) {
    a = Conv(x, wa: f32[40,3,3,3], ba: f32[40]) {pads=[1,1,1,1]}
    r = Relu(a)
    d = Conv(r, wd: f32[40,1,3,3], bd: f32[40]) {pads=[1,1,1,1], group=40}
    e = Conv(d, we: f32[24,40,1,1], be: f32[24])
    p = GlobalAveragePool(e)
    f = Flatten(p)
    y = MatMul(f, wf: f32[24,9])
  }`)
  const tasksOfOurs = async () => tasks

  test.each([
    ['refit', 'uint8'],
    ['gptq', 'float32'],
    ['hqq', 'float32'],
  ])('%s comes to the same weights in this thread, on one engine and on three', async (repair, activations) => {
    const step = { weights: 'int4', activations, repairs: [repair] }
    const plain: Context = { ...(await createTestContext()), kernels: await createKernels('wasm') }
    const weights = async (ctx: Context) => {
      const { variant } = await play(network, ctx, { step, samples: 12 })
      return [...variant.model.graph.values].filter(([, v]) => v.data).map(([name, v]) => [name, v.data!.data])
    }
    const expected = await weights(plain)
    expect(await weights({ ...plain, ...poolOf(1, tasksOfOurs) })).toEqual(expected)
    expect(await weights({ ...plain, ...poolOf(3, tasksOfOurs) })).toEqual(expected)
  })

  test('say why a task failed', async () => {
    const refusing: Task<object, never> = {
      id: 'refusing',
      run: () => {
        throw new StudioError('bad-data', 'No', { hint: 'Never.' })
      },
    }
    const { perform } = poolOf(1, async () => new Map([['refusing', refusing]]))
    await expect(perform(refusing, {})).rejects.toMatchObject({ code: 'bad-data', message: 'No' })
  })
})
