// Ambarella's CVflow chips. The tools that compile for them are closed, and nothing here has been through them: formats of 8 and 16 bits are
// what published scripts ask for, and what runs in integers is taken for what every such chip runs.
import { formatNames } from '../ir/format-names.ts'
import type { OpRule, Target } from '../ir/target.ts'

const scripts = 'https://github.com/ModelTC/msbench/blob/main/docs/source/user_guide/deploy/cvflow.rst'

const compute = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].map(
  (op): OpRule => ({ op, kind: 'compute', inputs: [0, 1], constantWeight: true, source: scripts }),
)
const others = ['Add', 'Concat', 'AveragePool', 'GlobalAveragePool'].map(
  (op): OpRule => ({ op, kind: 'compute', needsInteger: true, source: scripts }),
)
const movers = ['MaxPool', 'Reshape', 'Flatten', 'Transpose', 'Slice', 'Squeeze', 'Unsqueeze'].map(
  (op): OpRule => ({ op, kind: 'pass', inputs: [0], source: scripts }),
)

const integers = formatNames.filter(name => /^u?int(8|16)$/.test(name))

const base: Target = {
  id: 'ambarella',
  vendor: 'Ambarella',
  label: 'Ambarella CVflow',
  exporter: 'ambarella',
  forms: [
    { id: 'mixed', holds: 'quantised' },
    { id: 'fx8', holds: 'quantised', activations: 'int8', weights: 'int8' },
    { id: 'fx16', holds: 'quantised', activations: 'int16', weights: 'int16' },
    { id: 'float', holds: 'float' },
  ],
  version: 'CNNGen 2',
  preview: 'runtime',
  layout: 'NCHW',
  calibrates: true,
  quant: {
    activations: { formats: [...integers, 'float32'], integer: integers, signed: true, symmetric: true },
    weights: { formats: integers, integer: integers, signed: true, perChannel: false },
    bias: 'float32',
    ops: [...compute, ...others, ...movers],
    fused: ['Relu', 'Clip'].map(op => ({ after: ['Conv', 'ConvTranspose', 'Gemm', 'Add'], op, source: scripts })),
  },
  limits: { opset: { min: 7, max: 13 }, staticShapes: true },
  ranOnItsRuntime: false,
  sources: [scripts],
}

export const ambarella: readonly Target[] = [
  base,
  { ...base, id: 'ambarella:cv22', label: 'Ambarella CV22' },
  { ...base, id: 'ambarella:cv25', label: 'Ambarella CV25' },
]
