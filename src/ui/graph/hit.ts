// What lies under a point of the world: an item, or the title of a frame.
import { titleHeight } from './frames.ts'
import { nodeHeight } from './scene.ts'
import type { Shown } from './shown.ts'
import type { GraphLayout } from './types.ts'

/** The item under a point, or -1. */
export function itemAt({ widths }: Shown, { x, y }: GraphLayout, px: number, py: number): number {
  for (let k = 0; k < x.length; k++)
    if (py >= y[k] && py <= y[k] + nodeHeight && Math.abs(px - x[k]) <= widths[k] / 2) return k
  return -1
}

/** The frame whose title is under a point, the innermost of several; -1 for none. */
export function frameAt({ frames }: GraphLayout, px: number, py: number): number {
  for (let k = frames.length / 4 - 1; k >= 0; k--) {
    const [x, y, width] = frames.subarray(4 * k, 4 * k + 3)
    if (width > 0 && px >= x && px <= x + width && py >= y && py <= y + titleHeight) return k
  }
  return -1
}

/** Whether a point of a folded group's box is on its plus, at its left end. */
export const onPlus = ({ widths }: Shown, { x }: GraphLayout, item: number, px: number): boolean =>
  px <= x[item] - widths[item] / 2 + 24
