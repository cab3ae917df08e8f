// The normalisation of pixels in the first layer: the same function, with what pixels stand for at the border, and a model that takes uint8.
import { beforeAll, describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/rng.ts'
import type { Context, Feeds } from '../../src/ir/context.ts'
import { edit } from '../../src/ir/edit.ts'
import type { Model } from '../../src/ir/model.ts'
import { verify } from '../../src/ir/verify.ts'
import { infer } from '../../src/ops/infer.ts'
import { writtenModel } from '../../src/recipe/written.ts'
import { fromPixels, type Normalisation, rawInput } from '../../src/stages/quantize/raw-input.ts'
import { build } from '../build.ts'
import { play, runAll, testContext } from './played.ts'

let ctx: Context
beforeAll(async () => {
  ctx = await testContext()
})

const imagenet = { scale: 1 / 255, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
const centred = { scale: 1 / 128, mean: [1, 1, 1], std: [1, 1, 1] }

/** Random pixels of a shape, and what they are to the model. */
function pictures({ shape, how }: { shape: number[]; how: Normalisation }): {
  pixels: Uint8Array
  values: Float32Array
} {
  const rng = createRng(1, 'pixels')
  const count = shape.reduce((n, d) => n * d, 1)
  const inner = shape.slice(how.axis + 1).reduce((n, d) => n * d, 1)
  const pixels = Uint8Array.from({ length: count }, () => rng.below(256))
  const values = Float32Array.from(pixels, (p, i) => {
    const c = Math.floor(i / inner) % how.mean.length
    return (p * how.scale - how.mean[c]) / how.std[c]
  })
  return { pixels, values }
}

async function compare(text: string, shape: number[], how: Normalisation): Promise<{ worst: number; written: Model }> {
  const model = infer(build(text))
  const folded = await rawInput(model, 'x', how, ctx.bytes)
  if ('why' in folded) throw new Error(folded.why)
  verify(folded.model.graph)
  const written = fromPixels(infer(folded.model), [folded.raw])
  verify(written.graph)
  const { pixels, values } = pictures({ shape, how })
  const prepared: Feeds = { x: { dtype: 'float32', shape, data: values } }
  const raw: Feeds = { x: { dtype: 'uint8', shape, data: pixels } }
  const [[want], [judged], [got]] = [
    await runAll(model, [prepared], ctx),
    await runAll(folded.model, [prepared], ctx),
    await runAll(written, [raw], ctx),
  ]
  expect([...(judged.y.data as Float32Array)]).toEqual([...(got.y.data as Float32Array)])
  const y = want.y.data as Float32Array
  const largest = y.reduce((m, v) => Math.max(m, Math.abs(v)), 0)
  const worst = y.reduce((m, v, i) => Math.max(m, Math.abs(v - Number(got.y.data[i]))), 0) / largest
  return { worst, written }
}

const weights = 'w: f32[4,3,3,3], b: f32[4]'
describe('the same function of pixels', () => {
  test.each([
    ['a convolution without padding', `y = Conv(x, ${weights})`, imagenet],
    ['without bias', 'y = Conv(x, w: f32[4,3,3,3])', imagenet],
    ['padding, one mean for all colours', `y = Conv(x, ${weights}) {pads=[1,1,1,1]}`, centred],
    ['padding, a mean a colour', `y = Conv(x, ${weights}) {pads=[1,1,1,1]}`, imagenet],
    ['padding at one side', `y = Conv(x, ${weights}) {auto_pad="SAME_UPPER", strides=[2,2]}`, imagenet],
    ['dark pixels are zero', `y = Conv(x, ${weights}) {pads=[1,1,1,1]}`, { scale: 1, mean: [0, 0, 0], std: [1, 1, 1] }],
    ['bright pixels are zero', `y = Conv(x, ${weights}) {pads=[1,1,1,1]}`, { ...imagenet, mean: [0.98, 0.9, 1] }],
    ['two layers that read the input', `a = Conv(x, ${weights}) c = Conv(x, v: f32[4,3,3,3]) y = Add(a, c)`, imagenet],
  ])('%s', async (_, body, how) => {
    const shape = [2, 3, 8, 8]
    const { worst } = await compare(`graph (x: f32[N,3,8,8]) -> (y) { ${body} }`, shape, { ...how, axis: 1 })
    expect(worst).toBeLessThan(1e-5)
  })

  test('pictures with colours last, turned before the first layer', async () => {
    const text = `graph (x: f32[N,8,8,3]) -> (y) { t = Transpose(x) {perm=[0,3,1,2]} y = Conv(t, ${weights}) {pads=[1,1,1,1]} }`
    const { worst, written } = await compare(text, [2, 8, 8, 3], { ...imagenet, axis: 3 })
    expect(worst).toBeLessThan(1e-5)
    expect(written.graph.nodes.map(n => n.op)).toEqual(['Transpose', 'Pad', 'Cast', 'Add', 'Conv'])
  })

  test('a matrix product over a flattened picture', async () => {
    const text = `graph (x: f32[N,3,4,4]) -> (y) { f = Flatten(x) y = Gemm(f, w: f32[5,48], b: f32[5]) {transB=1} }`
    expect((await compare(text, [2, 3, 4, 4], { ...imagenet, axis: 1 })).worst).toBeLessThan(1e-5)
  })
})

test('the quantised model reads uint8 pixels with no node that rounds them, and gives what the judged one gives', async () => {
  const text = `graph (x: f32[N,3,8,8]) -> (y) {
    a = Conv(x, ${weights}) {pads=[1,1,1,1]} r = Relu(a) y = Conv(r, v: f32[3,4,3,3], c: f32[3])
  }`
  const { variant } = await play(build(text), ctx, { step: { rawInput: true }, input: { inputs: { x: imagenet } } })
  const written = writtenModel(variant)
  verify(written.graph)
  const { graph } = written
  expect(graph.values.get('x')).toMatchObject({ dtype: 'uint8', shape: ['N', 3, 8, 8] })
  const readers = (name: string): string[] => graph.nodes.filter(n => n.inputs.includes(name)).map(n => n.op)
  const padded = graph.nodes.find(n => n.op === 'Pad')!.outputs[0]!
  expect([readers('x'), readers(padded)]).toEqual([['Pad'], ['DequantizeLinear']])
  const [, scale, zero] = graph.nodes.find(n => n.inputs[0] === padded)!.inputs
  // 255 times the mean of the three means is 114.495; one code is one pixel.
  expect(graph.values.get(scale!)!.data!.data).toEqual(new Uint8Array(Float32Array.of(1).buffer))
  expect(graph.values.get(zero!)!.data!.data).toEqual(Uint8Array.of(114))

  const shape = [2, 3, 8, 8]
  const { pixels, values } = pictures({ shape, how: { ...imagenet, axis: 1 } })
  const [[judged], [got]] = [
    await runAll(variant.model, [{ x: { dtype: 'float32', shape, data: values } }], ctx),
    await runAll(written, [{ x: { dtype: 'uint8', shape, data: pixels } }], ctx),
  ]
  expect(got.y.data).toEqual(judged.y.data)
})

test('what a file lists as inputs and nothing reads is no input of what is written', async () => {
  const { graph, ...rest } = build('graph (x: f32[N,3,8,8]) -> (y) { y = Conv(x, w: f32[4,3,3,3], b: f32[4]) }')
  const listed = edit(graph, e => {
    e.setInputs(['x', e.addInitializer('batches', { dtype: 'int64', shape: [], data: new Uint8Array(8) })])
  })
  const folded = await rawInput(infer({ ...rest, graph: listed }), 'x', { ...imagenet, axis: 1 }, ctx.bytes)
  if ('why' in folded) throw new Error(folded.why)
  const written = fromPixels(infer(folded.model), [folded.raw])
  verify(written.graph)
  expect(written.graph.inputs).toEqual(['x'])
})

describe('an input that stays as it is', () => {
  test.each([
    ['y = Sigmoid(x)', 'Sigmoid y reads it, into which nothing can be folded'],
    [
      `a = Conv(x, ${weights}) s = Sigmoid(x) g = GlobalAveragePool(s) h = GlobalAveragePool(a) y = Concat(g, h) {axis=1}`,
      'Sigmoid s reads it, into which nothing can be folded',
    ],
    ['y = Conv(x, w: f32[3,1,3,3]) {group=3, pads=[1,1,1,1]}', 'its first layer is padded and is no plain convolution'],
  ])('%s', async (body, why) => {
    const model = infer(build(`graph (x: f32[N,3,8,8]) -> (y) { ${body} }`))
    expect(await rawInput(model, 'x', { ...imagenet, axis: 1 }, ctx.bytes)).toEqual({ why })
  })
})
