// What is written as TensorFlow Lite gives in LiteRT's reference kernels and in TFLite Micro, code by code, what our integer executor
// previews: every operator in random layers, and networks with all their layers.
import { beforeAll, describe, expect, test } from 'vitest'
import { collect } from '../../src/base/bytes.ts'
import { elementCount, type TypedArray } from '../../src/base/dtype.ts'
import { createRng } from '../../src/base/rng.ts'
import { tflite } from '../../src/exporters/tflite.ts'
import type { Edge } from '../../src/exporters/types.ts'
import type { Context, Feeds } from '../../src/ir/context.ts'
import type { Model } from '../../src/ir/model.ts'
import type { NdArray } from '../../src/ir/tensor.ts'
import { infer } from '../../src/ops/infer.ts'
import type { ArithmeticId } from '../../src/stages/simulate/arithmetic/index.ts'
import { simulate } from '../../src/stages/simulate/simulate.ts'
import { tflite as target } from '../../src/targets/tflite.ts'
import { build } from '../build.ts'
import { testContext } from '../quantize/played.ts'
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
  const options = { form, io, bytes: ctx.bytes, preprocess: {}, quantized: null, name: 'm' }
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
