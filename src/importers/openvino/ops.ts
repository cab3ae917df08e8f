// Every layer type that is read, and what it becomes.
import { elementwise } from './elementwise.ts'
import type { Lowering } from './layer.ts'
import { layout } from './layout.ts'
import { network } from './network.ts'
import { fakeQuantize } from './quantize.ts'
import { recurrent } from './recurrent.ts'
import { selection } from './selection.ts'

export const lowerings: Readonly<Record<string, Lowering>> = {
  ...elementwise,
  ...layout,
  ...network,
  ...recurrent,
  ...selection,
  FakeQuantize: fakeQuantize,
}
