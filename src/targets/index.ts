// The list of targets, and the lookup that names near ones.
import { StudioError } from '../base/errors.ts'
import { meant } from '../base/nearest.ts'
import type { Target } from '../ir/target.ts'
import { ambarella } from './ambarella.ts'
import { c } from './c.ts'
import { caffe, nnie, nnieChips } from './caffe.ts'
import { coreml } from './coreml.ts'
import { mnn } from './mnn.ts'
import { ncnn } from './ncnn.ts'
import { onnx } from './onnx.ts'
import { onnxruntime, ortWeb } from './onnxruntime.ts'
import { openvino } from './openvino.ts'
import { paddle } from './paddle.ts'
import { qualcomm } from './qualcomm.ts'
import { rknn } from './rknn.ts'
import { tensorrt } from './tensorrt.ts'
import { tflite, tflm } from './tflite.ts'
import { tvm } from './tvm.ts'
import { gguf, safetensors } from './weights.ts'

export const targets: readonly Target[] = [
  onnxruntime,
  ortWeb,
  tflite,
  tflm,
  ncnn,
  openvino,
  mnn,
  tensorrt,
  qualcomm,
  coreml,
  c,
  paddle,
  ...rknn,
  ...ambarella,
  caffe,
  nnie,
  ...nnieChips,
  tvm,
  safetensors,
  gguf,
  onnx,
]

export function findTarget(id: string): Target {
  const target = targets.find(t => t.id === id)
  if (target) return target
  const ids = targets.map(t => t.id)
  const near = meant(id, ids)
  throw new StudioError('usage', `There is no target ${id}${near ? `; did you mean ${near}?` : ''}`, {
    hint: `Choose one of: ${ids.join(', ')}.`,
  })
}
