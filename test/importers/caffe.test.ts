// Caffe networks as they are imported, against OpenCV's dnn, which reads Caffe.
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/base/bytes.ts'
import { createRng } from '../../src/base/rng.ts'
import { writeCaffemodel } from '../../src/formats/caffemodel.ts'
import { parsePrototxt } from '../../src/formats/prototxt.ts'
import { floats, type NdArray } from '../../src/ir/tensor.ts'
import { agreement, type Files, ours } from './compared.ts'
import { native } from './native.ts'

const opencv = native('caffe', 'run-caffe.py')
const withOpencv = opencv === null ? describe.skip : describe

const rng = createRng(11)
const random = (count: number): Float32Array => Float32Array.from({ length: count }, () => rng.normal())
const input = (shape: readonly number[]): NdArray => floats(shape, random(shape.reduce((n, d) => n * d, 1)))

interface Blob {
  shape: number[]
  data: Float32Array
}
const blob = (...shape: number[]): Blob => ({ shape, data: random(shape.reduce((n, d) => n * d, 1)) })
const above = (...shape: number[]): Blob => {
  const { data } = blob(...shape)
  return { shape, data: data.map(v => Math.abs(v) + 0.5) }
}

interface Case {
  shape: number[]
  layers: string
  blobs: Record<string, Blob[]>
}
const of = (shape: number[], layers: string, blobs: Record<string, Blob[]> = {}): Case => ({ shape, layers, blobs })

/** `name: Type(bottoms -> tops) fields` a line, as prototxt and caffemodel. */
function network({ shape, layers, blobs }: Case): Files {
  const lines = layers.split('\n').map(line => {
    const [, name, type, bottoms, tops, rest] = /^\s*(\w+): (\w+)\(([^-]*)->([^)]*)\)\s*(.*)$/.exec(line)!
    const list = (field: string, names: string): string =>
      names
        .trim()
        .split(/,\s*/)
        .map(blobName => `${field}: "${blobName}"`)
        .join(' ')
    return `layer { name: "${name}" type: "${type}" ${list('bottom', bottoms)} ${list('top', tops)} ${rest} }`
  })
  const dims = shape.map(d => `dim: ${d}`).join(' ')
  const text = `layer { name: "x" type: "Input" top: "x" input_param { shape { ${dims} } } }\n${lines.join('\n')}\n`
  const model = writeCaffemodel(parsePrototxt(text, 'model.prototxt'), new Map(Object.entries(blobs)))
  return { 'model.prototxt': utf8(text), 'model.caffemodel': model }
}

const map = [1, 6, 9, 8]
const cases: Record<string, Case> = {
  'Convolution with other sizes in height': of(
    map,
    'y: Convolution(x -> y) convolution_param { num_output: 4 kernel_h: 3 kernel_w: 1 stride_h: 2 stride_w: 1 pad_h: 1 pad_w: 0 }',
    { y: [blob(4, 6, 3, 1), blob(4)] },
  ),
  'Convolution, dilated, without bias': of(
    map,
    'y: Convolution(x -> y) convolution_param { num_output: 4 kernel_size: 3 dilation: 2 pad: 2 bias_term: false }',
    { y: [blob(4, 6, 3, 3)] },
  ),
  'Convolution in groups, a bias of four dimensions': of(
    map,
    'y: Convolution(x -> y) convolution_param { num_output: 4 kernel_size: 3 group: 2 }',
    { y: [blob(4, 3, 3, 3), blob(1, 1, 1, 4)] },
  ),
  Deconvolution: of(
    map,
    'y: Deconvolution(x -> y) convolution_param { num_output: 4 kernel_size: 4 stride: 2 pad: 1 }',
    { y: [blob(6, 4, 4, 4), blob(4)] },
  ),
  'layers in place': of(
    map,
    `a: Convolution(x -> a) convolution_param { num_output: 4 kernel_size: 1 }
    b: ReLU(a -> a) relu_param { negative_slope: 0.1 }
    c: ELU(a -> a)
    y: TanH(a -> a)`,
    { a: [blob(4, 6, 1, 1), blob(4)] },
  ),
  'BatchNorm and Scale': of(
    map,
    `n: BatchNorm(x -> n)
    s: Scale(n -> n) scale_param { bias_term: true }
    r: ReLU(n -> n)`,
    { n: [blob(6), above(6), { shape: [1], data: Float32Array.of(2.5) }], s: [blob(6), blob(6)] },
  ),
  'BatchNorm alone': of(map, 'y: BatchNorm(x -> y) batch_norm_param { eps: 0.001 }', {
    y: [blob(6), above(6), { shape: [1], data: Float32Array.of(1) }],
  }),
  'Scale without bias': of(map, 'y: Scale(x -> y)', { y: [blob(6)] }),
  InnerProduct: of(map, 'y: InnerProduct(x -> y) inner_product_param { num_output: 5 }', {
    y: [blob(5, 432), blob(5)],
  }),
  ...Object.fromEntries(
    ['MAX', 'AVE'].flatMap(pool =>
      [
        'kernel_size: 3 stride: 2',
        'kernel_size: 3 stride: 2 pad: 1',
        'kernel_size: 2 stride: 2 pad: 1',
        'kernel_h: 3 kernel_w: 2 stride: 3',
        'kernel_size: 3 stride: 1 pad: 1',
        'global_pooling: true',
      ].map(fields => [
        `${pool} pooling, ${fields}`,
        of(map, `y: Pooling(x -> y) pooling_param { pool: ${pool} ${fields} }`),
      ]),
    ),
  ),
  PReLU: of(map, 'y: PReLU(x -> y)', { y: [blob(6)] }),
  'Sigmoid, AbsVal and Power': of(
    map,
    `a: Sigmoid(x -> a)
    b: AbsVal(a -> b)
    y: Power(b -> y) power_param { power: 2 scale: 0.5 shift: 1 }`,
  ),
  'Exp and Power of one': of(map, `a: Exp(x -> a)\ny: Power(a -> y) power_param { scale: 0.5 shift: 1 }`),
  Softmax: of(map, 'y: Softmax(x -> y)'),
  'Softmax over columns': of(map, 'y: Softmax(x -> y) softmax_param { axis: -1 }'),
  'LRN across channels': of(map, 'y: LRN(x -> y) lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 }'),
  'Concat and Slice': of(
    map,
    `s: Slice(x -> a, b, c) slice_param { axis: 1 slice_point: 1 slice_point: 4 }
    y: Concat(c, a, b -> y)`,
  ),
  'Eltwise sum with factors': of(
    map,
    `a: ReLU(x -> a)
    y: Eltwise(x, a -> y) eltwise_param { operation: SUM coeff: 1 coeff: -0.5 }`,
  ),
  'Eltwise product and maximum': of(
    map,
    `a: ReLU(x -> a)
    b: Eltwise(x, a -> b) eltwise_param { operation: PROD }
    y: Eltwise(b, x -> y) eltwise_param { operation: MAX }`,
  ),
  'Flatten and Reshape': of(
    map,
    `a: Flatten(x -> a)
    y: Reshape(a -> y) reshape_param { shape { dim: 0 dim: 12 dim: -1 } }`,
  ),
  'Reshape of some axes': of(map, 'y: Reshape(x -> y) reshape_param { shape { dim: -1 } axis: 2 }'),
  Permute: of(map, 'y: Permute(x -> y) permute_param { order: 0 order: 2 order: 3 order: 1 }'),
  'Normalize across channels': of(
    map,
    'y: Normalize(x -> y) norm_param { across_spatial: false channel_shared: false }',
    {
      y: [blob(6)],
    },
  ),
}

withOpencv('a layer gives what OpenCV gives', () => {
  const samples = Object.values(cases).map(given => ({ files: network(given), feeds: { x: input(given.shape) } }))
  const references = opencv?.run(samples)
  test.each(Object.keys(cases).map((name, i) => [name, i] as const))('%s', async (_, i) => {
    const { files, feeds } = samples[i]
    const [reference, got] = [(await references!)[i], await ours(files, feeds)]
    if (reference === null) throw new Error('OpenCV does not run the network')
    // OpenCV calls an output after its layer.
    const [[name], [value]] = [Object.keys(got), Object.values(reference)]
    expect(agreement({ [name]: value }, got)).toBeGreaterThan(90)
  })
})

const shared = new URL('../../../shared/data/formats/', import.meta.url)
const stored = ['ultraface_rfb320.prototxt', 'ultraface_rfb320.caffemodel'].map(name => new URL(name, shared))
const present = stored.every(url => existsSync(url))
if (!present) console.log('The models of ../shared/data/formats are not here; the detector is skipped.')

test.skipIf(!present || opencv === null)('the face detector gives what OpenCV gives', async () => {
  const [prototxt, caffemodel] = stored.map(url => new Uint8Array(readFileSync(url)))
  const feeds = { input: input([1, 3, 240, 320]) }
  const files = { 'model.prototxt': prototxt, 'model.caffemodel': caffemodel }
  const [reference] = await opencv!.run([{ files, feeds }])
  expect(agreement(reference, await ours(files, feeds))).toBeGreaterThan(90)
})
