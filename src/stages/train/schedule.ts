// The learning rate of each step as a share of the highest: up in a line, then down along half a cosine (Loshchilov and Hutter, "SGDR",
// 2017), along its cube, which has most of its steps at a low rate, or in steps to a tenth at half and to a hundredth at three quarters
// of the way.

export const schedules = ['cosine', 'cosine-cubed', 'step', 'constant'] as const
export type ScheduleName = (typeof schedules)[number]

// Half a cosine from 1 at 0 to 0 at 1, by its series, whose error here is below 2e-6: no engine's own cosine is the other's.
function halfCosine(x: number): number {
  const t = Math.PI * (x - 0.5)
  const z = t * t
  const sine = t * (1 - (z / 6) * (1 - (z / 20) * (1 - (z / 42) * (1 - z / 72))))
  return 0.5 - 0.5 * sine
}

/** Share for step `step` of `total` (null: not known yet), the first `warmup` of which lead up to it; it does not fall before step `hold`. */
export function shareAt(name: ScheduleName, step: number, total: number | null, warmup: number, hold: number): number {
  if (step < warmup) return (step + 1) / (warmup + 1)
  if (name === 'constant' || total === null || step < hold) return 1
  const from = Math.max(warmup, hold)
  const done = (step - from) / Math.max(1, total - from)
  if (name === 'step') return done < 0.5 ? 1 : done < 0.75 ? 0.1 : 0.01
  const share = Math.max(0, halfCosine(Math.min(1, done)))
  return name === 'cosine-cubed' ? share * share * share : share
}
