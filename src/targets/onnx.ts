// Plain ONNX: the model as it is, float or quantised, for any runtime that reads the standard.
import type { Target } from '../ir/target.ts'
import { onnxruntime } from './onnxruntime.ts'

export const onnx: Target = {
  ...onnxruntime,
  id: 'onnx',
  vendor: 'Linux Foundation',
  label: 'ONNX (any runtime)',
  forms: onnxruntime.forms.filter(form => ['qdq', 'float16', 'float'].includes(form.id)),
  version: 'opset of the model',
  limits: { opset: onnxruntime.limits.opset },
  sources: ['https://onnx.ai/onnx/operators/'],
}
