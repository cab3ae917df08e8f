// What a device allows at the most, by its peak and its bandwidth, and so what a model takes on it at the least.
import type { NodeCosts } from '../../jobs/costs.ts'
import type { Chip } from '../../targets/chips.ts'

export type RoofFormat = keyof Chip['macsPerSecond']
export const roofFormats = ['float32', 'float16', 'int8'] as const satisfies readonly RoofFormat[]
const bytesOf: Readonly<Record<RoofFormat, number>> = { float32: 4, float16: 2, int8: 1 }

export interface Roof {
  macsPerSecond: number
  bytesPerSecond: number | null
}

/** Multiply-accumulates per byte moved. */
export const intensityOf = ({ macs, moved }: { macs: number; moved: number }, format: RoofFormat): number =>
  macs / (moved * bytesOf[format])

/** Multiply-accumulates per second at the most. */
export const attainable = ({ macsPerSecond, bytesPerSecond }: Roof, intensity: number): number =>
  bytesPerSecond === null ? macsPerSecond : Math.min(macsPerSecond, intensity * bytesPerSecond)

/** Milliseconds that the nodes take at the least, all of them in one format; null where the chip has no peak for it. */
export function leastMs(nodes: readonly NodeCosts[], chip: Chip, format: RoofFormat): number | null {
  const peak = chip.macsPerSecond[format]
  if (peak === undefined) return null
  const seconds = nodes
    // Between integers these are no work of their own.
    .filter(({ op }) => op !== 'QuantizeLinear' && op !== 'DequantizeLinear')
    .reduce((sum, { macs, moved }) => {
      const traffic = chip.bytesPerSecond === null ? 0 : (moved * bytesOf[format]) / chip.bytesPerSecond
      return sum + Math.max(macs / peak, traffic)
    }, 0)
  return 1000 * seconds
}
