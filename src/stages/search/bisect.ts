// The first of a row of candidates, cheapest first, that is good enough: by bisection, since each is costly to try. Candidates come in an
// order of which it is expected, not known, that the later are the better.

/** Position of a candidate that meets, whose tried predecessors do not; null where not even the last tried one does. */
export async function firstThatMeets(
  count: number,
  meets: (index: number) => Promise<boolean>,
): Promise<number | null> {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >> 1
    if (await meets(middle)) high = middle
    else low = middle + 1
  }
  return low < count ? low : null
}
