// Apache TVM through Relax: compiles ONNX; only floats were run here.
import type { Target } from '../ir/target.ts'
import { inFloats } from './in-floats.ts'

const frontend = 'https://tvm.apache.org/docs/reference/api/python/relax/frontend.html'

export const tvm: Target = {
  id: 'tvm',
  vendor: 'Apache',
  label: 'TVM',
  exporter: 'tvm',
  forms: [{ id: 'float', holds: 'float' }],
  version: '0.27',
  preview: 'runtime',
  layout: 'NCHW',
  quant: inFloats,
  limits: { opset: { min: 7, max: 18 }, staticShapes: true },
  ranOnItsRuntime: true,
  sources: [frontend],
}
