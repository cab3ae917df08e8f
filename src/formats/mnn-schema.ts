// The tables of an .mnn file as data: those of alibaba/MNN, schema/default/*.fbs, version 3.6, that networks of inference use.
// Field order is the wire's; names are MNN's own.
import { number, type RecordOf, skip, table, tables, text, texts, union, vector } from './flatbuffer.ts'

const int = (fallback = 0) => number('int32', fallback)
const byte = (fallback = 0) => number('int8', fallback)
const bool = (fallback = 0) => number('bool', fallback)
const real = (fallback = 0) => number('float32', fallback)
const ints = vector('int32')
const reals = vector('float32')

/** MNN_DATA_FORMAT */
export const layouts = { nchw: 0, nhwc: 1, nc4hw4: 2, nhwc4: 3 } as const
/** NetSource: where a file was converted from; NHWC is the order of TensorFlow and TFLite. */
export const origins = { caffe: 0, tensorflow: 1, tflite: 2, onnx: 3, torch: 4 } as const

/** DataType, by number. */
export const dataTypes = {
  1: 'float32',
  2: 'float64',
  3: 'int32',
  4: 'uint8',
  5: 'int16',
  6: 'int8',
  9: 'int64',
  10: 'bool',
  17: 'uint16',
  19: 'float16',
} as const
export type MnnDataType = (typeof dataTypes)[keyof typeof dataTypes]
export const dataTypeOf = (name: MnnDataType): number =>
  Number(Object.entries(dataTypes).find(([, value]) => value === name)![0])

const blob = {
  dims: ints,
  dataFormat: byte(),
  dataType: int(1),
  uint8s: vector('uint8'),
  int8s: vector('int8'),
  int32s: ints,
  int64s: vector('int64'),
  float32s: reals,
  strings: skip,
  external: vector('int64'), // offset and bytes in the file of weights
} as const
export type Blob = RecordOf<typeof blob>

const convCommon = {
  padX: int(),
  padY: int(),
  kernelX: int(1),
  kernelY: int(1),
  strideX: int(1),
  strideY: int(1),
  dilateX: int(1),
  dilateY: int(1),
  padMode: byte(), // 0 as given, 1 VALID, 2 SAME
  group: int(1),
  outputCount: int(),
  inputCount: int(),
  relu: bool(),
  relu6: bool(),
  pads: ints, // begin of every axis, then end
  outPads: ints,
  hasOutputShape: bool(),
} as const
export type ConvCommon = RecordOf<typeof convCommon>

/** Weights of few bits; see mnn-weights.ts. */
const idstQuan = {
  buffer: vector('int8'),
  alpha: reals,
  type: int(),
  useInt32: bool(),
  quantScale: real(),
  scaleIn: real(),
  scaleOut: real(),
  aMaxOrBits: int(),
  aMin: int(),
  readType: int(),
  has_scaleInt: bool(),
  shapeInt32: bool(),
  weightSize: number('uint32'),
  index: vector('uint32'),
  alphaFp16: vector('uint16'),
  scaleStorage: byte(),
} as const
export type IdstQuan = RecordOf<typeof idstQuan>

const quantizedFloat = {
  weight: vector('int8'),
  bias: ints,
  scale: reals,
  tensorScale: reals,
  method: byte(),
  nbits: int(8),
  zeroPoint: byte(),
  outputZeroPoint: byte(),
  clampMin: byte(-128),
  clampMax: byte(127),
  winogradAttr: ints,
  outputDataType: int(6),
  floatzeros: reals,
} as const
export type QuantizedFloat = RecordOf<typeof quantizedFloat>

export const convolution2D = {
  common: table(convCommon),
  weight: reals,
  bias: reals,
  quanParameter: table(idstQuan),
  symmetricQuan: table(quantizedFloat),
  sparseParameter: skip,
  external: vector('int64'), // offset, then bytes of weights, of scales, of bias in the file of weights
} as const
export type Convolution2D = RecordOf<typeof convolution2D>

const pool = {
  padX: int(),
  padY: int(),
  isGlobal: bool(),
  kernelX: int(),
  kernelY: int(),
  strideX: int(),
  strideY: int(),
  type: byte(), // 0 max, 1 average
  padType: byte(), // 0 as given, 1 VALID, 2 SAME
  dataType: int(1),
  ceilModel: bool(1),
  pads: ints,
  countType: byte(), // 0 by padType, 1 padding counts, 2 it does not
} as const
export type Pool = RecordOf<typeof pool>

const interp = {
  widthScale: real(),
  heightScale: real(),
  outputWidth: int(),
  outputHeight: int(),
  resizeType: int(), // 1 nearest, 2 bilinear, 3 cubic, 4 nearest rounded
  alignCorners: bool(),
  halfPixelCenters: bool(),
  widthOffset: real(),
  heightOffset: real(),
  cubicCoeffA: real(-0.75),
  ctm: byte(), // 0 as the two booleans say, 1 align corners, 2 half pixels, 3 as PyTorch, 4 asymmetric
} as const
export type Interp = RecordOf<typeof interp>

/** OpParameter, members in the order of their numbers. */
const parameterNames =
  `QuantizedAdd ArgMax AsString Axis BatchNorm BinaryOp Blob CastParam Convolution2D Crop CropAndResize Dequantize
  DetectionOutput Eltwise ExpandDims Fill Flatten Gather GatherV2 InnerProduct Input Interp LRN LSTM MatMul
  NonMaxSuppressionV2 Normalize PackParam Permute Plugin Pool PRelu PriorBox Proposal QuantizedAvgPool QuantizedBiasAdd
  QuantizedConcat QuantizedLogistic QuantizedMatMul QuantizedMaxPool QuantizedRelu QuantizedRelu6 QuantizedReshape
  QuantizedSoftmax QuantizeMaxMin QuantizeV2 Range Rank ReduceJoin ReductionParam Relu Relu6 RequantizationRange
  Requantize Reshape Resize RoiParameters Scale Selu Size Slice SliceTf SpaceBatch SqueezeParam StridedSliceParam
  TensorConvertInfo TfQuantizedConv2D TopKV2 Transpose UnaryOp MomentsParam RNNParam BatchMatMulParam
  QuantizedFloatParam DepthSpaceParam EltwiseInt8 ReverseSequenceParam Extra Pool3D Convolution3D ELU
  DetectionPostProcessParam OneHotParam PadParam WhileParam IfParam RandomUniform LayerNorm TensorArray LSTMBlockCell
  GridSample LoopParam ImageProcessParam CumSum GroupNorm FmhaV2Param FmhcaParam AttentionParam StftParam
  LinearAttentionParam ShapeParam RoPEParam`.split(/\s+/)

const axis = { axis: int() } as const
const dims = { dims: ints } as const

const parameters = {
  ArgMax: { outMaxVal: int(), topK: int(), axis: int(), softmaxThreshold: int() },
  Axis: axis,
  BatchNorm: {
    channels: int(),
    slopeData: reals,
    meanData: reals,
    varData: reals,
    biasData: reals,
    Adata: reals,
    Bdata: reals,
    epsilon: real(0.001),
  },
  BinaryOp: { opType: int(), T: int(1), activationType: int() }, // activation: 1 ReLU, 2 ReLU6
  Blob: blob,
  CastParam: { srcT: int(), dstT: int() },
  Convolution2D: convolution2D,
  Crop: { axis: int(2), offset: ints },
  Eltwise: { type: byte(), coeff: reals }, // 0 product, 1 sum, 2 maximum, 3 difference
  ExpandDims: { T: int(), Tdim: int(), axis: int() },
  Flatten: { axis: int(), endAxis: int() },
  Gather: { Tindices: int(), Tparams: int(), validateIndices: bool(), axis: int() },
  GatherV2: { Taxis: int(), Tindices: int(), Tparams: int() },
  InnerProduct: {
    outputCount: int(),
    biasTerm: int(),
    weightSize: int(),
    weight: reals,
    bias: reals,
    axis: int(),
    transpose: bool(),
    quanParameter: table(idstQuan),
  },
  Input: { dims: ints, dtype: int(1), dformat: byte(layouts.nc4hw4) },
  Interp: interp,
  LRN: { regionType: int(), localSize: int(), alpha: real(), beta: real(), bias: real(1) },
  MatMul: { T: int(), transposeA: bool(), transposeB: bool(), weight: reals, bias: reals },
  PackParam: { dataType: int(), axis: int() },
  Permute: dims,
  Pool: pool,
  PRelu: { slopeCount: int(), slope: reals },
  ReductionParam: { operation: byte(), dim: ints, coeff: real(), keepDims: bool(), dType: int(1) },
  Relu: { slope: real() },
  Relu6: { minValue: real(0), maxValue: real(6) },
  Reshape: { dims: ints, dimType: byte() },
  Resize: { xScale: real(), yScale: real() },
  Scale: { channels: int(), scaleData: reals, biasData: reals, external: vector('int64') },
  Selu: { scale: real(), alpha: real() },
  Slice: { axis: int(), slicePoints: ints, sourceType: byte() },
  SqueezeParam: { squeezeDims: ints },
  StridedSliceParam: {
    Index: int(),
    T: int(),
    beginMask: int(),
    endMask: int(),
    ellipsisMask: int(),
    newAxisMask: int(),
    shrinkAxisMask: int(),
    fromType: int(), // 1: inputs as of ONNX's Slice
  },
  TensorConvertInfo: { source: byte(), dest: byte() },
  TopKV2: { T: int(1), sorted: bool(), largest: bool(1) },
  UnaryOp: { opType: int(), T: int(), tableInt8: vector('int8') },
  MomentsParam: { dim: ints, keepDims: bool(1), dType: int(1) },
  BatchMatMulParam: { adjX: bool(), adjY: bool() },
  QuantizedFloatParam: quantizedFloat,
  DepthSpaceParam: { blockSize: int(), mode: byte() },
  EltwiseInt8: {
    type: byte(),
    inputQuan0: table(quantizedFloat),
    inputQuan1: table(quantizedFloat),
    outputQuan: table(quantizedFloat),
  },
  Extra: { type: text, engine: text },
  Pool3D: { strides: ints, kernels: ints, pads: ints, type: byte(), padType: byte(), isGlobal: bool() },
  ELU: { alpha: real() },
  OneHotParam: { dType: int(1), axis: int(-1) },
  PadParam: { mode: byte() }, // 0 constant, 1 reflect, 2 symmetric, 3 edge
  LayerNorm: {
    axis: ints,
    epsilon: real(),
    gamma: reals,
    beta: reals,
    group: int(1),
    external: vector('int64'),
    useRMSNorm: bool(),
  },
  CumSum: { exclusive: bool(), reverse: bool() },
} as const

/** OpType by number. */
const lowTypes =
  `AbsVal QuantizedAdd ArgMax AsString InstanceNorm BatchToSpaceND Copy BinaryOp Bnll Cast Concat Const Convolution
  ConvolutionDepthwise Crop CropAndResize ImageProcess Deconvolution DeconvolutionDepthwise Dequantize DetectionOutput
  Dropout Eltwise ELU Unique Exp ExpandDims Fill Flatten Im2Col Gather GatherV2 Im2Seq InnerProduct Input Interp Log LRN
  LSTM MatMul MoE NonMaxSuppression NonMaxSuppressionV2 Normalize Pack Padding Permute Pooling Power PReLU PriorBox
  Proposal QuantizedAvgPool QuantizedBiasAdd QuantizedConcat QuantizedDepthwiseConv2D QuantizedLogistic
  RasterAndInterpolate QuantizedMaxPool Texture RasterDiff QuantizedReshape QuantizedSoftmax QuantizeMaxMin QuantizeV2
  Range Rank ReduceJoin Reduction ReLU ReLU6 RequantizationRange Requantize Reshape Resize RNN ROIPooling Scale Selu
  Seq2Out Shape Sigmoid Size Slice SliceTf Softmax SpaceToBatchND SpatialProduct Col2Im Segment Squeeze StridedSlice
  CastLike StringSplit StringToNumber TanH TfQuantizedConv2D Threshold Tile TopKV2 Transpose UnaryOp Unpack Where
  Moments RNNSequenceGRU BatchMatMul Unsqueeze CosineSimilarity DepthToSpace SpaceToDepth ReverseSequence Pooling3D
  Convolution3D MatrixBandPart GatherND DetectionPostProcess UnravelIndex ScatterNd OneHot BroadcastTo Dilation2D
  Interp3D`.split(/\s+/)
const highTypes: Readonly<Record<number, string>> = {
  128: 'Raster',
  129: 'ConvertTensor',
  130: 'ArgMin',
  131: 'LinSpace',
  137: 'TensorArrayGather',
  142: 'Reverse',
  148: 'CumSum',
  151: 'ScatterElements',
  152: 'GatherElements',
  155: 'DynamicQuant',
  256: 'Plugin',
  257: 'Select',
  258: 'ZerosLike',
  262: 'Identity',
  266: 'TrainableParam',
  267: 'BatchNorm',
  299: 'Attention',
  304: 'GroupNorm',
  512: 'Extra',
  513: 'ConvInt8',
  514: 'Int8ToFloat',
  515: 'DepthwiseConvInt8',
  516: 'PoolInt8',
  517: 'FloatToInt8',
  518: 'EltwiseInt8',
  600: 'While',
  601: 'If',
  603: 'LayerNorm',
  604: 'GridSample',
}
export const opTypeName = (type: number): string => highTypes[type] ?? lowTypes[type] ?? `of type ${type}`
export const opTypeOf = (name: string): number => {
  const low = lowTypes.indexOf(name)
  return low >= 0 ? low : Number(Object.entries(highTypes).find(([, other]) => other === name)![0])
}

const view = { offset: int(), stride: ints } as const
const region = { src: table(view), dst: table(view), size: ints, origin: int() } as const
export type Region = RecordOf<typeof region>

const tensorQuantInfo = { scale: real(), zero: real(), min: real(-128), max: real(127), type: int() } as const

const tensorDescribe = {
  blob: table(blob),
  index: int(),
  name: text,
  regions: tables(region),
  quantInfo: table(tensorQuantInfo),
} as const

const op = {
  inputIndexes: ints,
  main: union(parameterNames, parameters),
  name: text,
  outputIndexes: ints,
  type: int(),
  defaultDimentionFormat: byte(layouts.nhwc),
  externalPath: text,
} as const
export type Op = RecordOf<typeof op>
export type Parameters = { [K in keyof typeof parameters]: RecordOf<(typeof parameters)[K]> }

export const net = {
  bizCode: text,
  extraTensorDescribe: tables(tensorDescribe),
  extraInfo: table({ buffer: vector('int8'), name: text, version: text }),
  oplists: tables(op),
  outputName: texts,
  preferForwardType: byte(),
  sourceType: byte(),
  tensorName: texts,
  tensorNumber: int(),
  usage: byte(),
  subgraphs: tables({ name: text }),
  mnn_uuid: text,
} as const
