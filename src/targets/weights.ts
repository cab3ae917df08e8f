// Files of weights without a graph, for programs that have their own.
import { formatNames } from '../ir/format-names.ts'
import type { OpRule, Target } from '../ir/target.ts'

const format = 'https://github.com/huggingface/safetensors#format'
const ggml = 'https://github.com/ggml-org/ggml/blob/master/docs/gguf.md'

const layers = (source: string): readonly OpRule[] =>
  ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].map(op => ({
    op,
    kind: 'compute',
    inputs: [0, 1],
    constantWeight: true,
    floatOutput: true,
    source,
  }))

// Codes of fewer bits have no element type of their own there.
const bytes = formatNames.filter(name => /^u?int[5-8]$/.test(name))

export const safetensors: Target = {
  id: 'safetensors',
  vendor: 'Hugging Face',
  label: 'safetensors',
  exporter: 'safetensors',
  forms: [
    { id: 'int8', holds: 'quantised', activations: 'float32', weights: 'int8' },
    { id: 'float16', holds: 'float16' },
    { id: 'float', holds: 'float' },
  ],
  version: '0.8',
  preview: 'runtime',
  layout: 'NCHW',
  quant: {
    activations: { formats: ['float32'], integer: [], signed: true, symmetric: true },
    weights: { formats: bytes, integer: bytes, signed: true, perChannel: true },
    bias: 'float32',
    ops: layers(format),
    fused: [],
  },
  limits: { opset: { min: 7, max: 26 } },
  ranOnItsRuntime: false,
  sources: [format],
}

export const gguf: Target = {
  ...safetensors,
  id: 'gguf',
  vendor: 'ggml',
  label: 'GGUF',
  exporter: 'gguf',
  forms: [
    { id: 'q8_0', holds: 'float' },
    { id: 'q4_0', holds: 'float' },
    { id: 'float16', holds: 'float' },
    { id: 'float', holds: 'float' },
  ],
  version: '3',
  quant: { ...safetensors.quant, ops: layers(ggml) },
  sources: [ggml],
}
