// TFLite's schema (identifier TFL3) as far as it is used here. Read from tensorflow/compiler/mlir/lite/schema/schema.fbs and from the
// schema that ai-edge-litert 2.3.0 brings along.
import type { Schema } from './flat-tables.ts'

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

/** By BuiltinOptions. */
export const optionTables =
  'NONE Conv2D DepthwiseConv2D ConcatEmbeddings LSHProjection Pool2D SVDF RNN FullyConnected Softmax Concatenation Add L2Norm LocalResponseNormalization LSTM ResizeBilinear Call Reshape SkipGram SpaceToDepth EmbeddingLookupSparse Mul Pad Gather BatchToSpaceND SpaceToBatchND Transpose Reducer Sub Div Squeeze SequenceRNN StridedSlice Exp TopKV2 Split LogSoftmax Cast Dequantize MaximumMinimum ArgMax Less Neg PadV2 Greater GreaterEqual LessEqual Select Slice TransposeConv SparseToDense Tile ExpandDims Equal NotEqual Shape Pow ArgMin FakeQuant Pack LogicalOr OneHot LogicalAnd LogicalNot Unpack FloorDiv Square ZerosLike Fill BidirectionalSequenceLSTM BidirectionalSequenceRNN UnidirectionalSequenceLSTM FloorMod Range ResizeNearestNeighbor LeakyRelu SquaredDifference MirrorPad Abs SplitV Unique ReverseV2 AddN GatherNd Cos Where Rank ReverseSequence MatrixDiag Quantize MatrixSetDiag HardSwish If While DepthToSpace NonMaxSuppressionV4 NonMaxSuppressionV5 ScatterNd SelectV2 Densify SegmentSum BatchMatMul Cumsum CallOnce BroadcastTo Rfft2d Conv3D Hashtable HashtableFind HashtableImport HashtableSize VarHandle ReadVariable AssignVariable Random Bucketize Gelu DynamicUpdateSlice UnsortedSegmentProd UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentSum ATan2 Sign Bitcast BitwiseXor RightShift'.split(
    ' ',
  )

/** Options of operators that are read or written here; those without fields are empty. */
const options = {
  Conv2D: 'padding:byte strideW:int strideH:int activation:byte dilationW:int=1 dilationH:int=1 biasType:byte',
  DepthwiseConv2D:
    'padding:byte strideW:int strideH:int depthMultiplier:int activation:byte dilationW:int=1 dilationH:int=1',
  Pool2D: 'padding:byte strideW:int strideH:int filterW:int filterH:int activation:byte',
  FullyConnected: 'activation:byte weightsFormat:byte keepNumDims:bool asymmetricInputs:bool biasType:byte',
  Softmax: 'beta:float',
  Concatenation: 'axis:int activation:byte',
  Add: 'activation:byte potScaleInt16:bool=1',
  Sub: 'activation:byte potScaleInt16:bool=1',
  Mul: 'activation:byte',
  Div: 'activation:byte',
  L2Norm: 'activation:byte',
  LocalResponseNormalization: 'radius:int bias:float alpha:float beta:float',
  ResizeBilinear: '- - alignCorners:bool halfPixelCenters:bool',
  ResizeNearestNeighbor: 'alignCorners:bool halfPixelCenters:bool',
  Reshape: 'newShape:[int]',
  SpaceToDepth: 'blockSize:int',
  DepthToSpace: 'blockSize:int',
  Gather: 'axis:int batchDims:int',
  Reducer: 'keepDims:bool',
  Squeeze: 'squeezeDims:[int]',
  StridedSlice: 'beginMask:int endMask:int ellipsisMask:int newAxisMask:int shrinkAxisMask:int offset:bool',
  Split: 'numSplits:int',
  SplitV: 'numSplits:int',
  Cast: 'inDataType:byte outDataType:byte',
  ArgMax: 'outputType:byte',
  ArgMin: 'outputType:byte',
  TransposeConv: 'padding:byte strideW:int strideH:int activation:byte biasType:byte',
  Shape: 'outType:byte',
  FakeQuant: 'min:float max:float numBits:int narrowRange:bool',
  Pack: 'valuesCount:int axis:int',
  Unpack: 'num:int axis:int',
  OneHot: 'axis:int',
  LeakyRelu: 'alpha:float',
  MirrorPad: 'mode:byte',
  BatchMatMul: 'adjX:bool adjY:bool asymmetricInputs:bool',
  Cumsum: 'exclusive:bool reverse:bool',
  Gelu: 'approximate:bool',
} as const
const empty = optionTables.filter(name => name !== 'NONE' && !(name in options))

export const schema: Schema = {
  tables: {
    ...Object.fromEntries(empty.map(name => [name, ''])),
    ...options,
    Model:
      'version:uint operatorCodes:[OperatorCode] subgraphs:[SubGraph] description:string buffers:[Buffer] metadataBuffer:[int] metadata:[Metadata] signatureDefs:[SignatureDef]',
    OperatorCode: 'deprecatedBuiltinCode:byte customCode:string version:int=1 builtinCode:int',
    SubGraph: 'tensors:[Tensor] inputs:[int] outputs:[int] operators:[Operator] name:string',
    Tensor:
      'shape:[int] type:byte buffer:uint name:string quantization:Quantization isVariable:bool sparsity:Sparsity shapeSignature:[int] hasRank:bool',
    Quantization:
      'min:[float] max:[float] scale:[float] zeroPoint:[long] detailsType:ubyte details:<Details> quantizedDimension:int',
    Sparsity: 'traversalOrder:[int]',
    Blockwise: 'scales:int zeroPoints:int blockSize:int',
    Operator:
      'opcodeIndex:uint inputs:[int] outputs:[int] optionsType:ubyte options:<Options> customOptions:[ubyte] - - intermediates:[int]',
    Buffer: 'data:[ubyte]@16 offset:ulong size:ulong',
    Metadata: 'name:string buffer:uint',
    SignatureDef: 'inputs:[TensorMap] outputs:[TensorMap] signatureKey:string - subgraphIndex:uint',
    TensorMap: 'name:string tensorIndex:uint',
  },
  unions: { Options: optionTables, Details: ['NONE', 'Custom', 'Blockwise', 'MultiAxis'] },
}
