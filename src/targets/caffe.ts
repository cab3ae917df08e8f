// Caffe, in floats: for runtimes and compilers that take its two files. And HiSilicon's NNIE, whose mapper is one of them.
import type { FormatName } from '../ir/format-names.ts'
import type { OpRule, Target } from '../ir/target.ts'
import { inFloats } from './in-floats.ts'

const proto = 'BVLC/caffe: src/caffe/proto/caffe.proto'

export const caffe: Target = {
  id: 'caffe',
  vendor: 'BVLC',
  label: 'Caffe',
  exporter: 'caffe',
  forms: [{ id: 'float', holds: 'float' }],
  version: '1.0',
  preview: 'runtime',
  layout: 'NCHW',
  lower: ['decompose-hard-swish'],
  quant: inFloats,
  limits: { opset: { min: 13, max: 26 }, staticShapes: true },
  ranOnItsRuntime: true,
  sources: [proto, 'opencv: modules/dnn/src/caffe/caffe_importer.cpp'],
}

const documented = 'MQBench: docs, hardware NNIE (8 and 16 bits, logarithmic, one scale a tensor)'

const products: readonly OpRule[] = ['Conv', 'Gemm', 'MatMul'].map(op => ({
  op,
  kind: 'compute',
  inputs: [0, 1],
  constantWeight: true,
  source: documented,
}))

const formats: readonly FormatName[] = ['float32', 'int8', 'uint8', 'log8', 'log16']

const nnieOf = (id: string, label: string): Target => ({
  ...caffe,
  id,
  vendor: 'HiSilicon',
  label,
  exporter: 'nnie',
  forms: [
    { id: 'log8', holds: 'quantised', activations: 'log8', weights: 'log8' },
    { id: 'log16', holds: 'quantised', activations: 'log16', weights: 'log16' },
    { id: 'int8', holds: 'quantised', activations: 'int8', weights: 'int8' },
    { id: 'float', holds: 'float' },
  ],
  version: 'nnie_mapper',
  quant: {
    ...caffe.quant,
    // What its chips compute is not published: the formats are previewed in float products.
    activations: { formats, integer: [], signed: true, symmetric: true },
    weights: { formats, integer: [], signed: true, perChannel: false },
    ops: products,
  },
  ranOnItsRuntime: false,
  sources: [documented, proto],
})

export const nnie = nnieOf('nnie', 'Huawei NNIE')
export const nnieChips: readonly Target[] = ['Hi3519AV100', 'Hi3559AV100', 'Hi3516CV500', 'Hi3516DV300'].map(chip =>
  nnieOf(`nnie:${chip.toLowerCase()}`, `Huawei NNIE (${chip})`),
)
