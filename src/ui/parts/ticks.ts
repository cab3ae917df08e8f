// Round ticks for an axis: steps of 1, 2 or 5 times a power of ten.
import { decimal, type Locale, real } from '../format.ts'

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

/** A tick as short as it is round. */
export function tickText(tick: number, locale: Locale): string {
  const digits = String(tick).split('.')[1]?.length ?? 0
  return digits > 4 || Math.abs(tick) >= 1e6 ? real(tick, locale) : decimal(tick, digits, locale)
}
