// What a layer loses at given ranks, as a share of the squares of what it gives: of each matrix the energies that are left out. Two sides
// split apart lose no more than the sum of both (De Lathauwer et al., 2000).
import type { Split } from './split.ts'
import type { Ranks } from './types.ts'

export function lossOf(splits: readonly Split[]): (ranks: Ranks) => number {
  const tails = splits.map(({ energies }) => tailsOf(energies))
  return ranks => ranks.reduce((sum, r, i) => sum + tails[i][r], 0)
}

/** What is left out by each number of parts from none to all, as a share of all. */
function tailsOf(energies: Float64Array): Float64Array {
  const tails = new Float64Array(energies.length + 1)
  for (let r = energies.length - 1; r >= 0; r--) tails[r] = tails[r + 1] + energies[r]
  const all = tails[0]
  return all > 0 ? tails.map(t => t / all) : tails
}
