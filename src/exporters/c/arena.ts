// Where tensors lie in memory while a network runs: lifetimes, what may share its bytes, and offsets of the rest in one array. After
// Pisarchyk and Lee (2020), Efficient Memory Management for Deep Neural Net Inference, section 4: largest first into the gap that fits best.
import { createRng } from '../../base/rng.ts'

/** Bytes that are needed from step `from` to step `to`, both of them included. */
export interface Span {
  bytes: number
  from: number
  to: number
}

export interface Arena {
  /** Of each span. */
  offsets: readonly number[]
  bytes: number
  /** What any plan needs: the most that is needed at one step. */
  bound: number
}

// Orders that are tried where no simple one reaches the bound.
const shuffles = 400

export function planArena(spans: readonly Span[]): Arena {
  const bound = boundOf(spans)
  const all = spans.map((_, i) => i)
  const by = (key: (span: Span) => number): number[] =>
    [...all].sort((a, b) => key(spans[b]) - key(spans[a]) || spans[a].from - spans[b].from || a - b)
  let best: Arena | null = null
  const attempt = (order: readonly number[]): boolean => {
    const placed = place(spans, order)
    if (!best || placed.bytes < best.bytes) best = { ...placed, bound }
    return best.bytes === bound
  }
  const simple = [by(s => s.bytes), by(s => (s.to - s.from + 1) * s.bytes), by(s => s.to - s.from), by(s => -s.from)]
  if (simple.some(attempt)) return best!
  const rng = createRng(0, 'arena')
  for (let i = 0; i < shuffles; i++) {
    const order = [...simple[0]]
    // Neighbours in size change places, near ones more often than far ones.
    for (let k = 0; k < order.length; k++) {
      const other = Math.min(order.length - 1, k + rng.below(4))
      const kept = order[k]
      order[k] = order[other]
      order[other] = kept
    }
    if (attempt(order)) break
  }
  return best!
}

const meet = (a: Span, b: Span): boolean => a.from <= b.to && b.from <= a.to

function boundOf(spans: readonly Span[]): number {
  const liveAt = (step: number): number =>
    spans.reduce((sum, s) => sum + (s.from <= step && step <= s.to ? s.bytes : 0), 0)
  return Math.max(0, ...spans.map(s => liveAt(s.from)))
}

/** One after the other into the smallest gap, among those already placed that are needed at the same time. */
function place(spans: readonly Span[], order: readonly number[]): Pick<Arena, 'offsets' | 'bytes'> {
  const offsets = new Array<number>(spans.length).fill(0)
  const placed: number[] = []
  let bytes = 0
  for (const index of order) {
    const { bytes: size } = spans[index]
    const others = placed.filter(i => meet(spans[i], spans[index])).sort((a, b) => offsets[a] - offsets[b])
    let [end, at, gap] = [0, -1, Number.POSITIVE_INFINITY]
    for (const i of others) {
      const free = offsets[i] - end
      if (free >= size && free < gap) [at, gap] = [end, free]
      end = Math.max(end, offsets[i] + spans[i].bytes)
    }
    offsets[index] = at < 0 ? end : at
    bytes = Math.max(bytes, offsets[index] + size)
    placed.push(index)
  }
  return { offsets, bytes }
}
