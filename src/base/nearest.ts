// Names close to one that was mistyped, for messages that can say what was meant.

/** Levenshtein's distance, two rows. */
export function editDistance<T>(a: ArrayLike<T>, b: ArrayLike<T>): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]
}

/** The closest first; upper and lower case are the same. */
export function nearest(wanted: string, names: readonly string[], most = 5): string[] {
  const far = (name: string): number => editDistance(wanted.toLowerCase(), name.toLowerCase())
  const scored = names.map(name => ({ name, distance: far(name) }))
  scored.sort((a, b) => a.distance - b.distance)
  return scored.slice(0, most).map(s => s.name)
}

/** The one name that was most likely meant; null where none is close. */
export function meant(wanted: string, names: readonly string[]): string | null {
  const [best] = nearest(wanted, names, 1)
  const close = best !== undefined && editDistance(wanted.toLowerCase(), best.toLowerCase()) <= 1 + wanted.length / 4
  return close ? best : null
}
