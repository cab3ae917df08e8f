// From figures to places on an axis, and the round figures that are written there.
import { roundTicks } from './ticks.ts'

export interface Scale {
  at(value: number): number
  ticks: readonly number[]
}
export type Ends = readonly [from: number, to: number]

// Letters beside each other want so many pixels, lines above each other so many.
const apart = { across: 96, upwards: 32 }
const about = ([from, to]: Ends, way: keyof typeof apart): number =>
  Math.max(2, Math.floor(Math.abs(to - from) / apart[way]))

export function linear(low: number, high: number, ends: Ends, way: keyof typeof apart): Scale {
  const [from, to] = ends
  const span = high > low ? high - low : 1
  return {
    at: value => from + ((value - low) / span) * (to - from),
    ticks: roundTicks(low, high, about(ends, way)),
  }
}

/** Powers of ten, with 2 and 5 between them where there is room. */
export function logarithmic(low: number, high: number, ends: Ends, way: keyof typeof apart): Scale {
  const [from, to] = ends
  const [a, b] = [Math.log10(low), Math.log10(high)]
  const powers = Array.from({ length: Math.floor(b) - Math.floor(a) + 1 }, (_, k) => Math.floor(a) + k)
  const within = (times: readonly number[]) =>
    powers
      .flatMap(power => times.map(factor => Number((factor * 10 ** power).toPrecision(3))))
      .filter(value => value >= low * 0.999 && value <= high * 1.001)
  const most = about(ends, way) + 1
  const fine = within([1, 2, 5])
  const coarse = within([1])
  const every = Math.ceil(coarse.length / most)
  return {
    at: value => from + ((Math.log10(value) - a) / (b - a)) * (to - from),
    ticks: fine.length <= most ? fine : coarse.filter((_, k) => k % every === 0),
  }
}
