// What is written as C gives, code by code, what our integer executor previews: every operator in random layers, and random networks.
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { collect, text } from '../../src/base/bytes.ts'
import { elementCount } from '../../src/base/dtype.ts'
import { StudioError } from '../../src/base/errors.ts'
import { createRng } from '../../src/base/rng.ts'
import { c } from '../../src/exporters/c.ts'
import type { Edge, Written } from '../../src/exporters/types.ts'
import type { Context, Feeds } from '../../src/ir/context.ts'
import { type Model, requiredInputs } from '../../src/ir/model.ts'
import type { NdArray } from '../../src/ir/tensor.ts'
import { freeze } from '../../src/ops/freeze.ts'
import { infer } from '../../src/ops/infer.ts'
import { choose } from '../../src/stages/quantize/choose.ts'
import { tflm } from '../../src/stages/simulate/arithmetic/tflite.ts'
import { simulate } from '../../src/stages/simulate/simulate.ts'
import { c as target } from '../../src/targets/c.ts'
import { build } from '../build.ts'
import { feedsFor } from '../passes/feeds.ts'
import { play, testContext } from '../quantize/played.ts'
import { randomNetwork } from '../quantize/random-network.ts'
import { codesFor } from '../simulate/feeds.ts'
import { layers, tfliteLayers } from '../simulate/layers.ts'
import { bytesFrom, compiler, numbersIn, runC, sanitized } from './c-compiler.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})
const compiles = compiler()
// Where the compiler is for another processor, the instructions are in plain C (simd/).
const emulated = ['-DMODEL_SIMD', `-I${join(import.meta.dirname, 'simd')}`]
const dsp = [...emulated, '-D__ARM_FEATURE_DSP']
const neon = [...emulated, '-D__ARM_NEON']

const written = (model: Model, io: 'float' | 'integer' = 'float', scramble: string | null = null): Promise<Written> =>
  c.write(infer(model), target, {
    scramble,
    form: 'int8',
    io,
    bytes: ctx.bytes,
    preprocess: {},
    quantized: null,
    calibration: null,
    name: 'm',
  })

type Numbers = 'float32' | 'int8' | 'uint8'

/** Places of an array's elements, from the model's order to the file's. */
function order(shape: readonly number[], { layout }: Edge): number[] {
  const all = Array.from({ length: elementCount(shape) }, (_, i) => i)
  if (layout !== 'NHWC') return all
  const [n, ch, h, w] = shape
  const from: number[] = []
  for (let b = 0; b < n; b++)
    for (let p = 0; p < h * w; p++) for (let k = 0; k < ch; k++) from.push((b * ch + k) * h * w + p)
  return from
}

/** Inputs as one array, in the order and the layouts of the file. */
function sampleOf(model: Model, feeds: Feeds, { edges }: Written): Uint8Array {
  const names = requiredInputs(model.graph)
  const values = names.flatMap(name => {
    const { scale, zeroPoint } = edges![name]
    const { data, dtype, shape } = feeds[name]
    const coded = (x: number): number =>
      dtype === 'float32' && scale !== null
        ? tflm.quantize(x, { scale, zeroPoint: zeroPoint!, qmin: -128, qmax: 127 })
        : x
    return order(shape, edges![name]).map(i => coded(Number((data as Int8Array)[i])))
  })
  return bytesFrom(values, edges![names[0]].dtype as Numbers)
}

/** Outputs by name, in the model's order. */
function outputsOf(model: Model, answer: Uint8Array, like: Record<string, NdArray>, { edges }: Written) {
  const names = model.graph.outputs
  const all = numbersIn(answer, edges![names[0]].dtype as Numbers)
  let at = 0
  return Object.fromEntries(
    names.map(name => {
      const from = order(like[name].shape, edges![name])
      const values = new Array<number>(from.length)
      const { scale, zeroPoint } = edges![name]
      const real = (x: number): number =>
        like[name].dtype === 'float32' && scale !== null ? Math.fround((x - zeroPoint!) * scale) : x
      for (const i of from) values[i] = real(all[at++])
      return [name, values]
    }),
  )
}

const numbers = ({ data }: NdArray): number[] => Array.from(data as Int8Array, Number)

const count = Number(process.env.LAYERS ?? 4)

test.skipIf(!compiles)(
  'random layers of every operator',
  async () => {
    const inIntegers = Object.entries({ ...layers, ...tfliteLayers }).filter(([name]) => !/float|layout/.test(name))
    const jobs = []
    for (const [name, make] of inIntegers)
      for (let i = 0; i < count; i++) {
        const layer = make(createRng(i, `exporter/${name}`), { activation: 'i8', symmetricWeights: true })
        const model = build(layer.text, { opset: layer.opset })
        const feeds = codesFor(model, createRng(i, 'feeds'))
        const session = await simulate(model, 'tflm', ctx)
        const ours = await session.run(feeds)
        await session.close()
        const file = await written(model)
        jobs.push({ name, layer, model, ours, written: file, samples: [sampleOf(model, feeds, file)] })
      }
    const answers = await runC(jobs)
    for (const [k, { name, layer, model, ours, written: file }] of jobs.entries()) {
      const theirs = outputsOf(model, answers[k][0], ours, file)
      for (const output of model.graph.outputs)
        expect(theirs[output], `${name}\n${layer.text}`).toEqual(numbers(ours[output]))
    }
  },
  300_000,
)

/** The model for the target, quantised on random samples; null where C cannot hold it, which must be said by name and before. */
async function compressed(text: string, seed: number, io: 'float' | 'integer', weights: string) {
  const model = build(text, { opset: 17, seed })
  const { variant } = await play(model, ctx, { wanted: { target }, samples: 4, step: { weights } })
  const ready = freeze(variant.model, { x: [1, 4, 12, 12] })
  const said = c.check!(infer(ready), target, 'int8')
  try {
    const file = await written(ready, io)
    expect(said, text).toEqual([])
    return { model: ready, file }
  } catch (error) {
    if (!(error instanceof StudioError) || error.code !== 'unsupported') throw error
    expect(
      said.map(problem => problem.node),
      text,
    ).toContain(error.where.node)
    return null
  }
}

test.skipIf(!compiles)(
  'random networks, in floats and in integers at their edges, with weights of eight and four bits, with instructions of Arm',
  async () => {
    const jobs = []
    for (let seed = 1; seed <= 24; seed++) {
      const io = seed % 2 ? 'float' : 'integer'
      const network = randomNetwork(seed, 4 + (seed % 20))
      const weights = seed % 4 === 3 ? 'int4' : 'int8'
      const made = await compressed(network, seed, io, weights)
      if (!made) continue
      const { model, file } = made
      const session = await simulate(model, 'tflm', ctx)
      const feeds = feedsFor(model, createRng(seed, 'feeds'))
      const ours = await session.run(feeds)
      await session.close()
      jobs.push({ network, model, ours, written: file, samples: [sampleOf(model, feeds, file)] })
    }
    expect(jobs.length).toBeGreaterThan(14)
    for (const { network, written: file } of jobs) {
      const [, arena, bound] = /RAM: (\d+) .* needs (\d+)/.exec(file.notes[0])!.map(Number)
      expect(arena, network).toBeLessThanOrEqual(1.1 * bound)
    }
    const texts = await Promise.all(jobs.map(async job => text(await collect(job.written.files[1].chunks()))))
    for (const kernel of ['dot_from(', 'dot_int4(']) expect(texts.join('')).toContain(kernel)
    for (const [flags, some] of [
      [[], jobs] as const,
      [dsp, jobs.slice(0, 5)] as const,
      [neon, jobs.slice(0, 5)] as const,
    ]) {
      const answers = await runC(some, [...sanitized, ...flags])
      for (const [k, { network, model, ours, written: file }] of some.entries()) {
        const theirs = outputsOf(model, answers[k][0], ours, file)
        for (const output of model.graph.outputs)
          expect(theirs[output], `${flags} ${output}\n${network}`).toEqual(numbers(ours[output]))
      }
    }
  },
  300_000,
)

test.skipIf(!compiles)('functions of one number become tables', async () => {
  const model = build(`graph (x: f32[1,4,6,6]) -> (y) {
    a = Conv(x, w: f32[8,4,3,3], b: f32[8])
    c = HardSigmoid(a) {alpha=0.1666667, beta=0.5}
    m = Mul(a, c)
    e = Elu(m)
    d = Clip(e, f32[]{-0.6}, f32[]{0.8})
    n = Exp(d)
    h = Div(n, f32[]{2})
    r = Conv(h, v: f32[6,8,1,1])
    y = Abs(r)
  }`)
  const { variant } = await play(model, ctx, { wanted: { target }, samples: 4 })
  const file = await written(variant.model)
  const session = await simulate(variant.model, 'tflm', ctx)
  const feeds = feedsFor(model, createRng(1, 'feeds'))
  const ours = await session.run(feeds)
  await session.close()
  const [[answer]] = await runC([{ written: file, samples: [sampleOf(model, feeds, file)] }])
  expect(outputsOf(model, answer, ours, file).y).toEqual(numbers(ours.y))
})

test('a division is a function of one number only by a constant of one', () => {
  const why = (by: string): string[] => {
    const model = build(`graph (x: f32[1,4,6,6]) -> (y) {
      a = Conv(x, w: f32[4,4,3,3], b: f32[4])
      d = Div(a, ${by})
      y = Conv(d, v: f32[6,4,1,1])
    }`)
    return choose(infer(model), target, () => ({ weights: 'int8', activations: 'int8' })).float.map(f => f.why)
  }
  expect(why('f32[1,1]{2}')).toEqual([])
  expect(why('f32[4,1,1]{1, 2, 3, 4}')).toEqual(['its second input is no constant of one number'])
  expect(why('a')).toEqual(['its second input is no constant of one number'])
})

test('what has no kernel of integers is refused by name', async () => {
  const model = build(`graph (x: f32[1,4,6,6]) -> (y) {
    a = Conv(x, w: f32[8,4,3,3], b: f32[8])
    s = Sin(a)
    y = Conv(s, v: f32[6,8,1,1])
  }`)
  const { variant } = await play(model, ctx, { wanted: { target }, samples: 4 })
  const named = { node: variant.model.graph.nodes.find(node => node.op === 'Sin')!.id, op: 'Sin', level: 'refused' }
  expect(c.check!(infer(variant.model), target, 'int8')).toMatchObject([named])
  await expect(written(variant.model)).rejects.toMatchObject({ code: 'unsupported', where: { node: named.node } })
})

test.skipIf(!compiles)(
  'with a key the weights do not stand in the source, and the program gives the same',
  async () => {
    const key = '0123456789abcdef'
    for (const weights of ['int8', 'int4']) {
      const model = build(`graph (x: f32[1,4,12,12]) -> (y) {
      a = Conv(x, w: f32[16,4,3,3], b: f32[16]) {pads=[1,1,1,1]}
      r = Relu(a)
      d = Conv(r, v: f32[16,1,3,3], u: f32[16]) {group=16, pads=[1,1,1,1]}
      s = Add(d, r)
      h = HardSwish(s)
      p = GlobalAveragePool(h)
      f = Flatten(p)
      y = Gemm(f, g: f32[10,16], k: f32[10]) {transB=1}
    }`)
      const { variant } = await play(model, ctx, { wanted: { target }, samples: 4, step: { weights } })
      const ready = freeze(variant.model, { x: [1, 4, 12, 12] })
      const [plain, hidden] = [await written(ready), await written(ready, 'float', key)]
      const sourceIn = async (file: Written) => text(await collect(file.files[1].chunks()))
      const [open, closed] = [await sourceIn(plain), await sourceIn(hidden)]
      const tables = [...open.matchAll(/^static const u?int8_t (\w+_weights\w*)\[(\d+)\] = \{\n([^}]*)\}/gm)]
      expect(tables.length).toBe(3)
      for (const [, name, size, body] of tables) {
        expect(closed).not.toContain(`${name}[${size}] = `)
        const [first] = body.trim().split('\n')
        expect(first.length).toBeGreaterThan(60)
        expect(closed, name).not.toContain(first)
      }
      expect(closed).not.toContain(key)
      const feeds = feedsFor(ready, createRng(1, 'feeds'))
      const sample = sampleOf(ready, feeds, plain)
      const flags = (given: string) => [...sanitized, `-DMODEL_KEY=0x${given}ULL`]
      const [[wanted]] = await runC([{ written: plain, samples: [sample] }])
      const [[once, again]] = await runC([{ written: hidden, samples: [sample, sample] }], flags(key))
      expect(once).toEqual(wanted)
      expect(again).toEqual(wanted)
      const [[wrong]] = await runC([{ written: hidden, samples: [sample] }], flags('0123456789abcdee'))
      expect(wrong).not.toEqual(wanted)
      await expect(runC([{ written: hidden, samples: [sample] }])).rejects.toThrow(/MODEL_KEY/)
      const [, ram] = /into (\d+) more bytes of RAM/.exec(hidden.notes.join(' '))!.map(Number)
      const [, constants] = /Flash: (\d+) bytes/.exec(hidden.notes[0])!.map(Number)
      expect(ram).toBeGreaterThan(0)
      expect(ram).toBeLessThanOrEqual(constants)
    }
  },
)
