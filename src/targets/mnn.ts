// MNN 3 on CPUs. Integers are for weights: the runtime makes floats of them when it loads a file.
import { formatNames } from '../ir/format-names.ts'
import type { OpRule, Target } from '../ir/target.ts'

const converter = 'alibaba/MNN: source/core/ConvolutionCommon.cpp, load: codes × alpha become floats'

const layers: readonly OpRule[] = ['Conv', 'Gemm', 'MatMul'].map(op => ({
  op,
  kind: 'compute',
  inputs: [0, 1],
  constantWeight: true,
  floatOutput: true,
  source: converter,
}))

const weightFormats = formatNames.filter(name => /^u?int[48]$/.test(name))

export const mnn: Target = {
  id: 'mnn',
  vendor: 'Alibaba',
  label: 'MNN',
  exporter: 'mnn',
  forms: [
    { id: 'weights8', holds: 'quantised', activations: 'float32', weights: 'int8' },
    { id: 'weights4', holds: 'quantised', activations: 'float32', weights: 'int4' },
    { id: 'float16', holds: 'float16' },
    { id: 'float', holds: 'float' },
  ],
  version: '3.6.1',
  preview: 'runtime',
  layout: 'NCHW',
  quant: {
    activations: { formats: ['float32'], integer: [], signed: true, symmetric: true },
    weights: { formats: weightFormats, integer: weightFormats, signed: true, perChannel: true },
    bias: 'float32',
    ops: layers,
    fused: [],
  },
  limits: { opset: { min: 7, max: 22 }, staticShapes: true },
  ranOnItsRuntime: true,
  sources: ['https://github.com/alibaba/MNN/tree/master/schema/default', converter],
}
