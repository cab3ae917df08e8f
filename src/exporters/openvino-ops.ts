// Every operator that can be written for OpenVINO, and how.
import { elementwise } from './openvino-elementwise.ts'
import { layout } from './openvino-layout.ts'
import { network } from './openvino-network.ts'
import type { Lowering } from './openvino-node.ts'
import { selection } from './openvino-selection.ts'
import { dequantize, quantize } from './openvino-weights.ts'

export const lowerings: Readonly<Record<string, Lowering>> = {
  ...elementwise,
  ...layout,
  ...network,
  ...selection,
  DequantizeLinear: dequantize,
  QuantizeLinear: quantize,
}
