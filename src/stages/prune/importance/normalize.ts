// Scores made comparable: each list has a mean of 1.

export function normalized(scores: Float64Array): Float64Array {
  const mean = scores.reduce((sum, s) => sum + s, 0) / Math.max(1, scores.length)
  return mean > 0 ? scores.map(s => s / mean) : scores.map(() => 1)
}

/** The mean of lists that count alike; null where there is none. */
export function averaged(lists: readonly Float64Array[]): Float64Array | null {
  if (lists.length === 0) return null
  const sum = new Float64Array(lists[0].length)
  for (const list of lists) for (const [i, s] of normalized(list).entries()) sum[i] += s
  return normalized(sum)
}
