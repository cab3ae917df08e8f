// Rockchip NPUs by RKNN-Toolkit2 (RV1109, RV1126: by the first toolkit). The toolkit itself decides what runs where; operators as of its
// list RKNNToolKit2_OP_Support and its compiler's manual.
import { formatNames } from '../ir/format-names.ts'
import type { OpRule, Target } from '../ir/target.ts'

const support = 'airockchip/rknn-toolkit2: doc/05_RKNN_Compiler_Support_Operator_List, int8 of the NPU'

const rule = (op: string, kind: OpRule['kind'], rest: Partial<OpRule> = {}): OpRule => ({
  op,
  kind,
  source: support,
  ...rest,
})

const ops: readonly OpRule[] = [
  ...['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].map(op =>
    rule(op, 'compute', { inputs: [0, 1], constantWeight: true }),
  ),
  ...[
    'Add',
    'Sub',
    'Mul',
    'Concat',
    'AveragePool',
    'GlobalAveragePool',
    'LeakyRelu',
    'Sigmoid',
    'Tanh',
    'HardSwish',
    'HardSigmoid',
  ].map(op => rule(op, 'compute', { needsInteger: true })),
  ...['MaxPool', 'Relu', 'Clip', 'Reshape', 'Flatten', 'Transpose', 'Slice', 'Squeeze', 'Unsqueeze'].map(op =>
    rule(op, 'pass', { inputs: [0] }),
  ),
  rule('Resize', 'pass', { inputs: [0], nearestOnly: true }),
]

const fusedAfter = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'Add']

const base: Target = {
  id: 'rknn',
  vendor: 'Rockchip',
  label: 'RKNN (RK3588)',
  exporter: 'rknn',
  forms: [
    { id: 'int8', holds: 'quantised' },
    { id: 'float', holds: 'float' },
  ],
  version: '2.5.0',
  preview: 'runtime',
  layout: 'NCHW',
  channels: {
    multiple: 16,
    source:
      'https://docs.rs/rknn-runtime/0.1.1/rknn_runtime/tensor/struct.Nc1hwc2Layout.html (channels in blocks of 16)',
  },
  calibrates: true,
  quant: {
    activations: { formats: ['int8', 'uint8', 'float32'], integer: ['int8', 'uint8'], signed: true, symmetric: false },
    weights: {
      formats: formatNames.filter(name => /^u?int8$/.test(name)),
      integer: ['int8', 'uint8'],
      signed: true,
      perChannel: true,
    },
    bias: 'int32',
    ops,
    fused: ['Relu', 'Clip'].map(op => ({ after: fusedAfter, op, source: support })),
  },
  limits: { opset: { min: 7, max: 19 }, staticShapes: true },
  // The toolkit's simulator builds and runs the bundle; a board has not.
  ranOnItsRuntime: true,
  sources: ['https://github.com/airockchip/rknn-toolkit2/tree/master/doc', support],
}

const chips = {
  rv1103: 'RV1103',
  rv1106: 'RV1106',
  rv1109: 'RV1109',
  rv1126: 'RV1126',
  rk3566: 'RK3566',
  rk3568: 'RK3568',
  rk3588: 'RK3588',
} as const

/** The first toolkit has one scale a layer, unsigned codes, and was never run here. */
const first: Partial<Target> = {
  version: '1.7.5',
  ranOnItsRuntime: false,
  quant: {
    ...base.quant,
    activations: { ...base.quant.activations, signed: false },
    weights: { ...base.quant.weights, signed: false, perChannel: false },
  },
  limits: { opset: { min: 7, max: 12 }, staticShapes: true },
}

export const rknn: readonly Target[] = [
  base,
  ...Object.entries(chips).map(
    ([id, name]): Target => ({
      ...base,
      ...(id === 'rv1109' || id === 'rv1126' ? first : {}),
      id: `rknn:${id}`,
      label: `RKNN (${name})`,
    }),
  ),
]
