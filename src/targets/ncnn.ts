// ncnn on CPUs: int8 products between floats. A product rounds what it reads to -127..127, sums in int32, and gives floats, to which its
// bias is added; where the next layer is a product too, it rounds what it gives in its place. Its kernels know no zero point: the exporter
// shifts what they read, so that biases and borders hold it.
import type { OpRule, Target } from '../ir/target.ts'

const quantize = 'Tencent/ncnn: docs/how-to-use-and-FAQ/quantized-int8-inference.md, tools/quantize/ncnn2int8.cpp'
const layer = (name: string): string => `Tencent/ncnn: src/layer/${name}.cpp, forward_int8`

const compute = (op: string, source: string): OpRule => ({
  op,
  kind: 'compute',
  inputs: [0, 1],
  constantWeight: true,
  floatOutput: true,
  source,
})

export const ncnn: Target = {
  id: 'ncnn',
  vendor: 'Tencent',
  label: 'ncnn (CPU)',
  exporter: 'ncnn',
  forms: [
    { id: 'int8', holds: 'quantised', activations: 'int8', weights: 'int8' },
    { id: 'float16', holds: 'float16' },
    { id: 'float', holds: 'float' },
  ],
  version: '1.0.20261020',
  preview: 'ncnn',
  layout: 'NCHW',
  lower: ['fuse-layer-norm', 'fuse-hard-swish', 'split-heads'],
  quant: {
    activations: {
      formats: ['float32', 'int8', 'uint8'],
      integer: ['int8', 'uint8'],
      signed: true,
      symmetric: false,
      restricted: true,
    },
    weights: { formats: ['float32', 'int8', 'uint8'], integer: ['int8', 'uint8'], signed: true, perChannel: true },
    bias: 'float32',
    outputs: 'float32',
    keepsRoundings: true,
    tabledReciprocals: { source: 'Tencent/ncnn: src/layer/x86/convolutiondepthwise_x86.cpp, forward_int8_x86' },
    ops: [
      compute('Conv', `${layer('convolution')}; ${layer('convolutiondepthwise')}`),
      compute('Gemm', layer('innerproduct')),
      compute('MatMul', layer('innerproduct')),
    ],
    fused: [],
    klForm: 'ncnn',
  },
  limits: { opset: { min: 17, max: 26 }, staticShapes: true },
  ranOnItsRuntime: true,
  sources: [quantize, 'Tencent/ncnn: docs/developer-guide/operators.md'],
}
