// Every output format, in the order in which they are offered.

import { gguf } from './gguf.ts'
import { mnn } from './mnn.ts'
import { onnx } from './onnx.ts'
import { rknn } from './rknn.ts'
import { safetensors } from './safetensors.ts'
import { tvm } from './tvm.ts'
import type { Exporter } from './types.ts'

export const exporters = [onnx, mnn, rknn, tvm, safetensors, gguf] as const satisfies readonly Exporter[]
export type ExporterId = (typeof exporters)[number]['id']
