// Every operator that can be written for OpenVINO, and how.
import { elementwise } from './elementwise.ts'
import { layout } from './layout.ts'
import { network } from './network.ts'
import type { Lowering } from './node.ts'
import { selection } from './selection.ts'
import { dequantize, quantize } from './weights.ts'

export const lowerings: Readonly<Record<string, Lowering>> = {
  ...elementwise,
  ...layout,
  ...network,
  ...selection,
  DequantizeLinear: dequantize,
  QuantizeLinear: quantize,
}
