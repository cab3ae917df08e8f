// Round ticks for an axis: steps of 1, 2 or 5 times a power of ten.

export function roundTicks(low: number, high: number, about: number): number[] {
  if (!(high > low)) return [low]
  const rough = (high - low) / about
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map(times => times * power).find(size => size >= rough)!
  const first = Math.ceil(low / step)
  const last = Math.floor(high / step)
  // Multiplied, not added up: 0.1 ten times is not 1.
  return Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(12)))
}
