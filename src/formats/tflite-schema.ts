// TFLite's schema (identifier TFL3) as far as it is used here. Read from tensorflow/compiler/mlir/lite/schema/schema.fbs and from the
// schema that ai-edge-litert 2.3.0 brings along.
import {
  number,
  type PartOf,
  type RecordOf,
  skip,
  type Table,
  table,
  tables,
  text,
  union,
  vector,
} from './flatbuffer.ts'

export const identifier = 'TFL3'

/** By TensorType. */
export const tensorTypes =
  'FLOAT32 FLOAT16 INT32 UINT8 INT64 STRING BOOL INT16 COMPLEX64 INT8 FLOAT64 COMPLEX128 UINT64 RESOURCE VARIANT UINT32 UINT16 INT4 BFLOAT16 INT2 UINT4 FLOAT8_E4M3FN FLOAT8_E5M2'.split(
    ' ',
  )

/** By ActivationFunctionType. */
export const activations = ['NONE', 'RELU', 'RELU_N1_TO_1', 'RELU6', 'TANH', 'SIGN_BIT'] as const
export const padding = { same: 0, valid: 1 } as const

/** By BuiltinOperator. */
export const builtins =
  'ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND HARD_SWISH IF WHILE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2 UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT STABLEHLO_LOGISTIC STABLEHLO_ADD STABLEHLO_DIVIDE STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM STABLEHLO_RESHAPE STABLEHLO_CLAMP STABLEHLO_CONCATENATE STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION STABLEHLO_SLICE STABLEHLO_CUSTOM_CALL STABLEHLO_REDUCE STABLEHLO_ABS STABLEHLO_AND STABLEHLO_COSINE STABLEHLO_EXPONENTIAL STABLEHLO_FLOOR STABLEHLO_LOG STABLEHLO_MINIMUM STABLEHLO_NEGATE STABLEHLO_OR STABLEHLO_POWER STABLEHLO_REMAINDER STABLEHLO_RSQRT STABLEHLO_SELECT STABLEHLO_SUBTRACT STABLEHLO_TANH STABLEHLO_SCATTER STABLEHLO_COMPARE STABLEHLO_CONVERT STABLEHLO_DYNAMIC_SLICE STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD STABLEHLO_IOTA STABLEHLO_DOT_GENERAL STABLEHLO_REDUCE_WINDOW STABLEHLO_SORT STABLEHLO_WHILE STABLEHLO_GATHER STABLEHLO_TRANSPOSE DILATE STABLEHLO_RNG_BIT_GENERATOR REDUCE_WINDOW STABLEHLO_COMPOSITE STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT STABLEHLO_CASE'.split(
    ' ',
  )

/** By BuiltinOptions, of which the first is NONE. */
const optionTables =
  'Conv2D DepthwiseConv2D ConcatEmbeddings LSHProjection Pool2D SVDF RNN FullyConnected Softmax Concatenation Add L2Norm LocalResponseNormalization LSTM ResizeBilinear Call Reshape SkipGram SpaceToDepth EmbeddingLookupSparse Mul Pad Gather BatchToSpaceND SpaceToBatchND Transpose Reducer Sub Div Squeeze SequenceRNN StridedSlice Exp TopKV2 Split LogSoftmax Cast Dequantize MaximumMinimum ArgMax Less Neg PadV2 Greater GreaterEqual LessEqual Select Slice TransposeConv SparseToDense Tile ExpandDims Equal NotEqual Shape Pow ArgMin FakeQuant Pack LogicalOr OneHot LogicalAnd LogicalNot Unpack FloorDiv Square ZerosLike Fill BidirectionalSequenceLSTM BidirectionalSequenceRNN UnidirectionalSequenceLSTM FloorMod Range ResizeNearestNeighbor LeakyRelu SquaredDifference MirrorPad Abs SplitV Unique ReverseV2 AddN GatherNd Cos Where Rank ReverseSequence MatrixDiag Quantize MatrixSetDiag HardSwish If While DepthToSpace NonMaxSuppressionV4 NonMaxSuppressionV5 ScatterNd SelectV2 Densify SegmentSum BatchMatMul Cumsum CallOnce BroadcastTo Rfft2d Conv3D Hashtable HashtableFind HashtableImport HashtableSize VarHandle ReadVariable AssignVariable Random Bucketize Gelu DynamicUpdateSlice UnsortedSegmentProd UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentSum ATan2 Sign Bitcast BitwiseXor RightShift'.split(
    ' ',
  )

const int = (fallback = 0) => number('int32', fallback)
const uint = number('uint32')
const ulong = number('uint64')
const byte = number('int8')
const bool = (fallback = 0) => number('bool', fallback)
const real = number('float32')
const ints = vector('int32')
const reals = vector('float32')

const strides = { padding: byte, strideW: int(), strideH: int() }
const fused = { activation: byte }
const corners = { alignCorners: bool(), halfPixelCenters: bool() }

/** Options of operators that are read or written here; the others are as if they had no fields. */
const optionFields = {
  Conv2D: { ...strides, ...fused, dilationW: int(1), dilationH: int(1) },
  DepthwiseConv2D: { ...strides, depthMultiplier: int(), ...fused, dilationW: int(1), dilationH: int(1) },
  Pool2D: { ...strides, filterW: int(), filterH: int(), ...fused },
  FullyConnected: { ...fused, weightsFormat: byte, keepNumDims: bool() },
  Softmax: { beta: real },
  Concatenation: { axis: int(), ...fused },
  Add: fused,
  Sub: fused,
  Mul: fused,
  Div: fused,
  L2Norm: fused,
  LocalResponseNormalization: { radius: int(), bias: real, alpha: real, beta: real },
  ResizeBilinear: { oldHeight: skip, oldWidth: skip, ...corners },
  ResizeNearestNeighbor: corners,
  Reshape: { newShape: ints },
  SpaceToDepth: { blockSize: int() },
  DepthToSpace: { blockSize: int() },
  Gather: { axis: int(), batchDims: int() },
  Reducer: { keepDims: bool() },
  Squeeze: { squeezeDims: ints },
  StridedSlice: {
    beginMask: int(),
    endMask: int(),
    ellipsisMask: int(),
    newAxisMask: int(),
    shrinkAxisMask: int(),
    offset: bool(),
  },
  Split: { numSplits: int() },
  SplitV: { numSplits: int() },
  Cast: { inDataType: byte, outDataType: byte },
  ArgMax: { outputType: byte },
  ArgMin: { outputType: byte },
  TransposeConv: { ...strides, ...fused },
  Pack: { valuesCount: int(), axis: int() },
  Unpack: { num: int(), axis: int() },
  LeakyRelu: { alpha: real },
  MirrorPad: { mode: byte },
  BatchMatMul: { adjX: bool(), adjY: bool() },
  Cumsum: { exclusive: bool(), reverse: bool() },
  Gelu: { approximate: bool() },
} as const satisfies Record<string, Table>

/** `deprecatedBuiltinCode` holds codes up to 127; older readers know no other. */
const operatorCode = { deprecatedBuiltinCode: byte, customCode: text, version: int(1), builtinCode: int() } as const

/** real = (code - zeroPoint) * scale, for the whole tensor or for each index of `quantizedDimension`. */
const quantization = {
  min: skip,
  max: skip,
  scale: reals,
  zeroPoint: vector('int64'),
  details: union(['Custom', 'Blockwise', 'MultiAxis'], {}),
  quantizedDimension: int(),
} as const

/** `shapeSignature` has -1 where `shape` is but an example. */
const tensor = {
  shape: ints,
  type: byte,
  buffer: uint,
  name: text,
  quantization: table(quantization),
  isVariable: bool(),
  sparsity: table({}),
  shapeSignature: ints,
} as const

/** Inputs that are left out are -1. */
const operator = {
  opcodeIndex: uint,
  inputs: ints,
  outputs: ints,
  options: union(optionTables, optionFields),
} as const

const subgraph = {
  tensors: tables(tensor),
  inputs: ints,
  outputs: ints,
  operators: tables(operator),
  name: text,
} as const

/** In files beyond 2 GB the bytes lie behind the FlatBuffers part, from `offset` on. */
const buffer = { data: vector('uint8', 16), offset: ulong, size: ulong } as const

export const model = {
  version: uint,
  operatorCodes: tables(operatorCode),
  subgraphs: tables(subgraph),
  description: text,
  buffers: tables(buffer),
  metadataBuffer: skip,
  metadata: tables({ name: text, buffer: uint }),
} as const

export type OperatorCode = RecordOf<typeof operatorCode>
export type TfliteQuantization = RecordOf<typeof quantization>
export type TfliteTensor = RecordOf<typeof tensor>
export type TfliteOperator = RecordOf<typeof operator>
/** As they are written. */
export type TensorPart = PartOf<typeof tensor>
export type OperatorPart = PartOf<typeof operator>
export type BufferPart = PartOf<typeof buffer>
export type OptionsPart = NonNullable<OperatorPart['options']>
