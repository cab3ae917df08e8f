// ONNX Runtime on CPUs, native and in the web. What its QDQ transformer turns into integer kernels, read from the runtime's source
// (onnxruntime/core/optimizer/qdq_transformer/selectors_actions) and confirmed by running each form.
import { formatNames } from '../ir/format-names.ts'
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
  compute('Conv', { inputs: [0, 1], constantWeight: true, source: `${selectors}, ConvQDQRules` }),
  compute('Gemm', { inputs: [0, 1], constantWeight: true, floatOutput: true, source: `${selectors}, GemmQDQRules` }),
  compute('MatMul', {
    inputs: [0, 1],
    constantWeight: true,
    floatOutput: true,
    source: `${selectors}, MatMulQDQRules`,
  }),
  ...['Add', 'Mul'].map(op => compute(op, { needsInteger: true, source: `${selectors}, BinaryOpQDQRules` })),
  compute('Concat', { needsInteger: true, source: `${selectors}, VariadicOpQDQRules` }),
  ...['AveragePool', 'GlobalAveragePool', 'LeakyRelu', 'Sigmoid'].map(op =>
    compute(op, { needsInteger: true, source: `${selectors}, UnaryOpQDQRules` }),
  ),
  // DropQDQNodesRules: integers go through the operator as they are. Pad, DepthToSpace and SpaceToDepth are not among them.
  pass('MaxPool', { since: 12 }),
  pass('ReduceMax'),
  pass('ReduceMin'),
  pass('Resize', { nearestOnly: true }),
  pass('Expand'),
  pass('Flatten'),
  pass('Gather'),
  pass('Reshape'),
  pass('Slice'),
  pass('Squeeze'),
  pass('Tile'),
  pass('Transpose'),
  pass('Unsqueeze'),
]

// The runtime would take these in integers.
const declined = [
  {
    op: 'Softmax',
    why: 'left in float by choice: in integers probabilities would go in steps of 1/256, and small ones would vanish',
    source: `${selectors}, UnaryOpQDQRules`,
  },
  {
    op: 'Split',
    why: 'left in float by choice: it only moves values, and all its outputs would have to share one scale',
    source: `${selectors}, SplitQDQRules`,
  },
  {
    op: 'Where',
    why: 'left in float by choice: it only picks values, and integers would round them once more',
    source: `${selectors}, WhereQDQRules`,
  },
  {
    op: 'GatherElements',
    why: 'left in float by choice: it only moves values',
    source: `${selectors}, DropQDQNodesRules`,
  },
]

// What lies in int8 is an int8 to the kernels, however few of its codes are used.
const weightsOfInt8 = formatNames.filter(name => /^u?int[5-8]$/.test(name))

// DequantizeLinear takes int4 and 16 bits from opset 21, int2 from 25, 8-bit floats from 19; what has no type is a function of ours with
// a standard body. All of it was run in versions 1.30 (web) and 1.32.
const activationFormats = formatNames.filter(name => !['nf4', 'pow2', 'apot', 'ternary', 'binary'].includes(name))

const fusedSource =
  'onnxruntime: core/optimizer/qdq_transformer/relu_quantizelinear.cc, clip_quantizelinear.cc (only where the codes reach no further than the bounds)'
const fusedAfter = ['Conv', 'Gemm', 'MatMul', 'Add', 'Mul', 'Concat', 'AveragePool', 'GlobalAveragePool']

export const onnxruntime: Target = {
  id: 'onnxruntime',
  vendor: 'Microsoft',
  label: 'ONNX Runtime (CPU)',
  exporter: 'onnx',
  forms: [
    { id: 'qdq', holds: 'quantised' },
    { id: 'qoperator', holds: 'quantised' },
    { id: 'nbits', holds: 'quantised' },
    { id: 'dynamic', holds: 'quantised' },
    { id: 'float16', holds: 'float16' },
    { id: 'float', holds: 'float' },
  ],
  version: '1.30',
  preview: 'runtime',
  layout: 'NCHW',
  channels: {
    multiple: 16,
    source: 'docs/pruning.md#widths-and-time',
  },
  quant: {
    // Unsigned: with signed activations the runtime leaves half the convolutions of a residual network in float.
    activations: { formats: activationFormats, integer: ['uint8', 'int8'], signed: false, symmetric: false },
    weights: { formats: formatNames, integer: weightsOfInt8, signed: true, perChannel: true },
    bias: 'int32',
    ops,
    declined,
    // To int8 with one scale for the whole weight, in versions 1.30 and 1.32: a layer that the recipe keeps in float would lose what it was kept for.
    roundsUnasked: {
      ops: ['Conv', 'ConvTranspose', 'Gemm'],
      source:
        'https://github.com/microsoft/onnxruntime/blob/main/onnxruntime/core/optimizer/qdq_transformer/weight_bias_quantization.cc',
    },
    fused: ['Relu', 'Clip'].map(op => ({ after: fusedAfter, op, source: fusedSource })),
  },
  limits: {
    opset: { min: 7, max: 26 },
    irVersion: { max: 13, source: 'onnxruntime 1.30 refuses newer ones: "max supported IR version: 13"' },
  },
  ranOnItsRuntime: true,
  caution:
    'For ONNX Runtime on x86 processors without VNNI (before Ice Lake, before Zen 4): sums of products of bytes overflow there, and answers may be far off. The session option session.x64quantprecision, set to 1, mends it where the sample programs set it; other models want weights of int7.',
  sources: ['https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html', selectors],
}

/** The same files, run by onnxruntime-web in WebAssembly. */
export const ortWeb: Target = {
  ...onnxruntime,
  id: 'ort-web',
  label: 'ONNX Runtime Web (WebAssembly)',
  caution: undefined,
}
