// Every output format, in the order in which they are offered.
import { onnx } from './onnx.ts'
import { openvino } from './openvino.ts'
import type { Exporter } from './types.ts'

export const exporters = [onnx, openvino] as const satisfies readonly Exporter[]
export type ExporterId = (typeof exporters)[number]['id']
