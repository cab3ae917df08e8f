// One way for every layer so that the scores' sum is least within a budget: the multiple-choice knapsack, solved exactly by dynamic
// programming over cost in 1/4096 of the budget, rounded up (Dudzinski and Walukiewicz, Exact methods for the knapsack problem and its
// generalizations, 1987). One table answers for every smaller budget too, which gives the whole front.
import type { Layers, Point } from './types.ts'

const units = 4096

/** The best choice whose cost is within the budget; null where even the cheapest is dearer. */
export function knapsack(layers: Layers, budget: number): Point | null {
  const least = pointOf(layers, layers.map(cheapest))
  if (least.cost > budget) return null
  if (!(budget > 0)) return least
  // Rounding up takes less than a unit a layer away. What lies so much beyond the budget in units may still be within it.
  const table = tableOf(layers, budget / units, units + layers.length)
  for (let cost = units + layers.length; cost >= 0; cost--) {
    const point = table.at(cost)
    if (point && point.cost <= budget) return point.score <= least.score ? point : least
  }
  return least
}

/** The best choices of all budgets, the cheapest first: each is better than all before it. */
export function front(layers: Layers): Point[] {
  const dearest = layers.reduce((sum, ways) => sum + Math.max(...ways.map(w => w.cost)), 0)
  if (!(dearest > 0)) return [pointOf(layers, layers.map(bestOf))]
  const capacity = units + layers.length
  const table = tableOf(layers, dearest / units, capacity)
  const points: Point[] = []
  for (let cost = 0; cost <= capacity; cost++) {
    const last = points.at(-1)
    if (!(table.scores[cost] < (last?.score ?? Number.POSITIVE_INFINITY))) continue
    const point = table.at(cost)!
    // Rounded costs may order two choices otherwise than real ones.
    while (points.length > 0 && points.at(-1)!.cost >= point.cost) points.pop()
    points.push(point)
  }
  return points
}

interface Table {
  /** Least score at a cost of so many units at most. */
  scores: Float64Array
  at(cost: number): Point | null
}

function tableOf(layers: Layers, unit: number, capacity: number): Table {
  const costs = layers.map(ways => ways.map(w => Math.ceil(w.cost / unit)))
  const picks: Uint8Array[] = []
  let scores = new Float64Array(capacity + 1)
  for (const [k, ways] of layers.entries()) {
    const next = new Float64Array(capacity + 1).fill(Number.POSITIVE_INFINITY)
    const pick = new Uint8Array(capacity + 1)
    for (const [i, way] of ways.entries())
      for (let cost = costs[k][i]; cost <= capacity; cost++) {
        const score = scores[cost - costs[k][i]] + way.score
        if (score < next[cost]) {
          next[cost] = score
          pick[cost] = i
        }
      }
    scores = next
    picks.push(pick)
  }
  return {
    scores,
    at(cost) {
      if (scores[cost] === Number.POSITIVE_INFINITY) return null
      const choice = new Array<number>(layers.length)
      for (let k = layers.length - 1, left = cost; k >= 0; k--) {
        choice[k] = picks[k][left]
        left -= costs[k][choice[k]]
      }
      return pointOf(layers, choice)
    },
  }
}

export function pointOf(layers: Layers, choice: readonly number[]): Point {
  const sum = (of: 'cost' | 'score'): number => choice.reduce((total, way, k) => total + layers[k][way][of], 0)
  return { choice, cost: sum('cost'), score: sum('score') }
}

const least = (ways: Layers[number], of: 'cost' | 'score', then: 'cost' | 'score'): number =>
  ways.reduce((best, way, i) => {
    const other = ways[best]
    return way[of] < other[of] || (way[of] === other[of] && way[then] < other[then]) ? i : best
  }, 0)
const cheapest = (ways: Layers[number]): number => least(ways, 'cost', 'score')
const bestOf = (ways: Layers[number]): number => least(ways, 'score', 'cost')
