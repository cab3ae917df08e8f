// TensorRT on NVIDIA's GPUs. Int8 is symmetric; which layers run in it the pairs in the model say. Nothing here has run in TensorRT: the
// rules are NVIDIA's own words, checked in files by a linter and run by ONNX Runtime.
import type { OpRule, Target } from '../ir/target.ts'

const types =
  'https://docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/work-quantized-types.html (Explicit Quantization; Q/DQ Layer-Placement Recommendations)'
const residual =
  'https://docs.nvidia.com/deeplearning/tensorrt/tensorflow-quantization-toolkit/docs/docs/add_custom_qdq_cases.html (ResNetV1QDQCase)'
const operators =
  'onnx/onnx-tensorrt: docs/operators.md, "TensorRT 10.0 supports operators in the inclusive range of opset 9 to opset 20"'

const compute = (op: string, rest: Partial<OpRule> = {}): OpRule => ({ op, kind: 'compute', source: types, ...rest })
const weighted: Partial<OpRule> = { inputs: [0, 1], constantWeight: true, floatOutput: true }
const pass = (op: string): OpRule => ({ op, kind: 'pass', inputs: [0], source: `${types}, commuting layers` })

export const tensorrt: Target = {
  id: 'tensorrt',
  vendor: 'NVIDIA',
  label: 'TensorRT',
  exporter: 'tensorrt',
  forms: [
    { id: 'qdq', holds: 'quantised' },
    { id: 'calibration', holds: 'quantised', activations: 'int8', weights: 'int8' },
    { id: 'float16', holds: 'float16' },
    { id: 'float', holds: 'float' },
  ],
  version: '10',
  preview: 'runtime',
  layout: 'NCHW',
  channels: {
    multiple: 16,
    source:
      'https://docs.nvidia.com/deeplearning/tensorrt/latest/performance/best-practices.html (Optimizing for Tensor Cores: int8)',
  },
  quant: {
    activations: {
      formats: ['float32', 'int8', 'uint8'],
      integer: ['int8', 'uint8'],
      signed: true,
      symmetric: true,
    },
    weights: {
      formats: ['float32', 'int8', 'uint8'],
      integer: ['int8', 'uint8'],
      signed: true,
      perChannel: true,
    },
    bias: 'float32',
    ops: [
      compute('Conv', weighted),
      compute('ConvTranspose', weighted),
      compute('Gemm', weighted),
      compute('MatMul', weighted),
      compute('Add', { needsInteger: 'inputs', source: residual }),
      ...['MaxPool', 'Reshape', 'Flatten', 'Transpose', 'Slice', 'Squeeze', 'Unsqueeze'].map(pass),
    ],
    // Pairs stand before what reads integers; a Relu before one is fused by the builder.
    outputs: 'float32',
    fused: [],
    klForm: 'tensorrt',
  },
  limits: { opset: { min: 9, max: 20 } },
  ranOnItsRuntime: false,
  sources: [types, residual, operators],
}
