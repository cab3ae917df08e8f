// MNN 3 on CPUs. Weights alone are made floats when a file is loaded; between tensors that the file gives a scale, convolutions,
// additions and pooling run on int8 (seen in version 3.6.1: their executions say DT_INT8).
import { formatNames } from '../ir/format-names.ts'
import type { OpRule, Target } from '../ir/target.ts'

const converter = 'alibaba/MNN: source/core/ConvolutionCommon.cpp, load: codes × alpha become floats'

const executions = 'alibaba/MNN: source/backend/cpu/CPUBackend.cpp, onCreate: operators whose output is DT_INT8'

const ops: readonly OpRule[] = [
  ...['Conv', 'Gemm', 'MatMul'].map(
    (op): OpRule => ({
      op,
      kind: 'compute',
      inputs: [0, 1],
      constantWeight: true,
      floatOutput: true,
      needsInteger: 'either',
      source: converter,
    }),
  ),
  ...['Add'].map((op): OpRule => ({ op, kind: 'compute', needsInteger: true, source: executions })),
  ...['MaxPool', 'Slice', 'Pad', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose'].map(
    (op): OpRule => ({ op, kind: 'pass', inputs: [0], source: executions }),
  ),
]

const declined = ['AveragePool', 'GlobalAveragePool'].map(op => ({
  op,
  why: 'left in float by choice: MNN averages codes only where both sides have one scale, which is too coarse for averages',
  source: executions,
}))

const weightFormats = formatNames.filter(name => /^u?int[48]$/.test(name))

export const mnn: Target = {
  id: 'mnn',
  vendor: 'Alibaba',
  label: 'MNN',
  exporter: 'mnn',
  forms: [
    { id: 'int8', holds: 'quantised', activations: 'int8', weights: 'int8' },
    { id: 'weights8', holds: 'quantised', activations: 'float32', weights: 'int8' },
    { id: 'weights4', holds: 'quantised', activations: 'float32', weights: 'int4' },
    { id: 'float16', holds: 'float16' },
    { id: 'float', holds: 'float' },
  ],
  version: '3.6.1',
  preview: 'runtime',
  layout: 'NCHW',
  quant: {
    activations: { formats: ['int8', 'float32'], integer: ['int8'], signed: true, symmetric: false },
    weights: { formats: weightFormats, integer: weightFormats, signed: true, perChannel: true },
    bias: 'float32',
    ops,
    declined,
    fused: ['Relu', 'Clip'].map(op => ({ after: ['Conv', 'Add'], op, source: executions })),
  },
  limits: { opset: { min: 7, max: 22 }, staticShapes: true },
  ranOnItsRuntime: true,
  sources: ['https://github.com/alibaba/MNN/tree/master/schema/default', converter, executions],
}
