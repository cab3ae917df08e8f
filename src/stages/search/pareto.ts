// Of measured candidates, those that no other beats in both size and error.

export interface Measured {
  cost: number
  error: number
}

/** Cheapest first; of equals the first. */
export function paretoFront<T extends Measured>(tried: readonly T[]): T[] {
  const sorted = [...tried].sort((a, b) => a.cost - b.cost || a.error - b.error)
  const kept: T[] = []
  for (const t of sorted) if (kept.length === 0 || t.error < kept.at(-1)!.error) kept.push(t)
  return kept
}
