// Operators that compute: convolutions, matrix products, pools, norms, reductions, resizing.
import { attrInts } from '../../ir/model.ts'
import { windowOf } from '../window.ts'
import type { Lowering, NodeWriter } from './node.ts'
import { flag, int, ints, type Val, word } from './program.ts'

const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)

/** Beginning and end of each axis, one axis after the other. */
const interleaved = (begins: readonly number[], ends: readonly number[]): number[] =>
  begins.flatMap((b, i) => [b, ends[i]])

/** A value of channels along the second of so many axes. */
function perChannel(n: NodeWriter, input: number, rank: number): Val {
  const shape = range(0, rank).map(i => (i === 1 ? n.shape(input)[0] : 1))
  return n.step('reshape', { x: n.val(input), shape: ints(shape) }, shape)
}

/** Biases are a parameter where they are constant, else added. */
function giveWithBias(n: NodeWriter, type: string, inputs: Parameters<NodeWriter['give']>[1]): void {
  if (!n.has(2) || n.isConstant(2)) n.give(type, { ...inputs, bias: n.has(2) ? n.val(2) : null })
  else n.give('add', { x: n.step(type, inputs, n.outShape()), y: perChannel(n, 2, n.rank(0)) })
}

const conv: Lowering = n => {
  const window = windowOf(n.node, n.shape(1).slice(2), n.shape(0).slice(2), n.outShape().slice(2))
  const dilated = window.dilations.some(d => d > 1)
  if (dilated && !n.isConstant(1)) n.refuse('its weights are computed, and it has dilations')
  giveWithBias(n, 'conv', {
    x: n.val(0),
    weight: n.val(1),
    strides: ints(window.strides),
    pad_type: word('custom'),
    pad: ints(interleaved(window.begins, window.ends)),
    dilations: ints(window.dilations),
    groups: int(n.int('group', 1)),
  })
}

const convTranspose: Lowering = n => {
  const weight = n.constant(1, 'weights')
  const kernel = n.shape(1).slice(2)
  const ones = kernel.map(() => 1)
  const strides = n.ints('strides') ?? ones
  const dilations = n.ints('dilations') ?? ones
  const [input, output] = [n.shape(0).slice(2), n.outShape().slice(2)]
  const auto = n.string('auto_pad', 'NOTSET')
  const whole = kernel.map((k, i) => (input[i] - 1) * strides[i] + (k - 1) * dilations[i] + 1)
  const excess = whole.map((size, i) => size - output[i])
  const given = n.ints('output_shape') === null && auto === 'NOTSET' ? (n.ints('pads') ?? []) : null
  const begins = given
    ? kernel.map((_, i) => given[i] ?? 0)
    : excess.map(e => (auto === 'SAME_LOWER' ? Math.ceil(e / 2) : Math.floor(e / 2)))
  // What is put behind the output is so much less to cut.
  const ends = excess.map((e, i) => e - begins[i])
  if ([...begins, ...ends].some(p => p < 0)) n.refuse('its output reaches further than its windows')
  giveWithBias(n, 'conv_transpose', {
    x: n.val(0),
    weight,
    strides: ints(strides),
    pad_type: word('custom'),
    pad: ints(interleaved(begins, ends)),
    dilations: ints(dilations),
    groups: int(n.int('group', 1)),
  })
}

const gemm: Lowering = n => {
  const [alpha, beta] = [n.float('alpha', 1), n.float('beta', 1)]
  const [transA, transB] = [n.int('transA', 0) === 1, n.int('transB', 0) === 1]
  const biased = n.has(2) && beta !== 0
  const bias = biased ? n.shape(2) : []
  const plain =
    alpha === 1 && (!biased || (beta === 1 && bias.length === 1 && n.isConstant(2) && bias[0] === n.outShape()[1]))
  const weight = n.isConstant(1) ? (transB ? n.val(1) : n.turned(1)) : null
  if (weight && plain && !transA) return n.give('linear', { x: n.val(0), weight, bias: biased ? n.val(2) : null })
  const product = weight
    ? { x: n.val(0), y: weight, transpose_x: flag(transA), transpose_y: flag(true) }
    : { x: n.val(0), y: n.val(1), transpose_x: flag(transA), transpose_y: flag(transB) }
  if (alpha === 1 && !biased) return n.give('matmul', product)
  let x = n.step('matmul', product, n.outShape())
  if (alpha !== 1 && !biased) return n.give('mul', { x, y: n.real(alpha) })
  if (alpha !== 1) x = n.step('mul', { x, y: n.real(alpha) }, n.outShape())
  n.give('add', { x, y: beta === 1 ? n.val(2) : n.step('mul', { x: n.val(2), y: n.real(beta) }, n.shape(2)) })
}

const matmul: Lowering = n => {
  if (n.rank(0) < 2 || n.rank(1) < 2) n.refuse('one of its inputs is a vector', 'Give it a dimension of 1.')
  // A row for each output, as the kernels for packed weights want them.
  const weight = n.rank(1) === 2 && n.rank(0) <= 3 && n.isConstant(1) ? n.turned(1) : null
  if (weight) return n.give('linear', { x: n.val(0), weight })
  n.give('matmul', { x: n.val(0), y: n.val(1), transpose_x: flag(false), transpose_y: flag(false) })
}

function pooled(n: NodeWriter) {
  const kernel = n.ints('kernel_shape') ?? n.refuse('it has no kernel_shape')
  const window = windowOf(n.node, kernel, n.shape(0).slice(2), n.outShape().slice(2))
  if (window.dilations.some(d => d !== 1)) n.refuse('it has dilations')
  return {
    over: window.over.some(o => o > 0),
    inputs: {
      x: n.val(0),
      kernel_sizes: ints(kernel),
      strides: ints(window.strides),
      pad_type: word('custom'),
      // Sizes that are rounded up are padding at the end.
      pad: ints(
        interleaved(
          window.begins,
          window.ends.map((end, i) => end + window.over[i]),
        ),
      ),
      ceil_mode: flag(false),
    },
  }
}

const maxPool: Lowering = n => {
  if (n.used(1)) n.refuse('its indices are used')
  n.give('max_pool', pooled(n).inputs)
}

const averagePool: Lowering = n => {
  const { inputs, over } = pooled(n)
  const includes = n.int('count_include_pad', 0) === 1
  if (over && includes) n.refuse('it counts padding, and rounds its size up')
  n.give('avg_pool', { ...inputs, exclude_padding_from_average: flag(!includes) })
}

const globalPool =
  (type: string): Lowering =>
  n =>
    n.give(type, { x: n.val(0), axes: ints(range(2, n.rank(0))), keep_dims: flag(true) })

const reduce =
  (type: string): Lowering =>
  n => {
    const given = attrInts(n.node, 'axes') ?? (n.has(1) ? n.must(1, 'axes') : [])
    if (given.length === 0 && n.int('noop_with_empty_axes', 0) === 1) return n.set(n.val(0))
    const axes = given.length > 0 ? given.map(a => n.axis(a)) : range(0, n.rank(0))
    n.give(type, { x: n.val(0), axes: ints(axes), keep_dims: flag(n.int('keepdims', 1) === 1) })
  }

const argReduce =
  (type: string): Lowering =>
  n => {
    if (n.int('select_last_index', 0) === 1) n.refuse('it selects the last of equals')
    const keep = flag(n.int('keepdims', 1) === 1)
    n.give(type, { x: n.val(0), axis: int(n.axis(n.int('axis', 0))), keep_dims: keep })
  }

function softmaxAxis(n: NodeWriter): number {
  const axis = n.axis(n.int('axis', n.writing.opset < 13 ? 1 : -1))
  // Until opset 13 all axes from this one on were one.
  const behind = n.writing.opset < 13 ? n.shape(0).slice(axis + 1) : []
  if (behind.some(size => size !== 1)) n.refuse('it goes over several axes')
  return axis
}

const logSoftmax: Lowering = n => {
  const axis = softmaxAxis(n)
  const shape = n.shape(0).map((size, i) => (i === axis ? 1 : size))
  const sum = n.step('reduce_log_sum_exp', { x: n.val(0), axes: ints([axis]), keep_dims: flag(true) }, shape)
  n.give('sub', { x: n.val(0), y: sum })
}

const batchNorm: Lowering = n => {
  if (n.int('training_mode', 0) === 1) n.refuse('it is in training mode')
  const [gamma, beta, mean, variance] = ['scale', 'bias', 'mean', 'variance'].map((what, i) => n.constant(i + 1, what))
  if (n.rank(0) < 3) n.refuse('its input has no spatial dimension', 'Optimise the model first.')
  n.give('batch_norm', { x: n.val(0), mean, variance, gamma, beta, epsilon: n.real(n.float('epsilon', 1e-5)) })
}

const layerNorm: Lowering = n => {
  if (n.used(1) || n.used(2)) n.refuse('its mean or deviation is used')
  const axes = range(n.axis(n.int('axis', -1)), n.rank(0))
  const shape = n.shape(0).slice(axes[0]).join()
  const fits = [1, 2].every(i => !n.has(i) || (n.isConstant(i) && n.shape(i).join() === shape))
  if (!fits) n.refuse('its scale or bias is computed, or has not the shape of what is normalised')
  n.give('layer_norm', {
    x: n.val(0),
    axes: ints(axes),
    gamma: n.val(1),
    beta: n.has(2) ? n.val(2) : null,
    epsilon: n.real(n.float('epsilon', 1e-5)),
  })
}

const instanceNorm: Lowering = n => {
  const gamma = n.constant(1, 'scale')
  const beta = n.constant(2, 'bias')
  n.give('instance_norm', { x: n.val(0), gamma, beta, epsilon: n.real(n.float('epsilon', 1e-5)) })
}

const topK: Lowering = n => {
  const axis = n.axis(n.int('axis', -1))
  const k = n.outShape()[axis]
  n.give('topk', { x: n.val(0), k: int(k), axis: int(axis), ascending: flag(n.int('largest', 1) === 0) })
}

export const network: Readonly<Record<string, Lowering>> = {
  ArgMax: argReduce('reduce_argmax'),
  ArgMin: argReduce('reduce_argmin'),
  AveragePool: averagePool,
  BatchNormalization: batchNorm,
  Conv: conv,
  ConvTranspose: convTranspose,
  CumSum: n =>
    n.give('cumsum', {
      x: n.val(0),
      axis: int(n.axis(n.must(1, 'axis')[0])),
      exclusive: flag(n.int('exclusive', 0) === 1),
      reverse: flag(n.int('reverse', 0) === 1),
    }),
  Gemm: gemm,
  GlobalAveragePool: globalPool('reduce_mean'),
  GlobalMaxPool: globalPool('reduce_max'),
  InstanceNormalization: instanceNorm,
  LRN: n =>
    n.give('local_response_norm', {
      x: n.val(0),
      size: int(n.int('size', 1)),
      alpha: n.real(n.float('alpha', 0.0001)),
      beta: n.real(n.float('beta', 0.75)),
      k: n.real(n.float('bias', 1)),
    }),
  LayerNormalization: layerNorm,
  LogSoftmax: logSoftmax,
  MatMul: matmul,
  MaxPool: maxPool,
  ReduceL1: reduce('reduce_l1_norm'),
  ReduceL2: reduce('reduce_l2_norm'),
  ReduceLogSumExp: reduce('reduce_log_sum_exp'),
  ReduceMax: reduce('reduce_max'),
  ReduceMean: reduce('reduce_mean'),
  ReduceMin: reduce('reduce_min'),
  ReduceProd: reduce('reduce_prod'),
  ReduceSum: reduce('reduce_sum'),
  ReduceSumSquare: reduce('reduce_sum_square'),
  Softmax: n => n.give('softmax', { x: n.val(0), axis: int(softmaxAxis(n)) }),
  TopK: topK,
}
