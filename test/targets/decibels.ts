/** Signal over noise in dB; infinite where both are equal. */
export function decibels(reference: ArrayLike<number | bigint>, other: ArrayLike<number | bigint>): number {
  if (reference.length !== other.length) return Number.NEGATIVE_INFINITY
  let signal = 0
  let noise = 0
  for (let i = 0; i < reference.length; i++) {
    signal += Number(reference[i]) ** 2
    noise += (Number(reference[i]) - Number(other[i])) ** 2
  }
  return noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise)
}
