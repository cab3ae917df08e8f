// The int8 operators of MNN 1, as QDQ: codes stand for themselves (scale 1), since such a file says what they are worth only
// at its float ends; the network computes the same whatever they are taken for.
import type { QuantizedFloat } from '../../formats/mnn-schema.ts'
import { int, type ValueName } from '../../ir/model.ts'
import { floatTensor, int8Tensor } from './graph.ts'
import { pooling, window } from './layers.ts'
import type { Ended, Step } from './translation.ts'

/** sum × scale gives the output's codes. */
export function integerConvolution(step: Step, depthwise: boolean): Ended {
  const { common, symmetricQuan } = step.need('Convolution2D')
  if (!common || !symmetricQuan?.weight || !symmetricQuan.scale || !symmetricQuan.bias)
    throw step.refuse('lacks its integer weights')
  const { weight, scale, bias } = symmetricQuan
  const { outputCount, kernelX, kernelY } = common
  const each = weight.length / (outputCount * kernelX * kernelY)
  if (!Number.isInteger(each) || scale.length !== outputCount || bias.length !== outputCount)
    throw step.refuse(`has ${weight.length} weights and ${scale.length} scales for ${outputCount} outputs`)
  const codes = step.constant(int8Tensor([outputCount, each, kernelY, kernelX], weight), 'codes')
  const rows = step.constant(floatTensor([outputCount], scale), 'scale')
  const zeros = step.constant(int8Tensor([outputCount], new Int8Array(outputCount)), 'zero')
  const reals = step.add('DequantizeLinear', [codes, rows, zeros], { axis: int(0) })
  const offsets = step.constant(
    floatTensor(
      [outputCount],
      Float32Array.from(bias, (b, i) => b * scale[i]),
    ),
    'bias',
  )
  const attrs = { ...window(step, common), group: int(depthwise ? outputCount : common.group) }
  const x = dequantized(step, step.inputs[0], symmetricQuan.zeroPoint)
  const sum = step.add('Conv', [x, reals, offsets], attrs)
  const bounded = common.relu || common.relu6 ? step.add('Relu', [sum]) : sum
  return requantized(step, bounded, symmetricQuan)
}

const dequantized = (step: Step, codes: ValueName, zero: number): ValueName =>
  step.add('DequantizeLinear', [codes, step.scalar(1), step.constant(int8Tensor([], [zero]), 'zero')])

/** Reals of scale 1 as the output's codes, within the bounds that the file sets. */
function requantized(step: Step, reals: ValueName, { outputZeroPoint, clampMin, clampMax }: QuantizedFloat): Ended {
  const zero = step.constant(int8Tensor([], [outputZeroPoint]), 'zero')
  const [low, high] = [clampMin - outputZeroPoint, clampMax - outputZeroPoint]
  const bounded =
    clampMin > -128 || clampMax < 127 ? step.add('Clip', [reals, step.scalar(low), step.scalar(high)]) : reals
  return step.end('QuantizeLinear', [bounded, step.scalar(1), zero])
}

/** One factor a channel, of an NCHW tensor. */
const channelwise = (step: Step, values: Float32Array | null): ValueName => {
  if (!values?.length) throw step.refuse('lacks its scales')
  return step.constant(floatTensor([values.length, 1, 1], values), 'channels')
}

/** Pooling moves or averages codes, whatever they are worth. */
export function integerPooling(step: Step): Ended {
  const pooled = step.fresh('pooled')
  pooling({ ...step.to([pooled]), inputs: [dequantized(step, step.inputs[0], 0)] })
  return step.end('QuantizeLinear', [pooled, step.scalar(1), step.constant(int8Tensor([], [0]), 'zero')])
}

/** The type of the operation is not set: MNN 1 could only add. */
export function integerAdd(step: Step): Ended {
  const { inputQuan0, inputQuan1, outputQuan } = step.need('EltwiseInt8')
  if (!inputQuan0 || !inputQuan1 || !outputQuan) throw step.refuse('lacks its scales')
  const [a, b] = [inputQuan0, inputQuan1].map((quan, i) =>
    step.add('Mul', [dequantized(step, step.inputs[i], quan.zeroPoint), channelwise(step, quan.tensorScale)]),
  )
  const sum = step.add('Mul', [step.add('Add', [a, b]), channelwise(step, outputQuan.tensorScale)])
  return requantized(step, sum, outputQuan)
}

/** Its scales multiply: codes a unit. */
export function floatToInt8(step: Step): Ended {
  const quan = step.need('QuantizedFloatParam')
  const codes = step.add('Mul', [step.inputs[0], channelwise(step, quan.tensorScale)])
  return requantized(step, codes, { ...quan, outputZeroPoint: quan.zeroPoint })
}

export function int8ToFloat(step: Step): Ended {
  const { tensorScale, zeroPoint } = step.need('QuantizedFloatParam')
  return step.end('Mul', [dequantized(step, step.inputs[0], zeroPoint), channelwise(step, tensorScale)])
}
