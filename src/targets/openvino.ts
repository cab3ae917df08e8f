// OpenVINO on CPUs. Which layers run in integers is read from the low-precision transformations of the runtime and confirmed by the
// execution graph of what was run (openvino 2026.4).
import { formatNames } from '../ir/format-names.ts'
import type { OpRule, Target } from '../ir/target.ts'

const transformations = 'openvino: src/common/low_precision_transformations/src/low_precision.cpp'

const compute = (op: string, rest: Partial<OpRule> = {}): OpRule => ({
  op,
  kind: 'compute',
  source: transformations,
  ...rest,
})
const pass = (op: string, rest: Partial<OpRule> = {}): OpRule => ({
  op,
  kind: 'pass',
  inputs: [0],
  source: transformations,
  ...rest,
})

const ops: readonly OpRule[] = [
  compute('Conv', { inputs: [0, 1], constantWeight: true, source: `${transformations}, ConvolutionTransformation` }),
  compute('Gemm', {
    inputs: [0, 1],
    constantWeight: true,
    floatOutput: true,
    source: `${transformations}, MatMulTransformation`,
  }),
  compute('MatMul', {
    inputs: [0, 1],
    constantWeight: true,
    floatOutput: true,
    source: `${transformations}, MatMulTransformation`,
  }),
  compute('Add', { needsInteger: true, source: `${transformations}, AddTransformation` }),
  compute('Concat', { needsInteger: true, source: `${transformations}, ConcatTransformation` }),
  compute('AveragePool', { needsInteger: true, source: `${transformations}, AvgPoolTransformation` }),
  compute('GlobalAveragePool', { needsInteger: true, source: `${transformations}, ReduceMeanTransformation` }),
  pass('MaxPool'),
  pass('Flatten'),
  pass('Reshape'),
  pass('Slice'),
  pass('Squeeze'),
  pass('Transpose'),
  pass('Unsqueeze'),
]

const fusedSource = 'openvino: src/plugins/intel_cpu/src/graph_optimizer.cpp, FuseConvolutionAndSimpleOperation'
const fusedAfter = ['Conv', 'Gemm', 'MatMul', 'Add']

// Weights are kept as int8 or int4 constants; fewer bits as codes of those.
const integers = formatNames.filter(name => /^u?int[2-8]$/.test(name))

export const openvino: Target = {
  id: 'openvino',
  vendor: 'Intel',
  label: 'OpenVINO (CPU)',
  exporter: 'openvino',
  forms: [
    // Its kernels sum two products of bytes in 16 bits on x86 without VNNI; seven bits keep that exact everywhere.
    { id: 'int8', holds: 'quantised', narrowed: 'int7' },
    { id: 'int8-vnni', holds: 'quantised' },
    { id: 'int8-weights', holds: 'quantised', activations: 'float32', weights: 'int8' },
    { id: 'int4-weights', holds: 'quantised', activations: 'float32', weights: 'int4' },
    { id: 'float16', holds: 'float16' },
    { id: 'float', holds: 'float' },
  ],
  version: '2026.4',
  preview: 'runtime',
  layout: 'NCHW',
  quant: {
    activations: {
      formats: ['float32', ...integers, 'int16', 'uint16'],
      integer: ['int8', 'uint8'],
      signed: false,
      symmetric: false,
    },
    weights: {
      formats: ['float32', ...integers],
      integer: ['int8', 'int7', 'int6', 'int5'],
      signed: true,
      perChannel: true,
    },
    bias: 'float32',
    ops,
    fused: ['Relu', 'Clip'].map(op => ({ after: fusedAfter, op, source: fusedSource })),
  },
  limits: { opset: { min: 7, max: 24 } },
  ranOnItsRuntime: true,
  caution:
    'On x86 processors without VNNI (before Ice Lake, before Zen 4) sums of products of bytes overflow in OpenVINO, and answers may be far off: the form int8 keeps weights to seven bits, which is right everywhere; int8-vnni, and what came in quantised, keep eight for processors that have it.',
  sources: [
    'https://docs.openvino.ai/2026/documentation/openvino-ir-format/operation-sets.html',
    'https://docs.openvino.ai/2026/openvino-workflow/model-optimization-guide/quantizing-models-post-training.html',
    transformations,
  ],
}
