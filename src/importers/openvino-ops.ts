// Every layer type that is read, and what it becomes.
import { elementwise } from './openvino-elementwise.ts'
import type { Lowering } from './openvino-layer.ts'
import { layout } from './openvino-layout.ts'
import { network } from './openvino-network.ts'
import { fakeQuantize } from './openvino-quantize.ts'
import { recurrent } from './openvino-recurrent.ts'
import { selection } from './openvino-selection.ts'

export const lowerings: Readonly<Record<string, Lowering>> = {
  ...elementwise,
  ...layout,
  ...network,
  ...recurrent,
  ...selection,
  FakeQuantize: fakeQuantize,
}
