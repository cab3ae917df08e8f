// Convolutions, matrix products with constant weights (which MNN computes as pointwise convolutions), pooling and resampling.
import type { PartOf } from '../../formats/flatbuffer.ts'
import type { convolution2D } from '../../formats/mnn-schema.ts'
import { attrFloat, attrInt, attrInts, attrString, type Node, type ValueName } from '../../ir/model.ts'
import { codesRead, constantOf, type Lowering, refuse, shapeOf } from './context.ts'
import { numbersOf } from './draft.ts'
import { weightsOf } from './weights.ts'

type Common = NonNullable<PartOf<typeof convolution2D>['common']>

/** begin of every axis and then the ends, with what an automatic mode stands for worked out. */
function padsOf(
  node: Node,
  input: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): number[] {
  const mode = attrString(node, 'auto_pad', 'NOTSET')
  const zeros = kernel.map(() => 0)
  if (mode === 'NOTSET') return attrInts(node, 'pads') ?? [...zeros, ...zeros]
  if (mode === 'VALID') return [...zeros, ...zeros]
  const totals = kernel.map((k, i) => {
    const reach = (k - 1) * dilations[i] + 1
    return Math.max(0, (Math.ceil(input[i] / strides[i]) - 1) * strides[i] + reach - input[i])
  })
  const small = totals.map(total => Math.floor(total / 2))
  const large = totals.map((total, i) => total - small[i])
  return mode === 'SAME_UPPER' ? [...small, ...large] : [...large, ...small]
}

async function floatsOf(
  lowering: Lowering,
  node: Node,
  name: ValueName | null | undefined,
  count: number,
): Promise<Float32Array> {
  if (!name) return new Float32Array(count)
  const cast = lowering.producer.get(name)
  const passes = cast?.op === 'Cast' || cast?.op === 'DequantizeLinear'
  const tensor = constantOf(lowering, passes ? cast.inputs[0] : name)
  if (!tensor || cast?.op === 'DequantizeLinear')
    throw refuse(node, 'has a bias that is no float constant', 'Keep biases in floats.')
  return Float32Array.from((await numbersOf(tensor, lowering.bytes)).values)
}

export async function conv(lowering: Lowering, node: Node): Promise<void> {
  const { draft } = lowering
  const [x, w, b] = node.inputs
  const transposed = node.op === 'ConvTranspose'
  const fused = lowering.fused.get(node.id)
  const input = shapeOf(lowering, node, x)
  const filter = shapeOf(lowering, node, w)
  const output = shapeOf(lowering, node, node.outputs[0])
  if (input.length !== 4 && input.length !== 3)
    throw refuse(node, `has ${input.length - 2} spatial axes`, 'Use 1-D or 2-D convolutions.')
  // One axis is an image of one row.
  const flat = input.length === 3
  const two = (values: readonly number[], other: number): number[] => (flat ? [other, ...values] : [...values])
  const kernel = filter.slice(2)
  const strides = attrInts(node, 'strides') ?? kernel.map(() => 1)
  const dilations = attrInts(node, 'dilations') ?? kernel.map(() => 1)
  const group = attrInt(node, 'group', 1)
  const pads = padsOf(node, input.slice(2), kernel, strides, dilations)
  const [top, left, bottom, right] = flat ? [0, pads[0], 0, pads[1]] : pads
  const [kernelY, kernelX] = two(kernel, 1)
  const [strideY, strideX] = two(strides, 1)
  const [dilateY, dilateX] = two(dilations, 1)
  const channels = output[1]
  const depthwise = group > 1 && group === input[1] && channels === group
  const weights = await weightsOf(lowering, node, w!, { rows: filter[0], transpose: false })
  if (!weights) throw refuse(node, 'has weights that are computed', 'Fold them into constants.')
  const more = attrInts(node, 'output_padding')
  const common: Common = {
    kernelX,
    kernelY,
    strideX,
    strideY,
    dilateX,
    dilateY,
    padX: left,
    padY: top,
    pads: Int32Array.of(top, left, bottom, right),
    group,
    inputCount: input[1],
    outputCount: channels,
    relu: Number(fused?.kind === 1),
    relu6: Number(fused?.kind === 2),
    ...(transposed && more ? { outPads: Int32Array.from(two(more, 0)) } : {}),
  }
  const type = transposed
    ? depthwise
      ? 'DeconvolutionDepthwise'
      : 'Deconvolution'
    : depthwise
      ? 'ConvolutionDepthwise'
      : 'Convolution'
  const bias = await floatsOf(lowering, node, b, channels)
  const main = { name: 'Convolution2D' as const, value: { common, bias, ...weights } }
  const y = fused?.output ?? node.outputs[0]!
  if (!flat) return draft.give(y, 'packed', type, [await draft.use(x!, 'packed')], main)
  const image = reshaped(lowering, await draft.use(x!, 'plain'), [input[0], input[1], 1, input[2]])
  const packed = draft.inner(type, [toPacked(lowering, image)], main)
  giveReshaped(lowering, y, toPlain(lowering, packed), output)
}

export const toPacked = ({ draft }: Lowering, tensor: number): number =>
  draft.inner('ConvertTensor', [tensor], { name: 'TensorConvertInfo', value: { source: 0, dest: 2 } })
export const toPlain = ({ draft }: Lowering, tensor: number): number =>
  draft.inner('ConvertTensor', [tensor], { name: 'TensorConvertInfo', value: { source: 2, dest: 0 } })
export const reshaped = ({ draft }: Lowering, tensor: number, dims: readonly number[]): number =>
  draft.inner('Reshape', [tensor], { name: 'Reshape', value: { dims: Int32Array.from(dims) } })
export const giveReshaped = ({ draft }: Lowering, name: ValueName, tensor: number, dims: readonly number[]): void =>
  draft.give(name, 'plain', 'Reshape', [tensor], { name: 'Reshape', value: { dims: Int32Array.from(dims) } })

/** x [.., K] times W, as a convolution with [N, K, 1, 1] over [M, K, 1, 1]. */
async function product(
  lowering: Lowering,
  node: Node,
  transpose: boolean,
  bias: ValueName | null | undefined,
): Promise<boolean> {
  const { draft } = lowering
  const [x, w] = node.inputs
  const filter = shapeOf(lowering, node, w)
  const output = shapeOf(lowering, node, node.outputs[0])
  if (filter.length !== 2) return false
  const [outputs, inputs] = transpose ? [filter[1], filter[0]] : filter
  const weights = await weightsOf(lowering, node, w!, { rows: outputs, transpose })
  if (!weights) return false
  const rows = output.reduce((n, d) => n * d, 1) / outputs
  const common: Common = { inputCount: inputs, outputCount: outputs, pads: Int32Array.of(0, 0, 0, 0) }
  const main = {
    name: 'Convolution2D' as const,
    value: { common, bias: await floatsOf(lowering, node, bias, outputs), ...weights },
  }
  const image = reshaped(lowering, await draft.use(x!, 'plain'), [rows, inputs, 1, 1])
  const packed = draft.inner('Convolution', [toPacked(lowering, image)], main)
  giveReshaped(lowering, node.outputs[0]!, toPlain(lowering, packed), output)
  return true
}

export async function gemm(lowering: Lowering, node: Node): Promise<void> {
  const [, , c] = node.inputs
  const bias = constantOf(lowering, c)
  const plain =
    attrFloat(node, 'alpha', 1) === 1 && attrFloat(node, 'beta', 1) === 1 && attrInt(node, 'transA', 0) === 0
  const wide = !c || (bias !== null && bias.shape.at(-1) === shapeOf(lowering, node, node.outputs[0])[1])
  if (plain && wide && (await product(lowering, node, attrInt(node, 'transB', 0) === 0, c))) return
  throw refuse(node, 'has factors, a turned left side or weights that are computed', 'Optimise the model first.')
}

export async function matMul(lowering: Lowering, node: Node): Promise<void> {
  if (await product(lowering, node, true, null)) return
  const { draft } = lowering
  const inputs = [await draft.use(node.inputs[0]!, 'plain'), await draft.use(node.inputs[1]!, 'plain')]
  draft.give(node.outputs[0]!, 'plain', 'MatMul', inputs, { name: 'MatMul', value: { T: 1 } })
}

export async function pool(lowering: Lowering, node: Node): Promise<void> {
  const { draft } = lowering
  const [x] = node.inputs
  const input = shapeOf(lowering, node, x)
  if (input.length !== 4) throw refuse(node, `has ${input.length - 2} spatial axes`, 'Use 2-D pooling.')
  const average = node.op === 'AveragePool' || node.op === 'GlobalAveragePool'
  const kernel = node.op.startsWith('Global') ? input.slice(2) : (attrInts(node, 'kernel_shape') ?? [])
  const strides = attrInts(node, 'strides') ?? kernel.map(() => 1)
  const dilations = attrInts(node, 'dilations') ?? kernel.map(() => 1)
  if (dilations.some(d => d !== 1) || node.outputs.length > 1)
    throw refuse(node, 'has dilations or gives indices', 'Use pooling without them.')
  const pads = padsOf(node, input.slice(2), kernel, strides, dilations)
  const main = {
    name: 'Pool' as const,
    value: {
      isGlobal: Number(node.op.startsWith('Global')),
      kernelY: kernel[0],
      kernelX: kernel[1],
      strideY: strides[0],
      strideX: strides[1],
      padY: pads[0],
      padX: pads[1],
      pads: Int32Array.from(pads),
      type: average ? 1 : 0,
      ceilModel: attrInt(node, 'ceil_mode', 0),
      countType: attrInt(node, 'count_include_pad', 0) === 1 ? 1 : 2,
    },
  }
  const given = await draft.use(x!, 'packed')
  const [y] = node.outputs
  const [read, made] = [codesRead(lowering, x), lowering.codes.get(y!)]
  const same = made && read?.scale === made.scale && read.zero === made.zero
  if (!made || (same && !average)) return draft.give(y!, 'packed', 'Pooling', [given], main)
  // What is to be codes MNN pools as codes, as though those of the input were worth as much. Where they are not, it pools reals, which are
  // rounded behind an operator that takes them only so: the greater of two.
  const pooled = draft.inner('Pooling', [given], main)
  draft.give(y!, 'packed', 'BinaryOp', [pooled, pooled], {
    name: 'BinaryOp',
    value: { opType: 9, T: 1, activationType: 0 },
  })
}

const transforms: Readonly<Record<string, number>> = {
  align_corners: 1,
  half_pixel: 2,
  pytorch_half_pixel: 3,
  asymmetric: 4,
}

export async function resize(lowering: Lowering, node: Node): Promise<void> {
  const { draft } = lowering
  const [x] = node.inputs
  const input = shapeOf(lowering, node, x)
  const output = shapeOf(lowering, node, node.outputs[0])
  const mode = attrString(node, 'mode', 'nearest')
  const transform =
    node.op === 'Upsample' ? 'asymmetric' : attrString(node, 'coordinate_transformation_mode', 'half_pixel')
  const ctm = transforms[transform]
  const rounding = attrString(node, 'nearest_mode', node.op === 'Upsample' ? 'floor' : 'round_prefer_floor')
  const nearest = rounding === 'floor' ? 1 : rounding === 'round_prefer_floor' ? 4 : 0
  const type = mode === 'nearest' ? nearest : mode === 'linear' ? 2 : mode === 'cubic' ? 3 : 0
  if (input.length !== 4 || input[0] !== output[0] || input[1] !== output[1] || !ctm || !type)
    throw refuse(
      node,
      `resizes by ${mode}, ${transform}, ${rounding}`,
      'Resize height and width by floor, half_pixel, asymmetric or align_corners.',
    )
  draft.give(node.outputs[0]!, 'packed', 'Interp', [await draft.use(x!, 'packed')], {
    name: 'Interp',
    value: {
      outputHeight: output[2],
      outputWidth: output[3],
      heightScale: output[2] / input[2],
      widthScale: output[3] / input[3],
      resizeType: type,
      alignCorners: Number(ctm === 1),
      halfPixelCenters: Number(ctm === 2),
      cubicCoeffA: attrFloat(node, 'cubic_coeff_a', -0.75),
      ctm,
    },
  })
}
