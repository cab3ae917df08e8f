// Paddle's inference, and Paddle Lite by its opt tool: programs of the older kind, in floats.
import type { Target } from '../ir/target.ts'
import { inFloats } from './in-floats.ts'

const format = 'https://github.com/PaddlePaddle/Paddle/blob/develop/paddle/fluid/framework/framework.proto'

export const paddle: Target = {
  id: 'paddle',
  vendor: 'Baidu',
  label: 'Paddle',
  exporter: 'paddle',
  forms: [{ id: 'float', holds: 'float' }],
  version: '3.3.1',
  preview: 'runtime',
  layout: 'NCHW',
  quant: inFloats,
  limits: { opset: { min: 7, max: 24 }, staticShapes: true },
  ranOnItsRuntime: true,
  sources: [format],
}
