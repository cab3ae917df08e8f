// Every output format, in the order in which they are offered.
import { mnn } from './mnn.ts'
import { onnx } from './onnx.ts'
import type { Exporter } from './types.ts'

export const exporters = [onnx, mnn] as const satisfies readonly Exporter[]
export type ExporterId = (typeof exporters)[number]['id']
