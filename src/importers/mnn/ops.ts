// MNN's operators by name, each as one or some standard operators; those that are not here are refused by name.
import { bytesOf, onnxCode } from '../../base/dtype.ts'
import { type Blob, dataTypes, layouts, type Op, opTypeName } from '../../formats/mnn-schema.ts'
import { type Attr, float, int, ints, string, type ValueName } from '../../ir/model.ts'
import { binary, eltwise, reduction, unary } from './arithmetic.ts'
import { floatTensor } from './graph.ts'
import { floatToInt8, int8ToFloat, integerAdd, integerConvolution, integerPooling } from './int8.ts'
import { convolution, innerProduct, interp, pooling, pooling3D } from './layers.ts'
import { raster } from './raster.ts'
import { gather, pad, reshape, sliceTf, stridedSlice } from './shapes.ts'
import { type Ended, type Place, type Step, stepOf, type Translation } from './translation.ts'

type Rule = (step: Step) => Ended

/** The operator with the same inputs and attributes that need no thought. */
const same =
  (op: string, attrs: Readonly<Record<string, Attr>> = {}): Rule =>
  step =>
    step.end(op, step.inputs, attrs)

const withAxis =
  (op: string): Rule =>
  step =>
    step.end(op, step.inputs, { axis: int(step.param('Axis')?.axis ?? 0) })

const permuted: Rule = step => {
  const dims = step.param('Permute')?.dims ?? step.numbers(step.inputs[1])
  if (!dims) throw step.refuse('is told its permutation by another tensor')
  return step.end('Transpose', step.inputs.slice(0, 1), { perm: ints([...dims]) })
}

const squeezed =
  (op: string): Rule =>
  step => {
    const dims = step.param('SqueezeParam')?.squeezeDims
    const given = step.inputs[1]
    const axes = dims && dims.length > 0 ? step.ints([...dims]) : given !== undefined ? step.int64(given) : null
    return step.end(op, axes ? [step.inputs[0], axes] : step.inputs.slice(0, 1))
  }

const expandDims: Rule = step => {
  const [x, axis] = step.inputs
  const axes = axis === undefined ? step.ints([step.need('ExpandDims').axis]) : step.int64(axis)
  return step.end('Unsqueeze', [x, step.add('Reshape', [axes, step.ints([-1])])])
}

const argument =
  (op: string): Rule =>
  step => {
    const { axis, topK } = step.need('ArgMax')
    if (topK > 1) throw step.refuse(`gives the ${topK} largest`)
    const found = step.add(op, step.inputs.slice(0, 1), { axis: int(axis), keepdims: int(0) })
    return step.end('Cast', [found], { to: int(onnxCode('int32')) })
  }

/** Parts along an axis: up to given places (Caffe), of given sizes, or equal ones. */
const split: Rule = step => {
  const { axis, slicePoints, sourceType } = step.need('Slice')
  const [x, sizes] = step.inputs
  if (sourceType !== 0) {
    const given = sizes !== undefined ? step.numbers(sizes) : [...(slicePoints ?? [])]
    const counted = given && given.length > 1 && given.every(n => n >= 0)
    return step.end('Split', [x, ...(counted ? [step.ints(given)] : [])], { axis: int(axis) })
  }
  const points = [0, ...(slicePoints ?? []), 2147483647]
  for (const [i, output] of step.outputs.entries()) {
    const [from, to] = [points[i], i + 1 < step.outputs.length ? points[i + 1] : 2147483647]
    if (to === undefined) throw step.refuse('has more outputs than parts', 'Copy or convert the model again.')
    step.to([output]).end('Slice', [x, step.ints([from]), step.ints([to]), step.ints([axis])])
  }
  return 'ended'
}

/** One tensor an output; the axis goes. */
const unpacked: Rule = step => {
  const { axis } = step.need('Axis')
  for (const [i, output] of step.outputs.entries())
    step.to([output]).end('Gather', [step.inputs[0], step.constant(int32Scalar(i), 'index')], { axis: int(axis) })
  return 'ended'
}

const int32Scalar = (value: number) => ({ dtype: 'int32' as const, shape: [], data: bytesOf(Int32Array.of(value)) })

const packed: Rule = step => {
  const { axis } = step.need('PackParam')
  const parts = step.inputs.map(name => step.add('Unsqueeze', [name, step.ints([axis])]))
  return step.end('Concat', parts, { axis: int(axis) })
}

const matMul: Rule = step => {
  const param = step.param('MatMul')
  const batch = step.param('BatchMatMulParam')
  const turned = (name: ValueName, wanted: number | undefined): ValueName => {
    if (!wanted) return name
    const rank = step.rank(name)
    if (rank === null) return step.add('Einsum', [name], { equation: string('...ij->...ji') })
    const axes = Array.from({ length: rank }, (_, i) => i)
    return step.add('Transpose', [name], { perm: ints([...axes.slice(0, -2), rank - 1, rank - 2]) })
  }
  const [a, b, bias] = step.inputs
  const left = turned(a, param?.transposeA ?? batch?.adjX)
  const right = turned(b, param?.transposeB ?? batch?.adjY)
  if (bias === undefined) return step.end('MatMul', [left, right])
  return step.end('Add', [step.add('MatMul', [left, right]), bias])
}

const convertTensor: Rule = step => {
  const { source, dest } = step.need('TensorConvertInfo')
  const from = source === layouts.nhwc
  const to = dest === layouts.nhwc
  if (from === to) return step.end('Identity', step.inputs)
  const inner = Array.from({ length: (step.rank(step.inputs[0]) ?? 4) - 2 }, (_, i) => i)
  const last = inner.length + 1
  return step.end('Transpose', step.inputs, {
    perm: ints(from ? [0, last, ...inner.map(i => i + 1)] : [0, ...inner.map(i => i + 2), 1]),
  })
}

const layerNorm: Rule = step => {
  const { axis, epsilon, gamma, beta, useRMSNorm, group } = step.need('LayerNorm')
  const axes = [...(axis ?? [])]
  if (useRMSNorm || group > 1) throw step.refuse('normalises by the root of squares, or in groups')
  const inner = axes.every((a, i) => a === i - axes.length)
  if (!inner || axes.length === 0) throw step.refuse(`normalises over the axes [${axes}]`)
  const size = gamma?.length ?? 0
  if (axes.length > 1 || size === 0) throw step.refuse('has no factor, or normalises over several axes')
  const parameters = [gamma!, ...(beta?.length ? [beta] : [])]
  const names = parameters.map((p, i) =>
    step.constant(step.tensor('float32', [size], bytesOf(p)), i ? 'bias' : 'scale'),
  )
  return step.end('LayerNormalization', [step.inputs[0], ...names], { axis: int(-1), epsilon: float(epsilon) })
}

const channelwise = (step: Step, values: Float32Array): ValueName =>
  step.constant(floatTensor([values.length, 1, 1], values), 'channels')

const rules: Readonly<Record<string, Rule>> = {
  Const: constant,
  TrainableParam: constant,
  Convolution: step => convolution(step, false, false),
  ConvolutionDepthwise: step => convolution(step, true, false),
  Deconvolution: step => convolution(step, false, true),
  DeconvolutionDepthwise: step => convolution(step, true, true),
  ConvInt8: step => integerConvolution(step, false),
  DepthwiseConvInt8: step => integerConvolution(step, true),
  InnerProduct: innerProduct,
  Pooling: pooling,
  PoolInt8: integerPooling,
  Pooling3D: pooling3D,
  Interp: interp,
  Eltwise: eltwise,
  EltwiseInt8: integerAdd,
  FloatToInt8: floatToInt8,
  Int8ToFloat: int8ToFloat,
  BinaryOp: binary,
  UnaryOp: unary,
  Reduction: reduction,
  ReLU: step => {
    const slope = step.param('Relu')?.slope ?? 0
    return step.end(slope === 0 ? 'Relu' : 'LeakyRelu', step.inputs, slope === 0 ? {} : { alpha: float(slope) })
  },
  ReLU6: step => {
    const { minValue, maxValue } = step.param('Relu6') ?? { minValue: 0, maxValue: 6 }
    return step.end('Clip', [step.inputs[0], step.scalar(minValue), step.scalar(maxValue)])
  },
  PReLU: step => {
    const { slope } = step.need('PRelu')
    if (!slope) throw step.refuse('has no slopes')
    return step.end('PRelu', [step.inputs[0], slope.length === 1 ? step.scalar(slope[0]) : channelwise(step, slope)])
  },
  ELU: step => step.end('Elu', step.inputs, { alpha: float(step.param('ELU')?.alpha ?? 1) }),
  Selu: step => {
    const { alpha, scale } = step.need('Selu')
    return step.end('Selu', step.inputs, { alpha: float(alpha), gamma: float(scale) })
  },
  Sigmoid: same('Sigmoid'),
  TanH: same('Tanh'),
  Softmax: withAxis('Softmax'),
  Concat: withAxis('Concat'),
  Scale: step => {
    const { scaleData, biasData } = step.need('Scale')
    if (!scaleData) throw step.refuse('has no factors')
    const product = [step.inputs[0], channelwise(step, scaleData)]
    if (!biasData?.length) return step.end('Mul', product)
    return step.end('Add', [step.add('Mul', product), channelwise(step, biasData)])
  },
  BatchNorm: step => {
    const { slopeData, meanData, varData, biasData, epsilon } = step.need('BatchNorm')
    const parts = [slopeData, biasData, meanData, varData]
    if (parts.some(p => !p)) throw step.refuse('lacks its statistics')
    const names = parts.map(p => step.constant(floatTensor([p!.length], p!), 'statistics'))
    return step.end('BatchNormalization', [step.inputs[0], ...names], { epsilon: float(epsilon) })
  },
  LRN: step => {
    const { localSize, alpha, beta, bias, regionType } = step.need('LRN')
    if (regionType !== 0) throw step.refuse('normalises within channels')
    return step.end('LRN', step.inputs, {
      size: int(localSize),
      alpha: float(alpha),
      beta: float(beta),
      bias: float(bias),
    })
  },
  LayerNorm: layerNorm,
  MatMul: matMul,
  BatchMatMul: matMul,
  ConvertTensor: convertTensor,
  Identity: same('Identity'),
  Dropout: same('Identity'),
  Copy: same('Identity'),
  Permute: permuted,
  Transpose: permuted,
  Reshape: reshape,
  Flatten: step => {
    const { axis, endAxis } = step.need('Flatten')
    if (endAxis !== 0) throw step.refuse(`flattens axes ${axis} to ${endAxis}`)
    return step.end('Flatten', step.inputs, { axis: int(axis) })
  },
  Squeeze: squeezed('Squeeze'),
  Unsqueeze: squeezed('Unsqueeze'),
  ExpandDims: expandDims,
  Slice: split,
  Unpack: unpacked,
  Pack: packed,
  SliceTf: sliceTf,
  StridedSlice: stridedSlice,
  Gather: gather,
  GatherV2: gather,
  GatherND: step => step.end('GatherND', [step.inputs[0], step.int64(step.inputs[1])]),
  GatherElements: step => {
    const axis = step.numbers(step.inputs[2])?.[0] ?? step.param('Axis')?.axis ?? 0
    return step.end('GatherElements', step.inputs.slice(0, 2), { axis: int(axis) })
  },
  Shape: step => step.end('Cast', [step.add('Shape', step.inputs)], { to: int(onnxCode('int32')) }),
  Rank: step => {
    const rank = step.add('Size', [step.add('Shape', step.inputs)])
    return step.end('Cast', [rank], { to: int(onnxCode('int32')) })
  },
  Size: step => step.end('Cast', [step.add('Size', step.inputs)], { to: int(onnxCode('int32')) }),
  Cast: step => {
    const { dstT } = step.need('CastParam')
    const dtype = dataTypes[dstT as keyof typeof dataTypes]
    if (!dtype) throw step.refuse(`casts to the unknown type ${dstT}`)
    // MNN has no wider integers, and booleans are int32.
    return step.end('Cast', step.inputs, { to: int(onnxCode(dtype === 'int64' ? 'int32' : dtype)) })
  },
  Padding: pad,
  ArgMax: argument('ArgMax'),
  ArgMin: argument('ArgMin'),
  Tile: step => step.end('Tile', [step.inputs[0], step.int64(step.inputs[1])]),
  BroadcastTo: step => step.end('Expand', [step.inputs[0], step.int64(step.inputs[1])]),
  Select: step => step.end('Where', [step.bool(step.inputs[0]), ...step.inputs.slice(1)]),
  DepthToSpace: step => {
    const { blockSize, mode } = step.need('DepthSpaceParam')
    return step.end('DepthToSpace', step.inputs, {
      blocksize: int(blockSize),
      mode: string(mode === 1 ? 'CRD' : 'DCR'),
    })
  },
  SpaceToDepth: step =>
    step.end('SpaceToDepth', step.inputs, { blocksize: int(step.need('DepthSpaceParam').blockSize) }),
  Range: same('Range'),
  Raster: raster,
}

function constant(step: Step): Ended {
  const blob = step.need('Blob')
  const dims = [...(blob.dims ?? [])]
  const found = contentOf(blob)
  if (!found) throw step.refuse(`has values of the type ${blob.dataType}`)
  const count = dims.reduce((n, d) => n * d, 1)
  if (dims.some(d => d < 0) || found.bytes.length !== count * found.size)
    throw step.refuse(
      `has ${found.bytes.length} bytes where [${dims}] takes ${count * found.size}`,
      'Copy the model again.',
    )
  const tensor = step.tensor(found.dtype, dims, found.bytes)
  // Halves are how the file keeps floats.
  if (found.dtype === 'float16')
    return step.end('Cast', [step.constant(tensor, 'halves')], { to: int(onnxCode('float32')) })
  return step.endConstant(tensor)
}

function contentOf(blob: Blob) {
  const { float32s, int32s, int64s, int8s, uint8s, dataType } = blob
  switch (dataTypes[dataType as keyof typeof dataTypes]) {
    case 'float32':
      return { dtype: 'float32', size: 4, bytes: bytesOf(float32s ?? new Float32Array()) } as const
    case 'int32':
    case 'bool':
      return { dtype: 'int32', size: 4, bytes: bytesOf(int32s ?? new Int32Array()) } as const
    case 'int64':
      return { dtype: 'int64', size: 8, bytes: bytesOf(int64s ?? new BigInt64Array()) } as const
    case 'int8':
      return { dtype: 'int8', size: 1, bytes: bytesOf(int8s ?? new Int8Array()) } as const
    case 'uint8':
      return { dtype: 'uint8', size: 1, bytes: bytesOf(uint8s ?? new Uint8Array()) } as const
    case 'float16':
      return { dtype: 'float16', size: 2, bytes: bytesOf(uint8s ?? int8s ?? new Uint8Array()) } as const
    default:
      return null
  }
}

/** Adds what one operator stands for to the draft. */
export function translate(translation: Translation, op: Op, place: Place): void {
  const type = opTypeName(op.type)
  const step = stepOf(translation, op, place)
  if (type === 'Input') {
    const { dims, dtype } = step.need('Input')
    const shape = [...(dims ?? [])].map((d, i) => (d > 0 ? d : `${place.outputs[0]}_${i}`))
    translation.draft.input(place.outputs[0], dataTypes[dtype as 1] ?? 'float32', shape)
    return
  }
  const rule = Object.hasOwn(rules, type) ? rules[type] : null
  if (!rule) {
    const custom = step.param('Extra')?.type
    throw step.refuse(custom ? `is the custom operator ${custom}` : 'is an operator that cannot be read')
  }
  if (place.outputs.length === 0) throw step.refuse('has no output', 'Copy or convert the model again.')
  if (place.inputs.length === 0 && rule !== constant && rule !== raster)
    throw step.refuse('has no input', 'Copy or convert the model again.')
  rule(step)
}
