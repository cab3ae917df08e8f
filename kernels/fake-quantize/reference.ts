// y = (q - zeroPoint) * scale with q as in quantize-linear: the value that an integer runtime would compute with. NaN becomes 0.
import type { Arrays } from '../lib/kernel.ts'
import { code, type Quantizer } from '../quantize-linear/reference.ts'

export function reference({ x, y }: Arrays, quantizer: Quantizer): void {
  const scale = Math.fround(quantizer.scale)
  for (let i = 0; i < x.length; i++) y[i] = (code(x[i], quantizer) - quantizer.zeroPoint) * scale
}
