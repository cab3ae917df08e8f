// Ranks for all layers within a budget: the least sum of losses on the lower convex hull of each layer's choices, where one price for what
// is spent gives all choices at once (Everett, Generalized Lagrange Multiplier Method, 1963), then what is left of the budget is spent where
// it helps most, on the hull or off it. Where much is left even so, two layers are balanced against each other.
import type { Ranks } from './types.ts'

export interface Way {
  ranks: Ranks | null // null: as it was
  cost: number
  loss: number
}

/** Ways that no other of the layer beats in cost and loss, by cost. */
export function worthwhile(ways: readonly Way[]): Way[] {
  const kept: Way[] = []
  for (const way of [...ways].sort((a, b) => a.cost - b.cost || a.loss - b.loss))
    if (kept.length === 0 || way.loss < kept.at(-1)!.loss) kept.push(way)
  return kept
}

/** One way for each layer, of `worthwhile` ones; null where even the cheapest are dearer. No more than `slack` should be left over. */
export function chooseRanks(layers: readonly (readonly Way[])[], budget: number, slack: number): Way[] | null {
  const at = (price: number): Way[] => layers.map(ways => bestAt(ways, price))
  const cheapest = layers.map(ways => ways[0])
  if (costOf(cheapest) > budget) return null
  let choice = cheapest
  let [low, high] = [0, 1]
  while (costOf(at(high)) > budget && high < 1e30) high *= 4
  for (let i = 0; i < 100; i++) {
    const price = (low + high) / 2
    const tried = at(price)
    if (costOf(tried) > budget) low = price
    else {
      high = price
      choice = tried
    }
  }
  const all = spent(layers, choice, budget - costOf(choice))
  return budget - costOf(all) <= slack ? all : (balanced(layers, all, budget, slack) ?? all)
}

const costOf = (choice: readonly Way[]): number => choice.reduce((sum, w) => sum + w.cost, 0)

const bestAt = (ways: readonly Way[], price: number): Way =>
  ways.reduce((best, w) => (w.loss + price * w.cost < best.loss + price * best.cost ? w : best))

/** Ever the step that gains most for its cost, of those that can be afforded. */
function spent(layers: readonly (readonly Way[])[], from: readonly Way[], room: number): Way[] {
  const choice = [...from]
  for (let left = room; ; ) {
    let best: { layer: number; way: Way; rate: number } | null = null
    for (const [layer, ways] of layers.entries())
      for (const way of ways) {
        const more = way.cost - choice[layer].cost
        if (more <= 0 || more > left) continue
        const rate = (choice[layer].loss - way.loss) / more
        if (rate > 0 && (best === null || rate > best.rate)) best = { layer, way, rate }
      }
    if (!best) return choice
    left -= best.way.cost - choice[best.layer].cost
    choice[best.layer] = best.way
  }
}

/** The least loss that leaves no more than `slack`, with two layers changed; null where there is none. */
function balanced(
  layers: readonly (readonly Way[])[],
  from: readonly Way[],
  budget: number,
  slack: number,
): Way[] | null {
  const spent = costOf(from)
  let best: { choice: Way[]; loss: number } | null = null
  for (const [a, ways] of layers.entries())
    for (const first of ways)
      for (const [b, others] of layers.entries()) {
        const room = budget - spent + from[a].cost - first.cost + (a === b ? 0 : from[b].cost)
        const second = a === b ? null : dearest(others, room)
        if (a !== b && second === null) continue
        const left = room - (second?.cost ?? 0)
        if (left < 0 || left > slack) continue
        const loss = first.loss - from[a].loss + (second ? second.loss - from[b].loss : 0)
        if (best !== null && loss >= best.loss) continue
        const choice = [...from]
        choice[a] = first
        if (second) choice[b] = second
        best = { choice, loss }
      }
  return best?.choice ?? null
}

/** Of ways by cost, the last that can be afforded. */
function dearest(ways: readonly Way[], room: number): Way | null {
  let [low, high] = [0, ways.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ways[middle].cost <= room) low = middle + 1
    else high = middle
  }
  return low > 0 ? ways[low - 1] : null
}
