// ONNX Runtime on CPUs, native and in the web. What its QDQ transformer turns into integer kernels, read from the runtime's source
// (onnxruntime/core/optimizer/qdq_transformer/selectors_actions) and confirmed by running each form.
import type { OpRule, Target } from '../ir/target.ts'

const selectors = 'onnxruntime: core/optimizer/qdq_transformer/selectors_actions/qdq_selector_action_transformer.cc'

const compute = (op: string, rest: Partial<OpRule> = {}): OpRule => ({
  op,
  kind: 'compute',
  source: selectors,
  ...rest,
})
const pass = (op: string, rest: Partial<OpRule> = {}): OpRule => ({
  op,
  kind: 'pass',
  inputs: [0],
  source: selectors,
  ...rest,
})

const ops: readonly OpRule[] = [
  compute('Conv', { inputs: [0, 1], constantWeight: true }),
  compute('Gemm', { inputs: [0, 1], constantWeight: true, floatOutput: true }),
  compute('MatMul', { inputs: [0, 1], constantWeight: true, floatOutput: true }),
  compute('Add', { needsInteger: true }),
  compute('Mul', { needsInteger: true }),
  compute('Concat', { needsInteger: true }),
  compute('AveragePool', { needsInteger: true }),
  compute('GlobalAveragePool', { needsInteger: true }),
  compute('LeakyRelu', { needsInteger: true }),
  compute('Sigmoid', { needsInteger: true }),
  pass('MaxPool', { since: 12 }),
  pass('Reshape'),
  pass('Transpose'),
  pass('Squeeze'),
  pass('Unsqueeze'),
  pass('Flatten'),
]

const fusedSource = 'onnxruntime: core/optimizer/qdq_transformer/relu_quantizelinear.cc, clip_quantizelinear.cc'

export const onnxruntime: Target = {
  id: 'onnxruntime',
  vendor: 'Microsoft',
  label: 'ONNX Runtime (CPU)',
  exporter: 'onnx',
  forms: ['qdq', 'float16'],
  version: '1.30',
  quant: {
    // Unsigned: with signed activations the runtime leaves half the convolutions of a residual network in float.
    activations: { bits: 8, signed: false, symmetric: false },
    weights: { bits: 8, signed: true, symmetric: true, perChannel: true },
    biasBits: 32,
    ops,
    fused: [
      {
        after: ['Conv', 'Add', 'Mul', 'Gemm', 'GlobalAveragePool', 'AveragePool', 'Concat'],
        op: 'Relu',
        source: fusedSource,
      },
      { after: ['Conv', 'Add', 'Mul', 'Gemm'], op: 'Clip', source: fusedSource },
    ],
  },
  limits: { opset: { min: 7, max: 26 } },
  ranOnItsRuntime: true,
  sources: ['https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html', selectors],
}

/** The same files, run by onnxruntime-web in WebAssembly. */
export const ortWeb: Target = { ...onnxruntime, id: 'ort-web', label: 'ONNX Runtime Web (WebAssembly)' }
