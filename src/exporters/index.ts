// Every output format, in the order in which they are offered.

import { ambarella } from './ambarella.ts'
import { c } from './c.ts'
import { caffe } from './caffe.ts'
import { coreml } from './coreml.ts'
import { gguf } from './gguf.ts'
import { mnn } from './mnn.ts'
import { ncnn } from './ncnn.ts'
import { nnie } from './nnie.ts'
import { onnx } from './onnx.ts'
import { openvino } from './openvino.ts'
import { paddle } from './paddle.ts'
import { qualcomm } from './qualcomm.ts'
import { rknn } from './rknn.ts'
import { safetensors } from './safetensors.ts'
import { tensorrt } from './tensorrt.ts'
import { tflite } from './tflite.ts'
import { tvm } from './tvm.ts'
import type { Exporter } from './types.ts'

export const exporters = [
  onnx,
  tflite,
  ncnn,
  openvino,
  mnn,
  tensorrt,
  qualcomm,
  coreml,
  c,
  paddle,
  rknn,
  ambarella,
  caffe,
  nnie,
  tvm,
  safetensors,
  gguf,
] as const satisfies readonly Exporter[]
export type ExporterId = (typeof exporters)[number]['id']
