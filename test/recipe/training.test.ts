// The steps that train: what they gain, what they refuse, and that they go on where they were cut off, to the same bytes on any threads.
import { beforeAll, describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import { encodeModel } from '../../src/exporters/onnx.ts'
import { readFloats } from '../../src/ir/bytes.ts'
import type { Context, Dataset, Feeds } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import { floats } from '../../src/ir/tensor.ts'
import { infer } from '../../src/ops/infer.ts'
import { play, type StageStore } from '../../src/recipe/play.ts'
import { initialState, type State, type Teacher } from '../../src/recipe/state.ts'
import { seenRounded } from '../../src/recipe/steps/qat.ts'
import type { Step } from '../../src/recipe/types.ts'
import { checkRecipe } from '../../src/recipe/validate.ts'
import { answering } from '../../src/stages/train/answers.ts'
import { training } from '../../src/stages/train/index.ts'
import { quantizedTrainee } from '../../src/stages/train/quantized-trainee.ts'
import { partOf } from '../../src/stages/train/trainee.ts'
import { onnxruntime } from '../../src/targets/onnxruntime.ts'
import { build } from '../build.ts'
import { testContext } from '../quantize/played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const text = (end = 'y = Gemm(f, wf: f32[8,3], bf: f32[3])'): string => `graph (x: f32[N,2,6,6]) -> (y) {
  a = Conv(x, wa: f32[8,2,3,3], ba: f32[8]) {pads=[1,1,1,1]}
  r = Relu(a)
  c = Conv(r, wc: f32[8,8,3,3], bc: f32[8]) {pads=[1,1,1,1], strides=[2,2]}
  s = Relu(c)
  d = Conv(s, wd: f32[8,8,3,3], bd: f32[8]) {pads=[1,1,1,1]}
  t = Add(d, s)
  u = Relu(t)
  p = GlobalAveragePool(u)
  f = Flatten(p)
  ${end}
}`
const model = build(text())

/** Images of three classes, each with a pattern of its own under noise. */
function images(count: number, labelled = true, classes = 3): Dataset {
  const rng = createRng(3, 'images')
  const patterns = Array.from({ length: 3 }, () => Float32Array.from({ length: 72 }, () => rng.normal()))
  const samples = Array.from({ length: count }, (_, index) => {
    const label = index % 3
    const data = patterns[label].map(v => v + 0.7 * rng.normal())
    return { index, name: `image ${index}`, feeds: { x: floats([1, 2, 6, 6], data) } as Feeds, label: label % classes }
  })
  return {
    name: 'images',
    size: count,
    labels: labelled ? 'class' : null,
    hash: `images ${count} ${labelled}`,
    skipped: [],
    suspicious: [],
    async *samples(options = {}) {
      for (const sample of samples.slice(0, options.count)) yield labelled ? sample : { ...sample, label: null }
    },
  }
}

interface Asked {
  data?: Dataset | null
  store?: StageStore
  more?: Partial<Context>
  of?: Model
  /** The model as other steps left it. */
  as?: Model
  teacher?: Teacher
}

const played = (
  steps: Step[],
  { data = images(96), store, more, of = model, as, teacher }: Asked = {},
): Promise<State> =>
  play(
    {
      recipe: checkRecipe({ thimble: 1, steps }),
      state: { ...initialState(infer(of)), ...(as ? { model: infer(as) } : {}) },
      inputHash: 'data',
      calibration: data,
      evaluation: null,
      teacher,
      samples: 32,
      wanted: [{ target: onnxruntime, form: null, io: 'float' }],
      store: store ?? null,
    },
    { ...ctx, ...more },
  )

/** No classes, by its shape. */
const boxes = build(text('y = Identity(u)'))
/** Sin has no gradient. */
const odd = build(text('q = Gemm(f, wf: f32[8,3], bf: f32[3])\n h = Sin(q)\n y = Mul(h, q)'))
const fewBits: Step = { do: 'quantize', weights: 'ternary', activations: 'uint4' }
const short = { steps: 40, every: 10, batch: 16 }
const heldOut = ({ trained }: State): [number, number] => {
  const [{ held, best, steps, taken }] = trained
  expect(steps.at(-1)!.step).toBe(taken)
  expect(held.find(({ step }) => step === best.step)!.loss).toBe(best.loss)
  return [held[0].loss, best.loss]
}
const bytesOf = (m: Model): Promise<Uint8Array> => encodeModel(m, ctx.bytes)

describe('finetune', () => {
  test('learns classes that the model did not know', async () => {
    const [before, after] = heldOut(await played([{ do: 'finetune', ...short, rate: 0.05 }]))
    expect(before).toBeGreaterThan(0.8)
    expect(after).toBeLessThan(0.3)
  })

  test('augmentation, mix-up and SGD learn too', async () => {
    const options = { rate: 0.02, optimizer: 'sgd', augment: ['crop', 'mixup'], clip: 1, decay: 0.0001 }
    const [before, after] = heldOut(await played([{ do: 'finetune', ...short, ...options }]))
    expect(after).toBeLessThan(0.8 * before)
  })

  describe('with a BatchNormalization whose moments are of other data', () => {
    const of = build(
      text().replace(
        'r = Relu(a)',
        'n = BatchNormalization(a, sn: f32[8], bn: f32[8], mn: f32[8], vn: f32[8])\n r = Relu(n)',
      ),
    )
    const kept = async (normalization: string) => {
      const state = await played([{ do: 'finetune', ...short, rate: 0.05, average: 0, normalization }], { of })
      const valuesOf = (name: string, { graph }: Model) => readFloats(ctx.bytes, graph.values.get(name)!.data!)
      return {
        loss: heldOut(state)[1],
        moved: await Promise.all(
          ['mn', 'vn'].map(async name => {
            const [before, after] = [await valuesOf(name, of), await valuesOf(name, state.model)]
            return after.reduce((sum, value, i) => sum + Math.abs(value - before[i]), 0)
          }),
        ),
      }
    }
    test('moments follow the samples, or stay as they are', async () => {
      const [batch, frozen] = [await kept('batch'), await kept('frozen')]
      for (const moved of batch.moved) expect(moved).toBeGreaterThan(0.1)
      expect(frozen.moved).toEqual([0, 0])
      for (const { loss } of [batch, frozen]) expect(loss).toBeLessThan(0.3)
    })
  })

  test.each([
    ['no labels', { data: images(96, false) }, /have no classes/],
    ['too few samples', { data: images(8) }, /has 8 usable samples/],
    ['no samples', { data: null }, /needs training samples/],
    ['labels beyond the classes', { of: build(text('y = Gemm(f, wf: f32[8,2], bf: f32[2])')) }, /label 2 is none/],
    ['an operator without a gradient', { of: odd }, /Sin/],
  ])('refuses %s', async (_, asked: Asked, words) => {
    await expect(played([{ do: 'finetune', ...short }], asked)).rejects.toThrow(words)
  })
})

test('what cannot be trained is named before any sample is read', async () => {
  const unread: Dataset = {
    ...images(96),
    samples() {
      throw new Error('a sample was read')
    },
  }
  for (const steps of [
    [fewBits, { do: 'qat', ...short }] as Step[],
    [{ do: 'prune' }, { do: 'distil', ...short }] as Step[],
  ])
    await expect(played([{ do: 'optimize' }, ...steps], { of: odd, data: unread })).rejects.toThrow(
      /Sin .* no gradient/,
    )
})

describe('a step that is optional', () => {
  const optional = { ...short, optional: true }

  test.each([
    ['the model has no gradient', 'distil', { of: odd }, /Sin .* no gradient/],
    ['samples are too few', 'distil', { data: images(8, false) }, /has 8 usable samples/],
    ['labels tell what the model does not', 'finetune', { of: boxes }, /learns classes/],
  ])('is left out where %s, and a note says so', async (_, step, asked: Asked, words) => {
    const { trained, notes, steps } = await played([{ do: step, ...optional }], asked)
    expect(trained).toEqual([])
    expect(notes).toEqual([expect.stringMatching(new RegExp(`^The step ${step} was left out: .*${words.source}`))])
    expect(steps).toEqual([expect.objectContaining({ do: step, optional: true })])
  })

  test('of qat leaves what was quantised', async () => {
    const plain = await played([fewBits], { of: odd })
    const left = await played([fewBits, { do: 'qat', ...optional }], { of: odd })
    expect(await bytesOf(left.variants[0].model)).toEqual(await bytesOf(plain.variants[0].model))
  })

  test('is a mistake all the same where the recipe is one', async () => {
    await expect(played([{ do: 'finetune', ...optional }], { data: images(96, false) })).rejects.toThrow(
      /have no classes/,
    )
  })
})

describe('distil', () => {
  const student: Step[] = [{ do: 'distil', ...short, rate: 0.003 }]

  test('tells its own time', async () => {
    let now = 0
    const { timing } = await played([{ do: 'optimize' }, ...student], { more: { clock: () => ++now } })
    expect(timing.distilMs).toBeGreaterThan(timing.optimizeMs!)
  })

  test('a model that is its own teacher has nothing to learn, and is not trained', async () => {
    const { model: after, trained, notes } = await played(student, { data: images(96, false) })
    expect(trained).toEqual([])
    expect(notes).toEqual(['The step distil had nothing to learn: the model answers as its teacher does.'])
    expect(await bytesOf(after)).toEqual(await bytesOf(infer(model)))
  })

  const thin = build(
    text('y = Gemm(f, wf: f32[4,3], bf: f32[3])')
      .replaceAll('8,', '4,')
      .replaceAll(',8', ',4')
      .replaceAll('[8]', '[4]'),
  )

  test('a model that lost channels comes closer to what it was', async () => {
    const [before, after] = heldOut(
      await played([{ do: 'distil', ...short, rate: 0.02 }], { data: images(96, false), as: thin }),
    )
    expect(after).toBeLessThan(0.5 * before)
  })

  test('a teacher who has been asked about every version leaves time for more steps', async () => {
    const taught = async (views: number) => {
      let now = 0
      // An answer takes ten times as long as a lesson.
      const perform: Context['perform'] = (task, input) => {
        now += task.id === 'train/answers' ? 1000 : 100
        return ctx.perform(task, input)
      }
      const options = { minutes: 1, batch: 16, rate: 0.01, augment: ['crop', 'mixup'], views }
      const asked = { data: images(96, false), as: thin, more: { clock: () => now, perform } }
      const state = await played([{ do: 'distil', ...options }], asked)
      expect(now).toBeLessThan(66_000) // with the held-out samples, and with those that an epoch leaves out
      const [before, after] = heldOut(state)
      expect(after).toBeLessThan(before)
      return state.trained[0].taken
    }
    expect(await taught(2)).toBeGreaterThan(3 * (await taught(0)))
  })

  const teacher = (input: string, classes = 3): Teacher => ({
    name: 'other.onnx',
    hash: `other ${input} ${classes}`,
    model: build(`graph (picture: f32[${input}]) -> (shares) {
      k = Conv(picture, w1: f32[12,2,3,3], b1: f32[12]) {pads=[1,1,1,1]}
      l = Relu(k)
      m = Conv(l, w2: f32[12,12,3,3], b2: f32[12]) {pads=[1,1,1,1], strides=[2,2]}
      n = Relu(m)
      o = GlobalAveragePool(n)
      q = Flatten(o)
      z = Gemm(q, w3: f32[12,${classes}], b3: f32[${classes}])
      shares = Softmax(z)
    }`),
  })

  test('another teacher, with names of its own, is followed', async () => {
    const asked = { data: images(96, false), teacher: teacher('N,2,6,6') }
    const state = await played([{ do: 'distil', ...short, rate: 0.02 }], asked)
    const [before, after] = heldOut(state)
    expect(before).toBeGreaterThan(0.01)
    expect(after).toBeLessThan(0.7 * before)
    expect(state.notes).toContain('The step distil learned from other.onnx.')
  })

  test('another teacher whose answer is a map is followed by that, and by its features', async () => {
    const maps = (x: string, a: string, y: string): Model =>
      build(`graph (${x}: f32[N,2,6,6]) -> (${y}) {
        ${a} = Conv(${x}, w1: f32[4,2,3,3], b1: f32[4]) {pads=[1,1,1,1]}
        ${y} = Conv(${a}, w2: f32[3,4,1,1], b2: f32[3])
      }`)
    const other = { name: 'maps.onnx', hash: 'maps', model: maps('picture', 'before', 'answer') }
    const own = build(`graph (x: f32[N,2,6,6]) -> (y) {
      a = Conv(x, wa: f32[4,2,3,3], ba: f32[4]) {pads=[1,1,1,1]}
      r = Relu(a)
      y = Conv(r, wy: f32[3,4,1,1], by: f32[3])
    }`)
    const asked = { data: images(96, false), of: own, teacher: other }
    const [before, after] = heldOut(await played([{ do: 'distil', ...short, rate: 0.02 }], asked))
    expect(before).toBeGreaterThan(0.01)
    expect(after).toBeLessThan(0.8 * before)
  })

  test.each([
    ['reads something else', teacher('N,2,8,8'), /picture of the teacher other.onnx is \[N, 2, 8, 8\]/],
    [
      'tells other classes',
      teacher('N,2,6,6', 5),
      /shares of the teacher other.onnx is \[N, 5\], and y of the model \[N, 3\]/,
    ],
  ])('a teacher that %s is refused', async (_, other, words) => {
    const steps: Step[] = [{ do: 'distil', ...short }]
    await expect(played(steps, { data: images(96, false), teacher: other })).rejects.toThrow(words)
  })
})

describe('qat', () => {
  test('brings a model of few bits closer to the float one', async () => {
    const [before, after] = heldOut(await played([fewBits, { do: 'qat', ...short, rate: 0.003, scaleRate: 3 }]))
    expect(after).toBeLessThan(0.7 * before)
  })

  test.each([
    ['few bits', { ...fewBits }],
    ['8 bits', { do: 'quantize' }],
    ['formats that are no grid', { do: 'quantize', weights: 'nf4', activations: 'int16' }],
  ])('what was simulated is what the bundle holds, within one code: %s', async (_, step) => {
    const state = await played([step as Step, { do: 'qat', ...short, steps: 12, rate: 0.003 }])
    const { plan, rounded, model: written } = state.variants[0]
    const graph = infer(rounded!).graph
    const part = await partOf(graph, ['y'], ctx.bytes)
    const seen = seenRounded(graph, part, plan!, ['y'])
    const steps = { reads: seen.reads, fixed: new Set<string>(), bounded: new Set<string>(), rate: 1, exact: graph }
    const { arrays, rounded: reads } = (await quantizedTrainee(graph, part, plan!, steps, ctx.bytes)).settle()
    const net = training.network(seen.nodes, new Set(), reads, ctx.kernels)
    // Of a table's levels the runtime makes a kernel of its own, which rounds once more.
    const session = await ctx.runner.open(written, { optimize: 'pairs' })
    for await (const { feeds } of images(12).samples()) {
      const given = new Map([...part.constants, ...arrays, ...Object.entries(feeds)])
      const simulated = net.forward(given, () => 1).value(seen.ends.get('y')!).data as Float32Array
      const { y } = await session.run(feeds)
      const code = plan!.activations.get('y')?.scale[0] ?? 1e-4
      for (const [i, v] of simulated.entries()) expect(Math.abs(v - Number(y.data[i]))).toBeLessThan(1.01 * code)
    }
    await session.close()
  })

  test('is refused where nothing was quantised to integers', async () => {
    const half = { do: 'quantize', weights: 'float16', activations: 'float16' }
    await expect(played([half, { do: 'qat', ...short }])).rejects.toThrow(/no quantised model/)
  })

  test('gives the same bytes whatever order shards come back in', async () => {
    const steps: Step[] = [fewBits, { do: 'qat', ...short, steps: 6, rate: 0.003 }]
    const plain = await played(steps)
    const waits = createRng(1)
    const perform: Context['perform'] = async (task, input) => {
      await new Promise(done => setTimeout(done, 8 * waits.uniform()))
      return ctx.perform(task, input)
    }
    const other = await played(steps, { more: { perform } })
    expect(await bytesOf(other.variants[0].model)).toEqual(await bytesOf(plain.variants[0].model))
  })
})

describe('training that is cut off', () => {
  const steps: Step[] = [{ do: 'finetune', ...short, rate: 0.01, augment: ['flip', 'crop', 'mixup'] }]

  test('goes on from its checkpoint to the same bytes', async () => {
    const whole = await played(steps)
    const entries = new Map<string, Uint8Array>()
    const store: StageStore = {
      program: 'test',
      get: async key => entries.get(key) ?? null,
      put: async (key, bytes) => void entries.set(key, bytes),
    }
    // A clock by which every step takes ten seconds, so that checkpoints are due.
    let now = 0
    const abort = new AbortController()
    const seen: number[] = []
    const clock = (): number => {
      now += 10_000
      return now
    }
    const first = {
      clock,
      signal: abort.signal,
      progress: (p: { stage: string; done: number }) => {
        if (p.stage !== 'finetune') return
        seen.push(p.done)
        if (p.done === 23) abort.abort()
      },
    }
    await expect(played(steps, { store, more: first })).rejects.toThrow()
    expect(entries.size).toBe(1)
    const later: number[] = []
    const state = await played(steps, {
      store,
      more: { progress: p => void (p.stage === 'finetune' && later.push(p.done)) },
    })
    expect(later[0]).toBeGreaterThan(10)
    expect(await bytesOf(state.model)).toEqual(await bytesOf(whole.model))
  })

  test('is kept to its minutes, and what the clock decided replays without one', async () => {
    let now = 0
    const clock = (): number => {
      now += 200
      return now
    }
    const timed: Step[] = [{ do: 'finetune', minutes: 0.5, every: 10, batch: 16, rate: 0.01 }]
    const state = await played(timed, { more: { clock } })
    const written = state.steps[0]
    expect(written.steps).toBeGreaterThan(20)
    expect(written.hold).toBeGreaterThanOrEqual(20)
    const again = await played([written as Step])
    expect(await bytesOf(again.model)).toEqual(await bytesOf(state.model))
  })
})

describe('a teacher', () => {
  const outputs = ['y']

  test('answers by the kernels that train what the runtime answers', async () => {
    const teacher = infer(model)
    const { value } = await images(1).samples()[Symbol.asyncIterator]().next()
    const { feeds } = value
    const answer = await answering(teacher.graph, outputs, ctx)
    const session = await ctx.runner.open(teacher, { outputs })
    const [own, runtimes] = [await answer!(feeds), await session.run(feeds)]
    await session.close()
    expect(own.y.shape).toEqual(runtimes.y.shape)
    for (const [i, v] of Array.from(own.y.data, Number).entries()) expect(v).toBeCloseTo(Number(runtimes.y.data[i]), 4)
  })

  test('is left to the runtime where it has an operator that they have not', async () => {
    expect(await answering(infer(odd).graph, outputs, ctx)).toBeNull()
  })
})
