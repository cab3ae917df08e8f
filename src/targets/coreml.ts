// Core ML on Apple's systems. Weights of few bits are unpacked when a model is loaded, and save room alone; where activations are codes
// too, the Neural Engine of A17 Pro and M4 computes convolutions and matrix products in int8. Nothing here has run in Core ML: files are
// checked by coremltools, which parses them and types each operation.
import type { OpRule, Target } from '../ir/target.ts'

const compression = 'https://apple.github.io/coremltools/docs-guides/source/opt-overview.html'
const quantization = 'https://apple.github.io/coremltools/docs-guides/source/opt-quantization-overview.html'
const operations = 'https://apple.github.io/coremltools/source/coremltools.converters.mil.mil.ops.defs.html'

const compute = (op: string): OpRule => ({
  op,
  kind: 'compute',
  inputs: [0, 1],
  constantWeight: true,
  floatOutput: true,
  source: quantization,
})

export const coreml: Target = {
  id: 'coreml',
  vendor: 'Apple',
  label: 'Core ML',
  exporter: 'coreml',
  forms: [
    { id: 'int8', holds: 'quantised', activations: 'int8', weights: 'int8' },
    { id: 'weights8', holds: 'quantised', activations: 'float32', weights: 'int8' },
    { id: 'weights4', holds: 'quantised', activations: 'float32', weights: 'int4' },
    { id: 'float16', holds: 'float16' },
    { id: 'float', holds: 'float' },
  ],
  version: 'iOS 16 to 18',
  preview: 'runtime',
  layout: 'NCHW',
  integerEdges: true,
  quant: {
    activations: { formats: ['float32', 'int8'], integer: ['int8'], signed: true, symmetric: true },
    weights: {
      formats: ['float32', 'int8', 'uint8', 'int4', 'uint4'],
      integer: ['int8', 'uint8', 'int4', 'uint4'],
      signed: true,
      perChannel: true,
    },
    bias: 'float32',
    ops: ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].map(compute),
    outputs: 'float32',
    fused: [],
  },
  limits: { opset: { min: 7, max: 24 }, staticShapes: true },
  ranOnItsRuntime: false,
  sources: [compression, quantization, operations],
}
