// Boxes beside each other: how far they cover each other, which of them say the same thing, and which belong together.
import type { Box, FoundBox } from './types.ts'

const overlap = (a: Box, b: Box): number => {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y)
  return width > 0 && height > 0 ? width * height : 0
}

/** Intersection over union, 0 to 1; of a crowd, the share of `box` that lies in it. */
export function iou(box: Box, other: Box): number {
  const shared = overlap(box, other)
  const own = box.width * box.height
  const union = other.crowd ? own : own + other.width * other.height - shared
  return union > 0 ? shared / union : 0
}

/**
 * Greedy non-maximum suppression, each class by itself: from the highest score on, what covers one that is kept by more than
 * `threshold` goes. Of equal scores the first stays first.
 */
export function suppress(boxes: readonly FoundBox[], threshold: number, most: number): FoundBox[] {
  const kept: FoundBox[] = []
  const ofClass = new Map<number, FoundBox[]>()
  for (const box of [...boxes].sort((a, b) => b.score - a.score)) {
    if (kept.length === most) break
    const rivals = ofClass.get(box.class) ?? []
    if (rivals.some(rival => iou(box, rival) > threshold)) continue
    ofClass.set(box.class, [...rivals, box])
    kept.push(box)
  }
  return kept
}

export interface Match {
  first: number
  second: number
  iou: number
}

/** Pairs of one class that cover each other by `least` or more, the best first; no box is in two of them. */
export function matched(first: readonly Box[], second: readonly Box[], least: number): Match[] {
  const pairs: Match[] = []
  for (const [i, a] of first.entries())
    for (const [k, b] of second.entries()) {
      if (a.class !== b.class) continue
      const covered = iou(a, b)
      if (covered >= least) pairs.push({ first: i, second: k, iou: covered })
    }
  pairs.sort((a, b) => b.iou - a.iou || a.first - b.first || a.second - b.second)
  const [usedFirst, usedSecond] = [new Set<number>(), new Set<number>()]
  return pairs.filter(pair => {
    if (usedFirst.has(pair.first) || usedSecond.has(pair.second)) return false
    usedFirst.add(pair.first)
    usedSecond.add(pair.second)
    return true
  })
}
