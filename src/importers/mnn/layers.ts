// MNN's layers with weights, and pooling and resampling: those whose parameters need thought.
import { bytesOf } from '../../base/dtype.ts'
import type { ConvCommon, Convolution2D, IdstQuan } from '../../formats/mnn-schema.ts'
import { unpackWeights } from '../../formats/mnn-weights.ts'
import { type Attr, float, int, ints, string, type ValueName } from '../../ir/model.ts'
import { floatTensor, int8Tensor } from './graph.ts'
import type { Ended, Step } from './translation.ts'

/** Padding as given, begin of every axis and then the ends, or by the rule that a mode names. */
export function padding(step: Step, { padMode, pads, padX, padY }: ConvCommon): Record<string, Attr> {
  if (padMode === 2) return { auto_pad: string('SAME_UPPER') }
  if (padMode === 1) return { auto_pad: string('VALID') }
  if (pads && pads.length === 4) return { pads: ints([...pads]) }
  if (pads && pads.length > 0 && pads.length !== 2) throw step.refuse(`pads by [${pads}]`)
  const [y, x] = pads?.length === 2 ? pads : [padY, padX]
  return { pads: ints([y, x, y, x]) }
}

export const window = (step: Step, common: ConvCommon): Record<string, Attr> => ({
  kernel_shape: ints([common.kernelY, common.kernelX]),
  strides: ints([common.strideY, common.strideX]),
  dilations: ints([common.dilateY, common.dilateX]),
  ...padding(step, common),
})

export function convolution(step: Step, depthwise: boolean, transposed: boolean): Ended {
  const layer = step.need('Convolution2D')
  const { common } = layer
  if (!common) throw step.refuse('has no parameters')
  const { kernelX, kernelY, outputCount } = common
  const group = Math.max(1, depthwise ? outputCount : common.group)
  const [x, weightInput, biasInput] = step.inputs
  const area = kernelX * kernelY
  // Old files leave the number of input channels out.
  const total = weightCount(layer)
  const each = common.inputCount > 0 ? common.inputCount / group : total / (outputCount * area)
  if (!weightInput && (outputCount <= 0 || area <= 0 || !Number.isInteger(each)))
    throw step.refuse(`has ${total} weights for ${outputCount} outputs`)
  const shape = transposed
    ? [each * group, outputCount / group, kernelY, kernelX]
    : [outputCount, each, kernelY, kernelX]
  const weight = weightInput ?? weightOf(step, layer, shape)
  const bias = biasInput ?? (layer.bias && layer.bias.length > 0 ? biasOf(step, layer.bias) : null)
  const attrs: Record<string, Attr> = { ...window(step, common), group: int(group) }
  if (transposed && common.outPads) attrs.output_padding = ints([...common.outPads])
  if (transposed && common.hasOutputShape) throw step.refuse('is told its output shape by another tensor')
  return activated(step, transposed ? 'ConvTranspose' : 'Conv', [x, weight, ...(bias ? [bias] : [])], attrs, common)
}

const biasOf = (step: Step, bias: Float32Array): ValueName =>
  step.constant(step.tensor('float32', [bias.length], bytesOf(bias)), 'bias')

/** A node, and the activation that MNN computes with it. */
export function activated(
  step: Step,
  op: string,
  inputs: readonly (ValueName | null)[],
  attrs: Record<string, Attr>,
  { relu, relu6 }: { relu: number; relu6: number },
): Ended {
  if (!relu && !relu6) return step.end(op, inputs, attrs)
  const sum = step.add(op, inputs, attrs)
  if (relu6) return step.end('Clip', [sum, step.scalar(0), step.scalar(6)])
  return step.end('Relu', [sum])
}

/** Elements as far as the file says: those of codes only their own header tells. */
const weightCount = ({ weight, quanParameter, symmetricQuan }: Convolution2D): number =>
  weight?.length ||
  symmetricQuan?.weight?.length ||
  (quanParameter?.type === 3 ? (quanParameter.buffer?.length ?? 0) / 2 : 0)

function weightOf(step: Step, { weight, quanParameter }: Convolution2D, shape: readonly number[]): ValueName {
  const count = shape.reduce((n, d) => n * d, 1)
  if (quanParameter && (quanParameter.buffer || quanParameter.index)) return quantizedWeight(step, quanParameter, shape)
  if (!weight || weight.length !== count)
    throw step.refuse(`has ${weight?.length ?? 0} weights where [${shape}] takes ${count}`, 'Copy the model again.')
  return step.constant(step.tensor('float32', shape, bytesOf(weight)), 'weight')
}

/** Weights of few bits as the reals that they stand for; what its rows are scaled by lies along axis 0. */
export function quantizedWeight(step: Step, quan: IdstQuan, shape: readonly number[]): ValueName {
  const count = shape.reduce((n, d) => n * d, 1)
  const unpacked = unpackWeights(quan, count, step.node)
  if (unpacked.kind === 'float32') return step.constant(floatTensor(shape, unpacked.values), 'weight')
  if (unpacked.kind === 'float16')
    return step.add('Cast', [step.constant(step.tensor('float16', shape, unpacked.bits), 'weight')], { to: int(1) })
  const { codes, scale, offset, bits } = unpacked
  const zeros = offset?.map((o, i) => -o / scale[i])
  const whole = !zeros || zeros.every(z => Math.abs(z) < 128 && Math.abs(z - Math.round(z)) < 1e-3)
  if (scale.length !== shape[0] || !whole) {
    step.notes.push(
      `${step.node}: weights of ${bits} bits came as floats, since their scales have ${whole ? 'blocks' : 'offsets that are no whole steps'}.`,
    )
    const share = count / scale.length
    const values = Float32Array.from(codes, (code, i) => {
      const row = Math.floor(i / share)
      return code * scale[row] + (offset ? offset[row] : 0)
    })
    return step.constant(floatTensor(shape, values), 'weight')
  }
  const parameters = [
    step.constant(int8Tensor(shape, codes), 'codes'),
    step.constant(floatTensor([scale.length], scale), 'scale'),
    step.constant(int8Tensor([scale.length], zeros ? zeros.map(Math.round) : new Int8Array(scale.length)), 'zero'),
  ]
  return step.add('DequantizeLinear', parameters, { axis: int(0) })
}

export function innerProduct(step: Step): Ended {
  const { outputCount, weight, bias, axis, quanParameter } = step.need('InnerProduct')
  const count = weight?.length || (step.need('InnerProduct').weightSize ?? 0)
  const shape = [outputCount, count / outputCount]
  if (!Number.isInteger(shape[1])) throw step.refuse(`has ${count} weights for ${outputCount} outputs`)
  const rows = step.add('Flatten', [step.inputs[0]], { axis: int(axis) })
  const matrix = quanParameter?.buffer
    ? quantizedWeight(step, quanParameter, shape)
    : step.constant(step.tensor('float32', shape, bytesOf(weight!)), 'weight')
  return step.end('Gemm', [rows, matrix, ...(bias?.length ? [biasOf(step, bias)] : [])], { transB: int(1) })
}

export function pooling(step: Step): Ended {
  const { isGlobal, type, kernelX, kernelY, strideX, strideY, padX, padY, padType, pads, ceilModel, countType } =
    step.need('Pool')
  const average = type === 1
  if (isGlobal) return step.end(average ? 'GlobalAveragePool' : 'GlobalMaxPool', step.inputs)
  const given = pads && pads.length === 4 ? [...pads] : [padY, padX, padY, padX]
  // MNN takes explicit pads for the sign of a converter that does not count them.
  const counted = countType === 1 || (countType === 0 && padType === 0 && !pads)
  const place: Record<string, Attr> =
    padType === 2
      ? { auto_pad: string('SAME_UPPER') }
      : {
          pads: ints(padType === 1 ? [0, 0, 0, 0] : given),
          ...(padType === 0 && ceilModel ? { ceil_mode: int(1) } : {}),
        }
  return step.end(average ? 'AveragePool' : 'MaxPool', step.inputs.slice(0, 1), {
    kernel_shape: ints([kernelY, kernelX]),
    strides: ints([strideY, strideX]),
    ...place,
    ...(average && counted ? { count_include_pad: int(1) } : {}),
  })
}

export function pooling3D(step: Step): Ended {
  const { isGlobal, type, kernels, strides, pads, padType } = step.need('Pool3D')
  const average = type === 1
  if (isGlobal) return step.end(average ? 'GlobalAveragePool' : 'GlobalMaxPool', step.inputs)
  if (!kernels || !strides) throw step.refuse('has no kernel')
  const place: Record<string, Attr> =
    padType === 2 ? { auto_pad: string('SAME_UPPER') } : pads ? { pads: ints([...pads, ...pads]) } : {}
  return step.end(average ? 'AveragePool' : 'MaxPool', step.inputs, {
    kernel_shape: ints([...kernels]),
    strides: ints([...strides]),
    ...place,
  })
}

const resizeModes: Readonly<Record<number, string>> = { 1: 'nearest', 2: 'linear', 3: 'cubic', 4: 'nearest' }
const coordinates: Readonly<Record<number, string>> = {
  1: 'align_corners',
  2: 'half_pixel',
  3: 'pytorch_half_pixel',
  4: 'asymmetric',
}

export function interp(step: Step): Ended {
  const {
    widthScale,
    heightScale,
    outputWidth,
    outputHeight,
    resizeType,
    ctm,
    alignCorners,
    halfPixelCenters,
    cubicCoeffA,
  } = step.need('Interp')
  const mode = resizeModes[resizeType]
  const transform =
    coordinates[ctm] ??
    (ctm === 0 ? (alignCorners ? 'align_corners' : halfPixelCenters ? 'half_pixel' : 'asymmetric') : null)
  if (!mode || !transform) throw step.refuse(`resizes in the unknown way ${resizeType}, ${ctm}`)
  const attrs: Record<string, Attr> = { mode: string(mode), coordinate_transformation_mode: string(transform) }
  if (mode === 'nearest') attrs.nearest_mode = string(resizeType === 4 ? 'round_prefer_floor' : 'floor')
  if (mode === 'cubic') attrs.cubic_coeff_a = float(cubicCoeffA)
  const [x, wanted] = step.inputs
  const scales = (values: readonly number[]): ValueName =>
    step.constant(floatTensor([2 + values.length], [1, 1, ...values]), 'scales')
  const sized = (size: ValueName): Ended => {
    // The other axes keep their size, which only the tensor itself knows.
    const head = step.add('Slice', [step.add('Shape', [x]), step.ints([0]), step.ints([2])])
    return step.end('Resize', [x, null, null, step.add('Concat', [head, size], { axis: int(0) })], attrs)
  }
  if (wanted === undefined) {
    if (outputWidth > 0 && outputHeight > 0) return sized(step.ints([outputHeight, outputWidth]))
    return step.end('Resize', [x, null, scales([heightScale, widthScale])], attrs)
  }
  const tensor = step.constantOf(wanted)
  if (tensor?.dtype === 'float32') {
    const count = tensor.shape[0]
    if (count === 4) return step.end('Resize', [x, null, wanted], attrs)
    if (count === 2)
      return step.end('Resize', [x, null, step.add('Concat', [scales([]), wanted], { axis: int(0) })], attrs)
  }
  const sizes = step.numbers(wanted)
  if (sizes?.length === 4) return step.end('Resize', [x, null, null, step.int64(wanted)], attrs)
  if (sizes && sizes.length !== 2) throw step.refuse(`is given ${sizes.length} sizes`)
  return sized(step.int64(wanted))
}
