// What the originals' percentiles share: np.searchsorted in the cumulated shares, which NumPy adds up in their order.

/** The bin in which the cumulated share reaches `share`; as many as there are bins where it never does. */
export function reaching(counts: Float64Array, share: number): number {
  let total = 0
  for (const n of counts) total += n
  let reached = 0
  for (let i = 0; i < counts.length; i++) {
    reached += counts[i] / total
    if (reached >= share) return i
  }
  return counts.length
}
