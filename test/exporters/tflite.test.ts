// What is written as TensorFlow Lite gives in LiteRT's reference kernels and in TFLite Micro, code by code, what our integer executor
// previews: every operator in random layers, and networks with all their layers.
import { beforeAll, describe, expect, test } from 'vitest'
import { collect } from '../../src/base/bytes.ts'
import { elementCount, type TypedArray } from '../../src/base/dtype.ts'
import { createRng } from '../../src/base/rng.ts'
import { lower } from '../../src/exporters/nhwc/index.ts'
import { encodeProgram, tflite } from '../../src/exporters/tflite.ts'
import type { Edge } from '../../src/exporters/types.ts'
import type { Context, Feeds } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import type { NdArray } from '../../src/ir/tensor.ts'
import { infer } from '../../src/ops/infer.ts'
import { frozen } from '../../src/recipe/steps/write.ts'
import type { ArithmeticId } from '../../src/stages/simulate/arithmetic/index.ts'
import { simulate } from '../../src/stages/simulate/simulate.ts'
import { tflite as target, tflm } from '../../src/targets/tflite.ts'
import { build } from '../build.ts'
import { feedsFor } from '../passes/feeds.ts'
import { play, testContext } from '../quantize/played.ts'
import { randomNetwork } from '../quantize/random-network.ts'
import { codesFor } from '../simulate/feeds.ts'
import { layers, type Style, tfliteLayers } from '../simulate/layers.ts'
import { installed, runTflite } from '../targets/runtimes.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

interface File {
  bytes: Uint8Array
  edges: Readonly<Record<string, Edge>>
}

async function written(model: Model, form = 'int8', io: 'float' | 'integer' = 'float'): Promise<File> {
  const options = { form, io, bytes: ctx.bytes, preprocess: {}, quantized: null, calibration: null, name: 'm' }
  const { files, edges } = await tflite.write(infer(model), target, options)
  return { bytes: await collect(files[0].chunks()), edges: edges! }
}

const numbers = ({ data }: NdArray): number[] => Array.from(data as Int8Array, Number)

const last = [0, 2, 3, 1]
const first = [0, 3, 1, 2]

function permuted({ dtype, shape, data }: NdArray, perm: readonly number[]): NdArray {
  const to = perm.map(axis => shape[axis])
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)))
  const out = (data as Int8Array).slice()
  for (let i = 0; i < out.length; i++) {
    let [rest, from] = [i, 0]
    for (let axis = to.length - 1; axis >= 0; axis--) {
      from += (rest % to[axis]) * strides[perm[axis]]
      rest = Math.floor(rest / to[axis])
    }
    out[i] = (data as Int8Array)[from]
  }
  return { dtype, shape: to, data: out as TypedArray }
}

/** As the file takes it: one sample. */
const toFile = (feeds: Feeds, { edges }: File): Record<string, NdArray> =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, array]) => {
      const laid = edges[name].layout === 'NHWC' ? permuted(array, last) : array
      return [edges[name].name, { ...laid, shape: [1, ...laid.shape] }]
    }),
  )

const fromFile = (array: NdArray, edge: Edge): NdArray => {
  const one = { ...array, shape: array.shape.slice(1) }
  return edge.layout === 'NHWC' ? permuted(one, first) : one
}

const count = Number(process.env.LAYERS ?? 6)
const inIntegers = Object.fromEntries(Object.entries(layers).filter(([name]) => !/float|layout/.test(name)))
const tables = /Sigmoid|Tanh|HardSwish|Softmax|Resize/ // in 16 bits the executor, or TFLite Micro, does not know them
const styles: readonly [string, Style, RegExp | null][] = [
  ['int8', { activation: 'i8', symmetricWeights: true }, null],
  ['16x8', { activation: 'i16', symmetricWeights: true }, tables],
]

describe.each([
  ['tflite', 'tflite'],
  ['tflm', 'tflm'],
] as const satisfies readonly (readonly [string, ArithmeticId])[])('random layers in %s', (runtime, arithmetic) => {
  const python = installed(runtime)
  test.skipIf(!python).each(styles)(
    '%s',
    async (form, style, without) => {
      const all = Object.entries({ ...inIntegers, ...tfliteLayers }).filter(([name]) => !without?.test(name))
      const jobs = []
      for (const [name, make] of all)
        for (let i = 0; i < count; i++) {
          const layer = make(createRng(i, `exporter/${name}`), style)
          const model = build(layer.text, { opset: layer.opset })
          const feeds = codesFor(model, createRng(i, 'feeds'))
          const session = await simulate(model, arithmetic, ctx)
          const [output] = model.graph.outputs
          const ours = (await session.run(feeds))[output]
          await session.close()
          const file = await written(model, form)
          jobs.push({ name, layer, file, output, ours, model: file.bytes, feeds: toFile(feeds, file) })
        }
      const answers = await runTflite(python!, jobs)
      for (const [k, { name, layer, file, output, ours }] of jobs.entries()) {
        const edge = file.edges[output]
        const theirs = fromFile(answers[k][runtime === 'tflm' ? 'output_0' : edge.name], edge)
        expect(theirs.shape, `${name}\n${layer.text}`).toEqual(ours.shape)
        expect(numbers(theirs), `${name}\n${layer.text}`).toEqual(numbers(ours))
      }
    },
    120_000,
  )
})

const networks = Number(process.env.THIMBLE_RANDOM_GRAPHS ?? 6)

describe.each([
  ['tflite', 'int8'],
  ['tflite', '16x8'],
  ['tflm', 'int8'],
] as const)('random networks in %s as %s', (runtime, form) => {
  const python = installed(runtime)
  test.skipIf(!python)(
    'every layer is as previewed',
    async () => {
      const jobs = []
      for (let seed = 1; seed <= networks; seed++) {
        const float = build(randomNetwork(seed, 4 + seed), { opset: 17, seed })
        const own = runtime === 'tflm' ? tflm : target
        const { variant } = await play(float, ctx, {
          wanted: { target: own, form },
          step: { activations: form === '16x8' ? 'int16' : 'int8' },
        })
        const model = infer(frozen(infer(variant.model), {}, []))
        const { program, refused, forms } = lower(model, { io: 'float', read: () => new Uint8Array() })
        expect(refused).toEqual([])
        const codes = program.tensors.flatMap(t =>
          t.value !== null && !t.data && t.quant ? [{ tensor: t.name, value: t.value }] : [],
        )
        const values = [...new Set([...codes.map(c => c.value), ...model.graph.outputs])]
        const session = await simulate(model, runtime, ctx, { outputs: values })
        const feeds = feedsFor(model, createRng(seed, 'feeds'))
        const ours = await session.run(feeds)
        await session.close()
        const [input, output] = [program.inputs, program.outputs].map(([index]) => program.tensors[index].name)
        const x = feeds[model.graph.inputs[0]]
        const laid = forms.get(model.graph.inputs[0]) === 'nhwc' ? permuted(x, last) : x
        jobs.push({
          seed,
          codes,
          ours,
          output,
          graph: model.graph,
          model: encodeProgram(program),
          feeds: { [input]: { ...laid, shape: [1, ...laid.shape] } },
        })
      }
      const answers = await runTflite(python!, jobs, ...(runtime === 'tflite' ? ['--all'] : []))
      for (const [k, { seed, codes, ours, output, graph }] of jobs.entries()) {
        for (const { tensor, value } of runtime === 'tflite' ? codes : []) {
          const theirs = numbers(answers[k][tensor])
          const [here, moved] = [
            ours[value],
            ours[value].shape.length === 4 ? permuted(ours[value], last) : ours[value],
          ].map(numbers)
          const different = (mine: number[]): number => mine.filter((q, i) => q !== theirs[i]).length
          expect(
            Math.min(different(here), different(moved)) / theirs.length,
            `seed ${seed}: ${value}`,
          ).toBeLessThanOrEqual(0.001)
        }
        const theirs = answers[k][runtime === 'tflm' ? 'output_0' : output]
        expect(numbers(theirs), `seed ${seed}`).toEqual(numbers(ours[graph.outputs[0]]))
      }
    },
    300_000,
  )
})

test('microcontrollers are refused what they have no kernel of; squares and roots have kernels of their own', async () => {
  const model = infer(
    build(`graph (x: f32[1,4]) -> (y) {
      s = Pow(x, f32[]{2})
      r = Pow(s, f32[1]{0.5})
      p = Pow(r, f32[]{3})
      y = Tile(p, i64[2]{1, 2})
    }`),
  )
  const { program } = lower(model, { io: 'float', read: ({ data }) => data as Uint8Array })
  expect(program.operators.map(o => o.kind)).toEqual(['SQUARE', 'SQRT', 'POW', 'TILE'])
  expect(tflite.check!(model, target, 'float')).toEqual([])
  const said = tflite.check!(model, tflm, 'float')
  expect(said.map(({ op, why, level }) => [op, level, why])).toEqual([
    ['Pow', 'refused', `${tflm.label} has no kernel POW`],
    ['Tile', 'refused', `${tflm.label} has no kernel TILE`],
  ])
  const options = { form: 'float', io: 'float' as const, bytes: ctx.bytes, preprocess: {}, quantized: null, name: 'm' }
  await expect(tflite.write(model, tflm, options)).rejects.toMatchObject({ where: { node: said[0].node } })
})
