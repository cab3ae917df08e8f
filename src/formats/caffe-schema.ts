// Messages of caffe.proto as far as networks of ours use them: fields with their numbers and, where it matters, types.
// BVLC/caffe, src/caffe/proto/caffe.proto. Enums are messages of which the values have numbers only.

/** 'float', 'plain' (integers, flags, strings: their own form says which) or the name of a message or enum. */
export type FieldType = string

const messages = `
NetParameter: name 1, input 3, input_shape 8 BlobShape, input_dim 4, layer 100 LayerParameter
BlobShape: dim 1
LayerParameter: name 1, type 2, bottom 3, top 4, concat_param 104 ConcatParameter, batch_norm_param 139 BatchNormParameter,
  bias_param 141 BiasParameter, convolution_param 106 ConvolutionParameter, eltwise_param 110 EltwiseParameter, elu_param 140
  ELUParameter, exp_param 111 ExpParameter, flatten_param 135 FlattenParameter, inner_product_param 117 InnerProductParameter,
  input_param 143 InputParameter, log_param 134 LogParameter, lrn_param 118 LRNParameter, permute_param 202 PermuteParameter,
  pooling_param 121 PoolingParameter, power_param 122 PowerParameter, prelu_param 131 PReLUParameter, relu_param 123 ReLUParameter,
  reshape_param 133 ReshapeParameter, scale_param 142 ScaleParameter, slice_param 126 SliceParameter, softmax_param 125
  SoftmaxParameter, norm_param 206 NormalizeParameter, reduction_param 136 ReductionParameter
BatchNormParameter: use_global_stats 1, moving_average_fraction 2 float, eps 3 float
BiasParameter: axis 1, num_axes 2
ConcatParameter: axis 2, concat_dim 1
ConvolutionParameter: num_output 1, bias_term 2, pad 3, kernel_size 4, stride 6, dilation 18, pad_h 9, pad_w 10, kernel_h 11, kernel_w 12,
  stride_h 13, stride_w 14, group 5
EltwiseParameter: operation 1 EltwiseOp, coeff 2 float
EltwiseOp: PROD 0, SUM 1, MAX 2
ELUParameter: alpha 1 float
ExpParameter: base 1 float, scale 2 float, shift 3 float
FlattenParameter: axis 1, end_axis 2
InnerProductParameter: num_output 1, bias_term 2, axis 5, transpose 6
InputParameter: shape 1 BlobShape
LogParameter: base 1 float, scale 2 float, shift 3 float
LRNParameter: local_size 1, alpha 2 float, beta 3 float, norm_region 4 NormRegion, k 5 float
NormRegion: ACROSS_CHANNELS 0, WITHIN_CHANNEL 1
NormalizeParameter: across_spatial 1, channel_shared 3, eps 4 float
PermuteParameter: order 1
PoolingParameter: pool 1 PoolMethod, pad 4, pad_h 9, pad_w 10, kernel_size 2, kernel_h 5, kernel_w 6, stride 3, stride_h 7, stride_w 8,
  global_pooling 12, round_mode 13 RoundMode
PoolMethod: MAX 0, AVE 1, STOCHASTIC 2
RoundMode: CEIL 0, FLOOR 1
PowerParameter: power 1 float, scale 2 float, shift 3 float
PReLUParameter: channel_shared 2
ReductionParameter: operation 1 ReductionOp, axis 2, coeff 3 float
ReductionOp: SUM 1, ASUM 2, SUMSQ 3, MEAN 4
ReLUParameter: negative_slope 1 float
ReshapeParameter: shape 1 BlobShape, axis 2, num_axes 3
ScaleParameter: axis 1, num_axes 2, bias_term 4
SliceParameter: axis 3, slice_point 2
SoftmaxParameter: axis 2
`

type Fields = Readonly<Record<string, { no: number; type: FieldType }>>

const fieldsIn = (text: string): Fields =>
  Object.fromEntries(
    text.split(',').map(entry => {
      const [name, no, type = 'plain'] = entry.trim().split(/\s+/)
      return [name, { no: Number(no), type }]
    }),
  )

/** Fields by message and name. */
export const caffeSchema: Readonly<Record<string, Fields>> = Object.fromEntries(
  messages
    .trim()
    .split(/\n(?! )/)
    .map(line => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), fieldsIn(line.slice(colon + 1))]
    }),
)
