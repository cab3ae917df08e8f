// Every output format, in the order in which they are offered.

import { caffe } from './caffe.ts'
import { mnn } from './mnn.ts'
import { ncnn } from './ncnn.ts'
import { nnie } from './nnie.ts'
import { onnx } from './onnx.ts'
import { openvino } from './openvino.ts'
import { tflite } from './tflite.ts'
import type { Exporter } from './types.ts'

export const exporters = [onnx, tflite, ncnn, openvino, mnn, caffe, nnie] as const satisfies readonly Exporter[]
export type ExporterId = (typeof exporters)[number]['id']
