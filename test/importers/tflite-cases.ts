// One small TFLite model for each operator that is read, or for what is peculiar about it.
import type { DescribedModel, DescribedOptions } from './tflite-model.ts'

type Tensors = DescribedModel['tensors']

/** One operator on the inputs that have no data. */
function one(
  op: string,
  tensors: Tensors,
  output: string | readonly string[],
  options?: DescribedOptions,
): DescribedModel {
  const outputs = typeof output === 'string' ? [output] : output
  const names = Object.keys(tensors).filter(name => !outputs.includes(name))
  return {
    tensors,
    inputs: names.filter(name => tensors[name].data === undefined),
    outputs,
    operators: [{ op, inputs: names, outputs, options }],
  }
}

const image = { shape: [1, 5, 6, 4] }
const ints = (data: readonly number[], shape = [data.length]) => ({ shape, type: 'INT32', data }) as const
const random = (...shape: number[]) => ({ shape, data: 'random' }) as const

const conv = (options: DescribedOptions[1], out: number[], filter = random(3, 3, 3, 4)): DescribedModel =>
  one('CONV_2D', { x: image, w: filter, b: random(filter.shape[0]), y: { shape: out } }, 'y', [
    'Conv2D',
    { strideH: 1, strideW: 1, ...options },
  ])

const unary = (op: string, options?: DescribedOptions): DescribedModel => one(op, { x: image, y: image }, 'y', options)
const binary = (op: string, options?: DescribedOptions, other: Tensors[string] = random(4)): DescribedModel =>
  one(op, { x: image, z: other, y: image }, 'y', options)

export const cases: Readonly<Record<string, DescribedModel>> = {
  'CONV_2D same': conv({ padding: 0 }, [1, 5, 6, 3]),
  'CONV_2D same, stride 2, Relu6': conv({ padding: 0, strideH: 2, strideW: 2, activation: 3 }, [1, 3, 3, 3]),
  'CONV_2D valid, dilated': conv({ padding: 1, dilationH: 2, activation: 2 }, [1, 1, 4, 3]),
  'CONV_2D grouped': conv({ padding: 1 }, [1, 3, 4, 6], random(6, 3, 3, 2)),
  'DEPTHWISE_CONV_2D, multiplier 2': one(
    'DEPTHWISE_CONV_2D',
    { x: image, w: random(1, 3, 3, 8), b: random(8), y: { shape: [1, 3, 3, 8] } },
    'y',
    ['DepthwiseConv2D', { padding: 0, strideH: 2, strideW: 2, depthMultiplier: 2, activation: 1 }],
  ),
  'TRANSPOSE_CONV same': one(
    'TRANSPOSE_CONV',
    { shape: ints([1, 10, 12, 3]), w: random(3, 3, 3, 4), x: image, y: { shape: [1, 10, 12, 3] } },
    'y',
    ['TransposeConv', { padding: 0, strideH: 2, strideW: 2 }],
  ),
  'TRANSPOSE_CONV valid': one(
    'TRANSPOSE_CONV',
    { shape: ints([1, 11, 13, 3]), w: random(3, 3, 3, 4), x: image, y: { shape: [1, 11, 13, 3] } },
    'y',
    ['TransposeConv', { padding: 1, strideH: 2, strideW: 2 }],
  ),
  FULLY_CONNECTED: one(
    'FULLY_CONNECTED',
    { x: { shape: [2, 6] }, w: random(3, 6), b: random(3), y: { shape: [2, 3] } },
    'y',
    ['FullyConnected', { activation: 1 }],
  ),
  'FULLY_CONNECTED of an image': one(
    'FULLY_CONNECTED',
    { x: image, w: random(3, 120), b: random(3), y: { shape: [1, 3] } },
    'y',
    ['FullyConnected', {}],
  ),
  'FULLY_CONNECTED, dimensions kept': one(
    'FULLY_CONNECTED',
    { x: { shape: [2, 5, 6] }, w: random(3, 6), b: random(3), y: { shape: [2, 5, 3] } },
    'y',
    ['FullyConnected', { keepNumDims: true }],
  ),
  'a convolution, flattened, FULLY_CONNECTED': {
    tensors: {
      x: image,
      w: random(3, 1, 1, 4),
      b: random(3),
      c: { shape: [1, 5, 6, 3] },
      to: ints([1, 90]),
      f: { shape: [1, 90] },
      v: random(7, 90),
      y: { shape: [1, 7] },
    },
    inputs: ['x'],
    outputs: ['y'],
    operators: [
      { op: 'CONV_2D', inputs: ['x', 'w', 'b'], outputs: ['c'], options: ['Conv2D', { strideH: 1, strideW: 1 }] },
      { op: 'RESHAPE', inputs: ['c', 'to'], outputs: ['f'] },
      { op: 'FULLY_CONNECTED', inputs: ['f', 'v', null], outputs: ['y'], options: ['FullyConnected', {}] },
    ],
  },
  'a convolution, flattened, an output': {
    tensors: {
      x: image,
      w: random(3, 1, 1, 4),
      b: random(3),
      c: { shape: [1, 5, 6, 3] },
      to: ints([1, 90]),
      y: { shape: [1, 90] },
    },
    inputs: ['x'],
    outputs: ['y', 'c'],
    operators: [
      { op: 'CONV_2D', inputs: ['x', 'w', 'b'], outputs: ['c'], options: ['Conv2D', { strideH: 1, strideW: 1 }] },
      { op: 'RESHAPE', inputs: ['c', 'to'], outputs: ['y'] },
    ],
  },
  'weights of float16': {
    tensors: {
      x: image,
      h: {
        shape: [3, 1, 1, 4],
        type: 'FLOAT16',
        data: [15360, 16384, 48128, 0, 15360, 14336, 13312, 1, 2, 15000, 16000, 17000],
      },
      w: { shape: [3, 1, 1, 4] },
      b: random(3),
      y: { shape: [1, 5, 6, 3] },
    },
    inputs: ['x'],
    outputs: ['y'],
    operators: [
      { op: 'DEQUANTIZE', inputs: ['h'], outputs: ['w'] },
      { op: 'CONV_2D', inputs: ['x', 'w', 'b'], outputs: ['y'], options: ['Conv2D', { strideH: 1, strideW: 1 }] },
    ],
  },
  'a dilated convolution as a space of batches': {
    tensors: {
      x: { shape: [1, 6, 6, 4] },
      block: ints([2, 2]),
      pads: ints([2, 2, 2, 2], [2, 2]),
      s: { shape: [4, 5, 5, 4] },
      w: random(3, 3, 3, 4),
      b: random(3),
      c: { shape: [4, 3, 3, 3] },
      crops: ints([0, 0, 0, 0], [2, 2]),
      y: { shape: [1, 6, 6, 3] },
    },
    inputs: ['x'],
    outputs: ['y'],
    operators: [
      { op: 'SPACE_TO_BATCH_ND', inputs: ['x', 'block', 'pads'], outputs: ['s'] },
      {
        op: 'CONV_2D',
        inputs: ['s', 'w', 'b'],
        outputs: ['c'],
        options: ['Conv2D', { padding: 1, strideH: 1, strideW: 1 }],
      },
      { op: 'BATCH_TO_SPACE_ND', inputs: ['c', 'block', 'crops'], outputs: ['y'] },
    ],
  },
  SPACE_TO_BATCH_ND: one(
    'SPACE_TO_BATCH_ND',
    { x: image, block: ints([2, 3]), pads: ints([1, 0, 0, 0], [2, 2]), y: { shape: [6, 3, 2, 4] } },
    'y',
  ),
  BATCH_TO_SPACE_ND: one(
    'BATCH_TO_SPACE_ND',
    { x: { shape: [4, 3, 2, 3] }, block: ints([2, 2]), crops: ints([1, 0, 0, 1], [2, 2]), y: { shape: [1, 5, 3, 3] } },
    'y',
  ),
  'AVERAGE_POOL_2D same': one('AVERAGE_POOL_2D', { x: image, y: { shape: [1, 3, 3, 4] } }, 'y', [
    'Pool2D',
    { padding: 0, strideH: 2, strideW: 2, filterH: 3, filterW: 3 },
  ]),
  'MAX_POOL_2D valid': one('MAX_POOL_2D', { x: image, y: { shape: [1, 2, 3, 4] } }, 'y', [
    'Pool2D',
    { padding: 1, strideH: 2, strideW: 2, filterH: 2, filterW: 2, activation: 1 },
  ]),
  ...Object.fromEntries(
    [
      [false, false],
      [true, false],
      [false, true],
    ].flatMap(([alignCorners, halfPixelCenters]) =>
      (['Bilinear', 'NearestNeighbor'] as const).map(kind => {
        const name = kind === 'Bilinear' ? 'RESIZE_BILINEAR' : 'RESIZE_NEAREST_NEIGHBOR'
        const tensors = { x: image, size: ints([7, 9]), y: { shape: [1, 7, 9, 4] } }
        return [
          `${name} ${alignCorners ? 'corners' : halfPixelCenters ? 'half' : 'plain'}`,
          one(name, tensors, 'y', [`Resize${kind}`, { alignCorners, halfPixelCenters }]),
        ]
      }),
    ),
  ),
  DEPTH_TO_SPACE: one('DEPTH_TO_SPACE', { x: image, y: { shape: [1, 10, 12, 1] } }, 'y', [
    'DepthToSpace',
    { blockSize: 2 },
  ]),
  SPACE_TO_DEPTH: one('SPACE_TO_DEPTH', { x: { shape: [1, 4, 6, 3] }, y: { shape: [1, 2, 3, 12] } }, 'y', [
    'SpaceToDepth',
    { blockSize: 2 },
  ]),
  LOCAL_RESPONSE_NORMALIZATION: unary('LOCAL_RESPONSE_NORMALIZATION', [
    'LocalResponseNormalization',
    { radius: 2, bias: 1, alpha: 0.5, beta: 0.75 },
  ]),
  ...Object.fromEntries(
    'RELU RELU6 RELU_N1_TO_1 LOGISTIC TANH ELU HARD_SWISH EXP ABS NEG SIN COS FLOOR CEIL ROUND SQUARE LOG_SOFTMAX L2_NORMALIZATION'
      .split(' ')
      .map(op => [op, unary(op, op === 'L2_NORMALIZATION' ? ['L2Norm', {}] : undefined)]),
  ),
  LEAKY_RELU: unary('LEAKY_RELU', ['LeakyRelu', { alpha: 0.25 }]),
  SOFTMAX: unary('SOFTMAX', ['Softmax', { beta: 0.5 }]),
  PRELU: binary('PRELU', undefined, random(1, 1, 4)),
  'ADD of a vector, Relu': binary('ADD', ['Add', { activation: 1 }]),
  SUB: binary('SUB', ['Sub', {}], { shape: [1, 5, 6, 4] }),
  MUL: binary('MUL', ['Mul', {}], random(1, 1, 1, 4)),
  DIV: binary('DIV', ['Div', {}]),
  'MAXIMUM of a number': binary('MAXIMUM', undefined, random(1)),
  MINIMUM: binary('MINIMUM'),
  SQUARED_DIFFERENCE: binary('SQUARED_DIFFERENCE'),
  FLOOR_DIV: binary('FLOOR_DIV'),
  FLOOR_MOD: binary('FLOOR_MOD'),
  'PAD and what comes of it': {
    tensors: {
      x: image,
      w: random(3, 1, 1, 4),
      b: random(3),
      c: { shape: [1, 5, 6, 3] },
      pads: ints([0, 0, 1, 0, 0, 2, 0, 1], [4, 2]),
      p: { shape: [1, 6, 8, 4] },
      one: ints([0, 1, 2, 1]),
      two: ints([1, 4, -1, 2]),
      s: { shape: [1, 4, 6, 2] },
      axes: ints([1, 2]),
      y: { shape: [1, 2] },
    },
    inputs: ['x'],
    outputs: ['y', 's'],
    operators: [
      { op: 'CONV_2D', inputs: ['x', 'w', 'b'], outputs: ['c'], options: ['Conv2D', { strideH: 1, strideW: 1 }] },
      { op: 'PAD', inputs: ['c', 'pads'], outputs: ['p'] },
      { op: 'SLICE', inputs: ['p', 'one', 'two'], outputs: ['s'] },
      { op: 'MEAN', inputs: ['s', 'axes'], outputs: ['y'], options: ['Reducer', {}] },
    ],
  },
  PADV2: one(
    'PADV2',
    {
      x: image,
      pads: ints([0, 0, 1, 2, 0, 0, 0, 0], [4, 2]),
      value: { shape: [1], data: [3] },
      y: { shape: [1, 8, 6, 4] },
    },
    'y',
  ),
  MIRROR_PAD: one(
    'MIRROR_PAD',
    { x: image, pads: ints([0, 0, 1, 2, 2, 0, 0, 0], [4, 2]), y: { shape: [1, 8, 8, 4] } },
    'y',
    ['MirrorPad', { mode: 0 }],
  ),
  TRANSPOSE: one('TRANSPOSE', { x: image, perm: ints([0, 3, 1, 2]), y: { shape: [1, 4, 5, 6] } }, 'y'),
  'TRANSPOSE of channels first to a convolution': {
    tensors: {
      x: { shape: [1, 4, 5, 6] },
      perm: ints([0, 2, 3, 1]),
      t: image,
      w: random(3, 3, 3, 4),
      b: random(3),
      c: { shape: [1, 5, 6, 3] },
      back: ints([0, 3, 1, 2]),
      y: { shape: [1, 3, 5, 6] },
    },
    inputs: ['x'],
    outputs: ['y'],
    operators: [
      { op: 'TRANSPOSE', inputs: ['x', 'perm'], outputs: ['t'] },
      { op: 'CONV_2D', inputs: ['t', 'w', 'b'], outputs: ['c'], options: ['Conv2D', { strideH: 1, strideW: 1 }] },
      { op: 'TRANSPOSE', inputs: ['c', 'back'], outputs: ['y'] },
    ],
  },
  CONCATENATION: one('CONCATENATION', { x: image, z: random(1, 5, 6, 2), y: { shape: [1, 5, 6, 6] } }, 'y', [
    'Concatenation',
    { axis: -1 },
  ]),
  PACK: one('PACK', { x: { shape: [2, 3] }, z: random(2, 3), y: { shape: [2, 2, 3] } }, 'y', [
    'Pack',
    { valuesCount: 2, axis: 1 },
  ]),
  UNPACK: one(
    'UNPACK',
    { x: { shape: [2, 3] }, a: { shape: [3] }, b: { shape: [3] } },
    ['a', 'b'],
    ['Unpack', { num: 2, axis: 0 }],
  ),
  SPLIT: one(
    'SPLIT',
    { axis: ints([3], []), x: image, a: { shape: [1, 5, 6, 2] }, b: { shape: [1, 5, 6, 2] } },
    ['a', 'b'],
    ['Split', { numSplits: 2 }],
  ),
  SPLIT_V: one(
    'SPLIT_V',
    { x: image, sizes: ints([1, 3]), axis: ints([3], []), a: { shape: [1, 5, 6, 1] }, b: { shape: [1, 5, 6, 3] } },
    ['a', 'b'],
    ['SplitV', { numSplits: 2 }],
  ),
  STRIDED_SLICE: one(
    'STRIDED_SLICE',
    {
      x: image,
      from: ints([0, 4, 1, 0]),
      to: ints([1, 0, 6, 2]),
      step: ints([1, -2, 2, 1]),
      y: { shape: [1, 3, 3, 2] },
    },
    'y',
    ['StridedSlice', { endMask: 2 }],
  ),
  'STRIDED_SLICE that drops an axis': one(
    'STRIDED_SLICE',
    { x: image, from: ints([0, -1]), to: ints([1, 0]), step: ints([1, 1]), y: { shape: [1, 6, 4] } },
    'y',
    ['StridedSlice', { shrinkAxisMask: 2 }],
  ),
  REVERSE_V2: one('REVERSE_V2', { x: image, axis: ints([2]), y: image }, 'y'),
  GATHER: one('GATHER', { x: image, at: ints([3, 0, 0]), y: { shape: [1, 5, 6, 3] } }, 'y', ['Gather', { axis: 3 }]),
  TILE: one('TILE', { x: { shape: [2, 3] }, times: ints([1, 2]), y: { shape: [2, 6] } }, 'y'),
  BROADCAST_TO: one('BROADCAST_TO', { x: { shape: [1, 3] }, to: ints([2, 3]), y: { shape: [2, 3] } }, 'y'),
  SQUEEZE: one('SQUEEZE', { x: { shape: [1, 1, 1, 5] }, y: { shape: [1, 5] } }, 'y', [
    'Squeeze',
    { squeezeDims: [1, 2] },
  ]),
  EXPAND_DIMS: one('EXPAND_DIMS', { x: { shape: [2, 3] }, axis: ints([1]), y: { shape: [2, 1, 3] } }, 'y'),
  ...Object.fromEntries(
    ['MEAN', 'SUM', 'REDUCE_MAX', 'REDUCE_MIN', 'REDUCE_PROD'].map(op => [
      op,
      one(op, { x: image, axes: ints([1, 2]), y: { shape: [1, 1, 1, 4] } }, 'y', ['Reducer', { keepDims: true }]),
    ]),
  ),
  ARG_MAX: one('ARG_MAX', { x: { shape: [3, 7] }, axis: ints([1], []), y: { shape: [3], type: 'INT32' } }, 'y', [
    'ArgMax',
    { outputType: 2 },
  ]),
  TOPK_V2: one(
    'TOPK_V2',
    { x: { shape: [3, 7] }, k: ints([2], []), y: { shape: [3, 2] }, i: { shape: [3, 2], type: 'INT32' } },
    ['y', 'i'],
  ),
  BATCH_MATMUL: one(
    'BATCH_MATMUL',
    { x: { shape: [2, 3, 4] }, z: { shape: [2, 5, 4] }, y: { shape: [2, 3, 5] } },
    'y',
    ['BatchMatMul', { adjY: true }],
  ),
  CUMSUM: one('CUMSUM', { x: { shape: [2, 5] }, axis: ints([1], []), y: { shape: [2, 5] } }, 'y', [
    'Cumsum',
    { exclusive: true },
  ]),
  'SELECT_V2 by GREATER': {
    tensors: { x: image, z: random(4), c: { shape: [1, 5, 6, 4], type: 'BOOL' }, y: image },
    inputs: ['x'],
    outputs: ['y'],
    operators: [
      { op: 'GREATER', inputs: ['x', 'z'], outputs: ['c'] },
      { op: 'SELECT_V2', inputs: ['c', 'x', 'z'], outputs: ['y'] },
    ],
  },
  'GELU of its own kind': unary('GELU', ['Gelu', { approximate: true }]),
  'weights of int4, activations of float': one(
    'FULLY_CONNECTED',
    {
      x: { shape: [2, 6] },
      w: { shape: [3, 6], type: 'INT4', data: 'random', scale: [0.5, 0.25, 1] },
      b: random(3),
      y: { shape: [2, 3] },
    },
    'y',
    ['FullyConnected', {}],
  ),
}
