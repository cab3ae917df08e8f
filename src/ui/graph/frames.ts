// Frames round the groups that stand open: room for their titles above and below their layers, and then the boxes themselves.
import type { GraphLayout, LayoutInput } from './types.ts'

export const titleHeight = 22
export const framePad = 8

type Framed = Omit<LayoutInput, 'edges'>

/** First and last layer of each frame, and how many frames begin (or end) with it, itself counted, inner ones first. */
function spans({ frameOf, frameParent }: Framed, layer: ArrayLike<number>) {
  const count = frameParent.length
  const top = new Int32Array(count).fill(0x7fffffff)
  const bottom = new Int32Array(count).fill(-1)
  for (let item = 0; item < frameOf.length; item++)
    for (let frame = frameOf[item]; frame >= 0; frame = frameParent[frame]) {
      top[frame] = Math.min(top[frame], layer[item])
      bottom[frame] = Math.max(bottom[frame], layer[item])
    }
  const above = new Int32Array(count).fill(1)
  const below = new Int32Array(count).fill(1)
  for (let frame = count - 1; frame >= 0; frame--) {
    const parent = frameParent[frame]
    if (parent < 0) continue
    if (top[parent] === top[frame]) above[parent] = Math.max(above[parent], above[frame] + 1)
    if (bottom[parent] === bottom[frame]) below[parent] = Math.max(below[parent], below[frame] + 1)
  }
  return { top, bottom, above, below }
}

/** The innermost frame round both; outer ones come first in the list. */
function shared(parent: Int32Array, a: number, b: number): number {
  let [one, other] = [a, b]
  while (one !== other)
    if (one > other) one = parent[one]
    else other = parent[other]
  return one
}

/** Extra room above and below each layer. */
export function frameRoom(input: Framed, layer: ArrayLike<number>, rows: number) {
  const room = { above: new Float32Array(rows), below: new Float32Array(rows) }
  const { top, bottom, above, below } = spans(input, layer)
  for (let frame = 0; frame < top.length; frame++) {
    room.above[top[frame]] = Math.max(room.above[top[frame]], above[frame] * titleHeight)
    room.below[bottom[frame]] = Math.max(room.below[bottom[frame]], below[frame] * framePad)
  }
  return room
}

/** x, y, width, height of every frame; width 0 where a node of others lies within, so that no frame can be drawn. */
export function framesOf(
  input: LayoutInput,
  { layer, x, y, points, start }: Omit<GraphLayout, 'frames'>,
): Float32Array {
  const { edges, frameOf, frameParent, widths, height } = input
  const { top, bottom, above, below } = spans(input, layer)
  const count = frameParent.length
  const left = new Float32Array(count).fill(Number.POSITIVE_INFINITY)
  const right = new Float32Array(count).fill(Number.NEGATIVE_INFINITY)
  for (let item = 0; item < frameOf.length; item++) {
    const frame = frameOf[item]
    if (frame < 0) continue
    left[frame] = Math.min(left[frame], x[item] - widths[item] / 2)
    right[frame] = Math.max(right[frame], x[item] + widths[item] / 2)
  }
  // An edge between two nodes of a frame runs within it.
  for (let edge = 0; 2 * edge < edges.length; edge++) {
    const frame = shared(frameParent, frameOf[edges[2 * edge]], frameOf[edges[2 * edge + 1]])
    if (frame < 0) continue
    for (let k = start[edge]; k < start[edge + 1]; k++) {
      left[frame] = Math.min(left[frame], points[2 * k])
      right[frame] = Math.max(right[frame], points[2 * k])
    }
  }
  for (let frame = count - 1; frame >= 0; frame--) {
    const parent = frameParent[frame]
    left[frame] -= framePad
    right[frame] += framePad
    if (parent < 0) continue
    left[parent] = Math.min(left[parent], left[frame])
    right[parent] = Math.max(right[parent], right[frame])
  }
  const rowTop = new Map<number, number>()
  for (let item = 0; item < frameOf.length; item++) rowTop.set(layer[item], y[item])
  const boxes = new Float32Array(4 * count)
  for (let frame = 0; frame < count; frame++) {
    const from = rowTop.get(top[frame])! - above[frame] * titleHeight
    const until = rowTop.get(bottom[frame])! + height + below[frame] * framePad
    boxes.set([left[frame], from, right[frame] - left[frame], until - from], 4 * frame)
  }
  const inside = (item: number, frame: number) => {
    for (let at = frameOf[item]; at >= 0; at = frameParent[at]) if (at === frame) return true
    return false
  }
  for (let item = 0; item < frameOf.length; item++)
    for (let frame = 0; frame < count; frame++) {
      if (layer[item] < top[frame] || layer[item] > bottom[frame]) continue
      if (x[item] - widths[item] / 2 > right[frame] || x[item] + widths[item] / 2 < left[frame]) continue
      if (!inside(item, frame)) boxes[4 * frame + 2] = 0
    }
  return boxes
}
