// TensorFlow Lite, for LiteRT and for microcontrollers: the program of channels-last kernels as FlatBuffers.
import { concat, outFile } from '../base/bytes.ts'
import type { DType } from '../base/dtype.ts'
import { StudioError } from '../base/errors.ts'
import { writeTflite } from '../formats/tflite.ts'
import { metadataName } from '../formats/tflite-metadata-schema.ts'
import {
  activations,
  type BufferPart,
  builtins,
  type OperatorPart,
  type OptionsPart,
  padding,
  type TensorPart,
  tensorTypes,
} from '../formats/tflite-schema.ts'
import { writeZip } from '../formats/zip.ts'
import { type Model, requiredInputs, type ValueName } from '../ir/model.ts'
import type { Target } from '../ir/target.ts'
import { infer } from '../ops/infer.ts'
import { edgesOf, inMemory, lengthOf } from './nhwc/edges.ts'
import { type Lowered, lower } from './nhwc/index.ts'
import type { Kind, NhwcOperator, NhwcProgram, NhwcTensor } from './nhwc/types.ts'
import { pictureInput } from './sample/native.ts'
import { type Described, describedBy } from './tflite-metadata.ts'
import { type Fed, microFiles, microHowToRun } from './tflite-micro.ts'
import { runnerFiles, runnerHowToRun } from './tflite-samples.ts'
import type { Edge, Exporter, Problem, WriteOptions, Written } from './types.ts'

const source = 'https://ai.google.dev/edge/litert/models/ops_compatibility'

export const tflite: Exporter = {
  id: 'tflite',
  label: 'TensorFlow Lite',
  check: (model, target, form) =>
    // What only moves sizes is small and in memory; of weights the shape is enough.
    problems(model, target, lower(model, { io: 'float', hybrid: form === 'dynamic', read: lengthOf })),
  async write(model, target, { form, io, bytes, preprocess, name }): Promise<Written> {
    const typed = infer(model)
    const read = await inMemory(typed, bytes)
    const lowered = lower(typed, { io, hybrid: form === 'dynamic', read })
    const [problem] = problems(typed, target, lowered)
    if (problem)
      throw new StudioError(
        'unsupported',
        `${target.label} cannot hold ${problem.op} ${problem.node}: ${problem.why}`,
        {
          where: { node: problem.node ?? undefined },
          hint: problem.fix ?? 'Cut the graph before it with --outputs.',
        },
      )
    const micro = target.id === 'tflm'
    // Microcontrollers have no room for words.
    const described = micro ? null : describedBy(typed, { preprocess, name })
    const file = encodeProgram(lowered.program, described)
    const edges = edgesOf(typed, lowered)
    return {
      files: [outFile('model.tflite', file)],
      roles: { model: 'model.tflite' },
      notes: [],
      edges,
      around: micro ? microFiles(file, lowered.program, fedPicture(typed, preprocess, edges)) : runnerFiles(),
      howToRun: micro ? microHowToRun : runnerHowToRun,
    }
  },
}

/** The picture that the first input takes; where it is convolved, its channels come last in the file whatever the graph wants. */
function fedPicture(
  { graph }: Model,
  preprocess: WriteOptions['preprocess'],
  edges: Readonly<Record<ValueName, Edge>>,
): Fed | null {
  const [name] = requiredInputs(graph)
  const picture = pictureInput(preprocess[name] ?? null, graph.values.get(name)?.shape ?? [])
  return picture && { picture, layout: edges[name].layout ?? picture.spec.layout }
}

// Of the kernels here, those that there are none of for microcontrollers: each was tried in the interpreter of 2026-10-23.
const notInMicro: readonly Kind[] = ['GELU', 'POW', 'RELU_N1_TO_1', 'TILE']

function problems({ graph }: Model, { id, label }: Target, { refused, program }: Lowered): Problem[] {
  const found = refused.map(({ node, why, fix }): Problem => {
    return { node: node.id, op: node.op, why, level: 'refused', source, ...(fix ? { fix } : {}) }
  })
  if (id !== 'tflm') return found
  const ops = new Map(graph.nodes.map(node => [node.id, node.op]))
  const lacking = new Map(program.operators.filter(o => notInMicro.includes(o.kind)).map(o => [o.node, o.kind]))
  const lacks = [...lacking].map(([node, kind]): Problem => {
    return {
      node,
      op: ops.get(node) ?? kind,
      why: `${label} has no kernel ${kind}`,
      level: 'refused',
      source: 'https://github.com/tensorflow/tflite-micro/blob/main/tensorflow/lite/micro/micro_mutable_op_resolver.h',
    }
  })
  return [...found, ...lacks]
}

// The file.

const typeNames: Partial<Record<DType, string>> = { bool: 'BOOL' }
function typeOf(dtype: DType): number {
  const type = tensorTypes.indexOf(typeNames[dtype] ?? dtype.toUpperCase())
  if (type >= 0) return type
  throw new StudioError('unsupported', `TensorFlow Lite has no tensors of ${dtype}`, { hint: 'Choose another format.' })
}

/** The bytes of a .tflite file. */
export function encodeProgram(
  { tensors, operators, inputs, outputs }: NhwcProgram,
  described: Described | null = null,
): Uint8Array {
  const buffers: BufferPart[] = [{}] // the first is empty, as everybody expects
  const records = tensors.map((tensor): TensorPart => {
    if (tensor.data) buffers.push({ data: tensor.data })
    return tensorRecord(tensor, tensor.data ? buffers.length - 1 : 0)
  })
  const codes = new Map<string, number>()
  const written = operators.map(operator => operatorRecord(operator, codes, tensors))
  if (described) buffers.push({ data: described.metadata })
  const model = writeTflite({
    version: 3,
    description: 'Thimble',
    operatorCodes: [...codes.keys()].map(key => {
      const [kind, version] = key.split(' ')
      const code = builtins.indexOf(kind)
      return { builtinCode: code, deprecatedBuiltinCode: Math.min(127, code), version: Number(version) }
    }),
    subgraphs: [{ tensors: records, inputs, outputs, operators: written, name: 'main' }],
    buffers,
    ...(described ? { metadata: [{ name: metadataName, buffer: buffers.length - 1 }] } : {}),
  })
  return described && described.files.length > 0 ? concat([model, writeZip(described.files, model.length)]) : model
}

function tensorRecord({ name, shape, dtype, quant, value }: NhwcTensor, buffer: number): TensorPart {
  return {
    shape,
    type: typeOf(dtype),
    buffer,
    ...(value === null && buffer > 0 ? {} : { name }),
    ...(quant
      ? { quantization: { scale: quant.scale, zeroPoint: quant.zeroPoint, quantizedDimension: quant.axis } }
      : {}),
  }
}

function operatorRecord(
  operator: NhwcOperator,
  codes: Map<string, number>,
  tensors: readonly NhwcTensor[],
): OperatorPart {
  const key = `${operator.kind} ${versionOf(operator, tensors)}`
  const opcodeIndex = codes.get(key) ?? codes.size
  codes.set(key, opcodeIndex)
  return { opcodeIndex, inputs: operator.inputs, outputs: operator.outputs, options: optionsOf(operator) }
}

const windows = ({
  padding: by,
  strides,
  fused,
}: {
  padding: 'same' | 'valid'
  strides: readonly [number, number]
  fused: string
}) => ({
  padding: padding[by],
  strideH: strides[0],
  strideW: strides[1],
  activation: activationOf(fused),
})

const activationOf = (fused: string): number => (activations as readonly string[]).indexOf(fused.toUpperCase())

/** The options table of an operator, and what stands in it. */
function optionsOf(operator: NhwcOperator): OptionsPart | null {
  switch (operator.kind) {
    case 'CONV_2D': {
      const { dilations } = operator.options
      const value = { ...windows(operator.options), dilationH: dilations[0], dilationW: dilations[1] }
      return { name: 'Conv2D', value }
    }
    case 'DEPTHWISE_CONV_2D': {
      const { dilations, multiplier } = operator.options
      const more = { depthMultiplier: multiplier, dilationH: dilations[0], dilationW: dilations[1] }
      return { name: 'DepthwiseConv2D', value: { ...windows(operator.options), ...more } }
    }
    case 'TRANSPOSE_CONV':
      return { name: 'TransposeConv', value: windows(operator.options) }
    case 'AVERAGE_POOL_2D':
    case 'MAX_POOL_2D': {
      const { kernel } = operator.options
      return { name: 'Pool2D', value: { ...windows(operator.options), filterH: kernel[0], filterW: kernel[1] } }
    }
    case 'FULLY_CONNECTED': {
      const { fused, keepDims } = operator.options
      return { name: 'FullyConnected', value: { activation: activationOf(fused), keepNumDims: keepDims } }
    }
    case 'ADD':
    case 'SUB':
    case 'MUL':
    case 'DIV': {
      const name = ({ ADD: 'Add', SUB: 'Sub', MUL: 'Mul', DIV: 'Div' } as const)[operator.kind]
      return { name, value: { activation: activationOf(operator.options.fused) } }
    }
    case 'CONCATENATION':
      return { name: 'Concatenation', value: { axis: operator.options.axis, activation: 0 } }
    case 'MEAN':
    case 'SUM':
    case 'REDUCE_MAX':
    case 'REDUCE_MIN':
      return { name: 'Reducer', value: operator.options }
    case 'SOFTMAX':
      return { name: 'Softmax', value: { beta: 1 } }
    case 'BATCH_MATMUL':
      return { name: 'BatchMatMul', value: {} }
    case 'SPLIT_V':
      return { name: 'SplitV', value: { numSplits: operator.outputs.length } }
    case 'GELU':
      return { name: 'Gelu', value: operator.options }
    case 'GATHER':
      return { name: 'Gather', value: operator.options }
    case 'LEAKY_RELU':
      return { name: 'LeakyRelu', value: operator.options }
    case 'DEPTH_TO_SPACE':
      return { name: 'DepthToSpace', value: operator.options }
    case 'SPACE_TO_DEPTH':
      return { name: 'SpaceToDepth', value: operator.options }
    case 'RESIZE_BILINEAR':
      return { name: 'ResizeBilinear', value: operator.options }
    case 'RESIZE_NEAREST_NEIGHBOR':
      return { name: 'ResizeNearestNeighbor', value: operator.options }
    case 'MIRROR_PAD':
      return { name: 'MirrorPad', value: { mode: 0 } }
    case 'ARG_MAX':
      return { name: 'ArgMax', value: { outputType: typeOf('int64') } }
    case 'STRIDED_SLICE':
      return { name: 'StridedSlice', value: {} }
    default:
      return null
  }
}

// The versions in which operators learnt a type (tensorflow/lite/tools/versioning/op_version.cc): floats, int8, int16.
const versions: Partial<Record<NhwcOperator['kind'], readonly [number, number, number]>> = {
  CONV_2D: [1, 3, 4],
  DEPTHWISE_CONV_2D: [1, 3, 5],
  FULLY_CONNECTED: [1, 4, 7],
  ADD: [1, 2, 2],
  SUB: [1, 2, 2],
  MUL: [1, 2, 4],
  CONCATENATION: [1, 2, 3],
  AVERAGE_POOL_2D: [1, 2, 3],
  MAX_POOL_2D: [1, 2, 3],
  MEAN: [1, 2, 3],
  SOFTMAX: [1, 2, 3],
  LOGISTIC: [1, 2, 3],
  TANH: [1, 2, 3],
  PAD: [1, 2, 3],
  PADV2: [1, 2, 3],
  TRANSPOSE: [1, 2, 4],
  SLICE: [1, 2, 4],
  STRIDED_SLICE: [1, 2, 4],
  DEQUANTIZE: [1, 2, 3],
  RELU: [1, 2, 3],
  RELU6: [1, 2, 3],
  LEAKY_RELU: [1, 2, 2],
  RESIZE_BILINEAR: [1, 2, 3],
  RESIZE_NEAREST_NEIGHBOR: [1, 2, 3],
  BATCH_MATMUL: [1, 2, 3],
  BROADCAST_TO: [2, 2, 2],
  TILE: [1, 2, 2],
  GATHER: [1, 2, 2],
  QUANTIZE: [1, 1, 2],
}

function versionOf({ kind, inputs, outputs }: NhwcOperator, tensors: readonly NhwcTensor[]): number {
  const [float, int8, int16] = versions[kind] ?? [1, 1, 1]
  const types = [inputs[0], outputs[0]].map(index => tensors[index].dtype)
  return types.includes('int16') ? int16 : types.includes('int8') ? int8 : float
}
