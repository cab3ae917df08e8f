// Qualcomm's Hexagon through SNPE or QNN. Every tensor gets an encoding, so that nothing falls back to floats. Nothing here has run in
// Qualcomm's tools: their formats are documented, the tools themselves come under a licence of their own.
import type { OpRule, Target } from '../ir/target.ts'

const specification =
  'https://docs.qualcomm.com/doc/80-63442-10/topic/applyencodings.html (QAIRT Quantization Specification)'
const operators = 'https://docs.qualcomm.com/bundle/publicresource/topics/80-63442-50/HtpOpDefSupplement.html'
const tied =
  'qualcomm/aimet: aimet_onnx/quantsim.py, op_types_to_tie_qtzrs; common/onnx/_utils.py, _is_grid_preserving_op'
const aimet = 'qualcomm/aimet: docs, Quantization simulation, encoding format 1.0.0'

const compute = (op: string, rest: Partial<OpRule> = {}): OpRule => ({
  op,
  kind: 'compute',
  source: operators,
  ...rest,
})
const weighted: Partial<OpRule> = { inputs: [0, 1], constantWeight: true }

const elementwise = ['Add', 'Sub', 'Mul', 'Div', 'Sigmoid', 'HardSigmoid', 'HardSwish', 'Tanh', 'LeakyRelu', 'Gelu']
const others = ['GlobalAveragePool', 'ReduceMean', 'Softmax']
// One encoding for input and output: what only moves values, and what the chip computes on the codes as they are.
const movers = [
  'AveragePool',
  'Resize',
  'Pad',
  'MaxPool',
  'Reshape',
  'Flatten',
  'Transpose',
  'Slice',
  'Squeeze',
  'Unsqueeze',
]

export const qualcomm: Target = {
  id: 'qualcomm',
  vendor: 'Qualcomm',
  label: 'Qualcomm (SNPE, QNN)',
  exporter: 'qualcomm',
  forms: [
    { id: 'w8a8', holds: 'quantised', activations: 'uint8', weights: 'int8' },
    { id: 'w8a16', holds: 'quantised', activations: 'uint16', weights: 'int8' },
    { id: 'float', holds: 'float' },
  ],
  version: 'QAIRT 2.36',
  preview: 'runtime',
  layout: 'NCHW',
  channels: {
    multiple: 32,
    source: 'https://docs.qualcomm.com/doc/80-63442-10/topic/htp_guidelines_low_depth_activations.html',
  },
  quant: {
    activations: {
      formats: ['float32', 'int8', 'uint8', 'int16', 'uint16'],
      integer: ['int8', 'uint8', 'int16', 'uint16'],
      signed: false,
      symmetric: false,
    },
    weights: {
      formats: ['float32', 'int8', 'uint8', 'int4', 'uint4'],
      integer: ['int8', 'uint8', 'int4', 'uint4'],
      signed: true,
      perChannel: true,
    },
    bias: 'float32',
    ops: [
      ...['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].map(op => compute(op, weighted)),
      ...[...elementwise, ...others].map(op => compute(op)),
      { op: 'Concat', kind: 'pass', source: tied },
      ...movers.map((op): OpRule => ({ op, kind: 'pass', inputs: [0], source: tied })),
    ],
    fused: ['Relu', 'Clip'].map(op => ({
      after: ['Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'Add'],
      op,
      source: aimet,
    })),
  },
  limits: { opset: { min: 9, max: 21 }, staticShapes: true },
  ranOnItsRuntime: false,
  sources: [specification, operators, aimet],
}
