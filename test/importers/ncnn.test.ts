// ncnn networks as they are imported, against ncnn itself.
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { concat, utf8 } from '../../src/base/bytes.ts'
import { createRng } from '../../src/base/rng.ts'
import { NcnnBinWriter } from '../../src/formats/ncnn-bin.ts'
import { floats, type NdArray } from '../../src/ir/tensor.ts'
import { agreement, type Files, ours } from './compared.ts'
import { native } from './native.ts'

const ncnn = native('ncnn', 'run-ncnn.py')
const withNcnn = ncnn === null ? describe.skip : describe

const rng = createRng(7)
const random = (count: number): Float32Array => Float32Array.from({ length: count }, () => rng.normal())
const input = (...shape: number[]): NdArray => floats([1, ...shape], random(shape.reduce((n, d) => n * d, 1)))

/** One array of a .bin. */
type Part = (bin: NcnnBinWriter) => void
const f32 =
  (count: number): Part =>
  bin =>
    bin.float32(random(count))
const f16 =
  (count: number): Part =>
  bin =>
    bin.float16(random(count))
const raw =
  (count: number): Part =>
  bin =>
    bin.raw(random(count))
const above =
  (count: number): Part =>
  bin =>
    bin.raw(random(count).map(v => Math.abs(v) + 0.5))
const given =
  (...values: number[]): Part =>
  bin =>
    bin.raw(Float32Array.from(values))
const codes =
  (count: number): Part =>
  bin =>
    bin.int8(Int8Array.from({ length: count }, () => rng.below(255) - 127))

/** A network of the layers of a text, of which `x` is the input. */
function network(layers: string, parts: readonly Part[], inputLine = 'Input x 0 1 x'): Files {
  const lines = [inputLine, ...layers.split(';').map(line => line.trim())]
  const blobs = new Set(
    lines.flatMap(line => {
      const words = line.split(/\s+/)
      return words.slice(4 + Number(words[2]), 4 + Number(words[2]) + Number(words[3]))
    }),
  )
  const bin = new NcnnBinWriter()
  for (const part of parts) part(bin)
  const param = utf8(`7767517\n${lines.length} ${blobs.size}\n${lines.join('\n')}\n`)
  return { 'model.param': param, 'model.bin': concat(bin.parts) }
}

const sized = (...shape: number[]): string => {
  const [w, h, c] = [...shape].reverse()
  return `Input x 0 1 x 0=${w}${h === undefined ? '' : ` 1=${h}`}${c === undefined ? '' : ` 2=${c}`}`
}

interface Case {
  layers: string
  parts: Part[]
  shape: number[]
}
const of = (shape: number[], layers: string, ...parts: Part[]): Case => ({ layers, parts, shape })

const map = [6, 9, 8]
const cases: Record<string, Case> = {
  'Convolution, dilated, with a clip': of(
    map,
    'Convolution c 1 1 x y 0=4 1=3 2=2 3=1 4=1 14=2 15=3 16=0 5=1 6=216 9=3 -23310=2,-4.0e-01,3.0e-01',
    f32(216),
    raw(4),
  ),
  'Convolution of another height, with float16 weights': of(
    map,
    'Convolution c 1 1 x y 0=4 1=3 11=1 3=2 13=1 6=72 9=2 -23310=1,1.0e-01',
    f16(72),
  ),
  'Convolution with SAME padding and swish-like ends': of(
    map,
    'Convolution c 1 1 x a 0=4 1=3 3=2 4=-233 5=1 6=216 9=4; Convolution d 1 1 a y 0=2 1=2 4=-234 6=32 9=6 -23310=2,1.666667e-01,5.0e-01',
    f32(216),
    raw(4),
    f32(32),
  ),
  ConvolutionDepthWise: of(map, 'ConvolutionDepthWise c 1 1 x y 0=6 1=3 4=1 5=1 6=54 7=6 9=5', f32(54), raw(6)),
  'ConvolutionDepthWise with groups': of(map, 'ConvolutionDepthWise c 1 1 x y 0=4 1=3 6=108 7=2', f32(108)),
  Deconvolution: of(map, 'Deconvolution c 1 1 x y 0=4 1=3 3=2 4=1 18=1 5=1 6=216 9=1', f32(216), raw(4)),
  DeconvolutionDepthWise: of(map, 'DeconvolutionDepthWise c 1 1 x y 0=4 1=2 11=3 3=2 6=72 7=2', f32(72)),
  Convolution1D: of([6, 9], 'Convolution1D c 1 1 x y 0=4 1=3 4=1 5=1 6=72', f32(72), raw(4)),
  'InnerProduct of a map': of([2, 3, 4], 'InnerProduct c 1 1 x y 0=5 1=1 2=120 9=1', f32(120), raw(5)),
  'InnerProduct of rows': of([3, 4], 'InnerProduct c 1 1 x y 0=5 1=1 2=20', f32(20), raw(5)),
  Gemm: of([3, 4], 'Gemm c 1 1 x y 0=2.0e+00 3=1 5=1 6=1 8=5 9=4 10=4', f32(20), f32(5)),
  'MatMul of a blob with itself': of([3, 4], 'Split s 1 2 x a b; MatMul m 2 1 a b y 0=1'),
  'max pooling that reaches past the end': of(map, 'Pooling p 1 1 x y 0=0 1=3 2=2 3=0 5=0'),
  'average pooling that reaches past the end': of(map, 'Pooling p 1 1 x y 0=1 1=3 2=2 3=1 5=0'),
  'average pooling that counts padding': of(map, 'Pooling p 1 1 x y 0=1 1=3 2=2 3=1 5=1 6=1'),
  'average pooling, valid': of(map, 'Pooling p 1 1 x y 0=1 1=3 2=2 3=1 5=1'),
  'average pooling, SAME': of(map, 'Pooling p 1 1 x y 0=1 1=3 2=2 5=2'),
  'global pooling': of(map, 'Pooling p 1 1 x y 0=1 4=1'),
  'adaptive pooling': of(map, 'Pooling p 1 1 x y 0=1 7=1 8=4 18=3'),
  'adaptive pooling to one': of(map, 'Pooling p 1 1 x y 0=1 7=1 8=1'),
  'leaky ReLU, then ReLU': of(map, 'ReLU a 1 1 x a 0=2.0e-01; ReLU b 1 1 a y'),
  PReLU: of(map, 'PReLU a 1 1 x y 0=6', raw(6)),
  'PReLU with one slope': of(map, 'PReLU a 1 1 x y 0=1', raw(1)),
  Clip: of(map, 'Clip a 1 1 x y 0=-5.0e-01 1=6.0e+00'),
  ELU: of(map, 'ELU a 1 1 x y 0=1.0e+00'),
  SELU: of(map, 'SELU a 1 1 x y'),
  HardSigmoid: of(map, 'HardSigmoid a 1 1 x y 0=1.666667e-01 1=5.0e-01'),
  HardSwish: of(map, 'HardSwish a 1 1 x y 0=2.0e-01 1=5.0e-01'),
  'Swish, Mish, Sigmoid, TanH': of(map, 'Swish a 1 1 x a; Mish b 1 1 a b; Sigmoid c 1 1 b c; TanH d 1 1 c y'),
  GELU: of(map, 'GELU a 1 1 x y 0=0'),
  'GELU by tanh': of(map, 'GELU a 1 1 x y 0=1'),
  'Softplus and AbsVal': of(map, 'Softplus a 1 1 x a; AbsVal b 1 1 a y'),
  Threshold: of(map, 'Threshold a 1 1 x y 0=2.0e-01'),
  'Power, Exp and Log': of(
    map,
    'AbsVal a 1 1 x a; Power b 1 1 a b 0=5.0e-01 1=2.0e+00 2=1.0e+00; Exp c 1 1 b c 0=2.0e+00 1=5.0e-01; Log d 1 1 c y 1=2.0e+00 2=1.0e+00',
  ),
  ...Object.fromEntries(
    [0, 1, 2, 3, 4, 7, 9, 10, 16].map(type => [`UnaryOp ${type}`, of(map, `UnaryOp a 1 1 x y 0=${type}`)]),
  ),
  ...Object.fromEntries(
    [5, 6, 8, 15, 17].map(type => [`UnaryOp ${type}`, of(map, `AbsVal p 1 1 x p; UnaryOp a 1 1 p y 0=${type}`)]),
  ),
  ...Object.fromEntries(
    [0, 1, 2, 3, 4, 5, 7, 8].map(type => [`BinaryOp ${type}`, of(map, `BinaryOp a 1 1 x y 0=${type} 1=1 2=1.5e+00`)]),
  ),
  'BinaryOp of a blob and a vector for each channel': of(
    map,
    'Split s 1 2 x a b; Pooling p 1 1 b p 0=1 4=1; BinaryOp m 2 1 a p y 0=2',
  ),
  'BinaryOp of a vector and a blob': of(map, 'Split s 1 2 x a b; Pooling p 1 1 b p 0=1 4=1; BinaryOp m 2 1 p a y 0=1'),
  'BinaryOp with stored numbers': of([3, 4], 'MemoryData d 0 1 d 0=4 1=3; BinaryOp m 2 1 x d y 0=0', raw(12)),
  'Eltwise with factors': of(map, 'Split s 1 2 x a b; Eltwise e 2 1 a b y 0=1 -23301=2,1.0e+00,-2.0e+00'),
  BatchNorm: of(map, 'BatchNorm b 1 1 x y 0=6 1=1.0e-03', raw(6), raw(6), above(6), raw(6)),
  'Scale and Bias': of(map, 'Scale s 1 1 x a 0=6 1=1; Bias b 1 1 a y 0=6', raw(6), raw(6), raw(6)),
  InstanceNorm: of(map, 'InstanceNorm n 1 1 x y 0=6 1=1.0e-05', raw(6), raw(6)),
  GroupNorm: of(map, 'GroupNorm n 1 1 x y 0=2 1=6 2=1.0e-05', raw(6), raw(6)),
  LayerNorm: of([5, 8], 'LayerNorm n 1 1 x y 0=8 1=1.0e-05', raw(8), raw(8)),
  LRN: of(map, 'LRN n 1 1 x y 0=0 1=3 2=5.0e-01'),
  Normalize: of(map, 'Normalize n 1 1 x y 1=1 2=1.0e-06 3=1 4=1', raw(1)),
  'Reduction of all': of(map, 'Reduction r 1 1 x y 0=3 1=1'),
  'Reduction over axes': of(map, 'Reduction r 1 1 x y 0=0 1=0 2=5.0e-01 -23303=2,1,2 4=1 5=1'),
  'Permute and Reshape': of(map, 'Permute p 1 1 x a 0=3; Reshape r 1 1 a y 0=6 1=-1'),
  ...Object.fromEntries([1, 2, 4, 5].map(type => [`Permute ${type}`, of(map, `Permute p 1 1 x y 0=${type}`)])),
  'Reshape that keeps a dimension': of(map, 'Reshape r 1 1 x y 0=0 1=3 2=-1'),
  Flatten: of(map, 'Flatten f 1 1 x y'),
  'Slice and Concat': of(map, 'Slice s 1 3 x a b c -23300=3,2,1,-233 1=0; Concat k 3 1 c a b y 0=0'),
  'Slice into equal parts along rows': of(
    map,
    'Slice s 1 3 x a b c -23300=3,-233,-233,-233 1=1; Concat k 3 1 c a b y 0=2',
  ),
  'Crop by offsets': of(map, 'Crop c 1 1 x y 0=1 1=2 2=1 3=4 4=-233 5=-233 6=0 7=1 8=1'),
  'Crop by starts and ends': of(map, 'Crop c 1 1 x y -23309=2,1,2 -23310=2,-1,2147483647 -23311=2,0,2'),
  Padding: of(map, 'Padding p 1 1 x y 0=1 1=2 2=3 3=0 4=0 5=5.0e-01'),
  'Padding that reflects': of(map, 'Padding p 1 1 x y 0=1 1=2 2=3 3=0 4=2'),
  'Interp nearest': of(map, 'Interp i 1 1 x y 0=1 1=2.0e+00 2=2.0e+00'),
  'Interp bilinear': of(map, 'Interp i 1 1 x y 0=2 3=5 4=13'),
  'Interp bilinear between corners': of(map, 'Interp i 1 1 x y 0=2 3=15 4=13 6=1'),
  'Interp bicubic': of(map, 'Interp i 1 1 x y 0=3 1=2.0e+00 2=2.0e+00'),
  ShuffleChannel: of(map, 'ShuffleChannel s 1 1 x y 0=2'),
  'ShuffleChannel back': of(map, 'ShuffleChannel s 1 1 x y 0=2 1=1'),
  PixelShuffle: of([8, 3, 4], 'PixelShuffle s 1 1 x y 0=2'),
  'PixelShuffle of the other order': of([8, 3, 4], 'PixelShuffle s 1 1 x y 0=2 1=1'),
  Reorg: of([3, 4, 6], 'Reorg s 1 1 x y 0=2'),
  'Reorg of the other order': of([3, 4, 6], 'Reorg s 1 1 x y 0=2 1=1'),
  'Squeeze and ExpandDims': of([6, 1, 8], 'Squeeze s 1 1 x a -23303=1,1; ExpandDims e 1 1 a y -23303=1,0'),
  Tile: of(map, 'Tile t 1 1 x y 0=1 1=2'),
  GLU: of(map, 'GLU g 1 1 x y 0=0'),
  'Softmax over channels and over columns': of(map, 'Softmax a 1 1 x a 0=0 1=1; Softmax b 1 1 a y 0=2 1=1'),
  'an output that Split gives': of(map, 'ReLU r 1 1 x a; Split s 1 2 a y z; AbsVal b 1 1 z w'),
}

const scale =
  (count: number): Part =>
  bin =>
    bin.raw(random(count).map(v => 100 + 20 * Math.abs(v)))
const int8Cases: Record<string, Case> = {
  'int8 weights': of(
    map,
    'Convolution c 1 1 x y 0=4 1=3 4=1 5=1 6=216 8=2 9=1',
    ...[codes(216), raw(4), scale(4), given(40)],
  ),
  'weights quantised on loading': of(
    map,
    'Convolution c 1 1 x y 0=4 1=3 5=1 6=216 8=2',
    ...[f32(216), raw(4), given(31, 29, 40, 35), given(40)],
  ),
  'a scale for each group': of(
    map,
    'ConvolutionDepthWise c 1 1 x y 0=6 1=3 5=1 6=54 7=6 8=1',
    ...[codes(54), raw(6), scale(6), given(40)],
  ),
  'one scale for all groups': of(
    map,
    'ConvolutionDepthWise c 1 1 x y 0=6 1=3 5=1 6=54 7=6 8=2',
    ...[codes(54), raw(6), scale(1), given(40)],
  ),
  'an inner product': of(
    [40],
    'InnerProduct c 1 1 x y 0=5 1=1 2=200 8=2',
    ...[codes(200), raw(5), scale(5), given(40)],
  ),
  'int8 from layer to layer': of(
    map,
    'Convolution c 1 1 x a 0=4 1=3 4=1 5=1 6=216 8=102 9=1; Split s 1 2 a b d; ' +
      'Convolution e 1 1 b y 0=2 1=1 6=8 8=2; Convolution f 1 1 d z 0=2 1=1 6=8 8=2',
    ...[codes(216), raw(4), scale(4), given(40), given(1.5)],
    ...[codes(8), scale(2), given(1.5), codes(8), scale(2), given(1.5)],
  ),
}

withNcnn.each([
  ['a layer gives what ncnn gives', cases],
  ['an int8 layer gives what ncnn gives', int8Cases],
])('%s', (_, table) => {
  const samples = Object.values(table).map(({ layers, parts, shape }) => ({
    files: network(layers, parts, sized(...shape)),
    feeds: { x: input(...shape) },
  }))
  const references = ncnn?.run(samples)
  test.each(Object.keys(table).map((name, i) => [name, i] as const))('%s', async (_, i) => {
    const { files, feeds } = samples[i]
    expect(agreement((await references!)[i], await ours(files, feeds))).toBeGreaterThan(90)
  })
})

test.skipIf(ncnn === null)('the binary .param gives what ncnn gives', async () => {
  const words = [7767517, 3, 3, 16, 0, 1, 0, 0, 8, 1, 9, 2, 6, -233, 26, 1, 1, 0, 1, 0, 0x3e4ccccd, -233]
  words.push(54, 1, 1, 1, 2, 0, -1090519040, 1, 0x40c00000, -233)
  const files = { 'model.param.bin': new Uint8Array(Int32Array.from(words).buffer), 'model.bin': new Uint8Array() }
  const feeds = { blob0: input(6, 9, 8) }
  const [reference] = await ncnn!.run([{ files, feeds }])
  expect(agreement(reference, await ours(files, feeds))).toBeGreaterThan(90)
})

const shared = new URL('../../../shared/data/formats/', import.meta.url)
const stored = ['ultraface_rfb320.ncnn.param', 'ultraface_rfb320.ncnn.bin'].map(name => new URL(name, shared))
const present = stored.every(url => existsSync(url))
if (!present) console.log('The models of ../shared/data/formats are not here; the detector is skipped.')

test.skipIf(!present || ncnn === null)('the face detector gives what ncnn gives', async () => {
  const [param, bin] = stored.map(url => new Uint8Array(readFileSync(url)))
  const feeds = { input: input(3, 240, 320) }
  const [reference] = await ncnn!.run([{ files: { 'model.param': param, 'model.bin': bin }, feeds }])
  expect(agreement(reference, await ours({ 'a.ncnn.param': param, 'a.ncnn.bin': bin }, feeds))).toBeGreaterThan(90)
})
