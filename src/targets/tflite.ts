// TensorFlow Lite (LiteRT), and its runtime for microcontrollers. Rules of the quantisation specification; what each kernel computes was
// read from tensorflow/lite/kernels and held against the runtimes (test/simulate).
import type { FormatName } from '../ir/format-names.ts'
import type { OpRule, Target } from '../ir/target.ts'

const spec = 'https://ai.google.dev/edge/litert/models/quantization_spec'
const kernels = 'tensorflow: lite/kernels, lite/kernels/internal/reference'
const micro = 'tflite-micro: tensorflow/lite/micro/kernels'

const compute = (op: string, rest: Partial<OpRule> = {}): OpRule => ({ op, kind: 'compute', source: spec, ...rest })
const pass = (op: string): OpRule => ({ op, kind: 'pass', inputs: [0], needsInteger: 'inputs', source: spec })

const ops: readonly OpRule[] = [
  compute('Conv', { inputs: [0, 1], constantWeight: true }),
  compute('Gemm', { inputs: [0, 1], constantWeight: true }),
  compute('MatMul', { inputs: [0, 1], constantWeight: true }),
  ...['Add', 'Sub', 'Mul', 'Concat'].map(op => compute(op, { needsInteger: 'inputs' })),
  ...['GlobalAveragePool', 'ReduceMean', 'Relu', 'LeakyRelu', 'HardSwish', 'Sigmoid', 'Tanh', 'Softmax'].map(op =>
    compute(op, { inputs: [0], needsInteger: 'inputs' }),
  ),
  ...['AveragePool', 'MaxPool', 'Pad', 'Resize', 'DepthToSpace', 'SpaceToDepth'].map(pass),
  ...['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Slice', 'Gather', 'Tile', 'Expand', 'Identity'].map(
    pass,
  ),
]

// The kernels know these and no others.
const activations: readonly FormatName[] = ['int8', 'uint8', 'int16', 'uint16']
const weights: readonly FormatName[] = [
  'int8',
  'uint8',
  'int4',
  'uint4',
  'int5',
  'int6',
  'int7',
  'uint5',
  'uint6',
  'uint7',
  'int3',
  'uint3',
]

const fixed = (op: string, scale: number, zeroPoint: number) => ({ op, bits: 8, scale, zeroPoint, source: spec })

export const tflite: Target = {
  id: 'tflite',
  vendor: 'Google',
  label: 'TensorFlow Lite (LiteRT)',
  exporter: 'tflite',
  forms: [
    { id: 'int8', holds: 'quantised', activations: 'int8' },
    { id: '16x8', holds: 'quantised', activations: 'int16', weights: 'int8' },
    { id: 'dynamic', holds: 'quantised', activations: 'float32', weights: 'int8' },
    { id: 'float16', holds: 'float16' },
    { id: 'float', holds: 'float' },
  ],
  version: 'ai-edge-litert 2.3.0',
  preview: 'tflite',
  layout: 'NHWC',
  integerEdges: true,
  lower: ['decompose-layer-norm', 'fuse-hard-swish', 'decompose-hard-sigmoid'],
  quant: {
    activations: {
      formats: ['float32', 'float16', ...activations],
      integer: activations,
      signed: true,
      symmetric: false,
      symmetricFrom: 16,
    },
    weights: { formats: ['float32', 'float16', ...weights], integer: weights, signed: true, perChannel: true },
    bias: 'int32',
    ops,
    fused: ['Relu', 'Clip'].map(op => ({
      after: ['Conv', 'Gemm', 'MatMul', 'Add', 'Sub', 'Mul', 'AveragePool', 'MaxPool'],
      op,
      native: [
        { min: 0, max: Number.POSITIVE_INFINITY },
        { min: 0, max: 6 },
        { min: -1, max: 1 },
      ],
      source: `${kernels}: CalculateActivationRangeQuantized in kernel_util.cc`,
    })),
    fixed: [fixed('Softmax', 1 / 256, -128), fixed('Sigmoid', 1 / 256, -128), fixed('Tanh', 1 / 128, 0)],
  },
  limits: { opset: { min: 14, max: 21 }, staticShapes: true }, // HardSwish came with 14
  ranOnItsRuntime: true,
  sources: [spec, kernels],
}

/** The same files, without what only the larger runtime has: weights that are restored as it runs, activations rounded as it goes. */
export const tflm: Target = {
  ...tflite,
  id: 'tflm',
  label: 'TensorFlow Lite for Microcontrollers',
  forms: tflite.forms.filter(form => ['int8', '16x8', 'float'].includes(form.id)),
  version: 'tflite-micro 0.dev20261023182759',
  preview: 'tflm',
  sources: [spec, micro],
}
