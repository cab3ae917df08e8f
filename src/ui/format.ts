// Figures as people read them: sizes, counts, percents, times, with the locale's own digits and the unit always there.

export type Locale = 'en' | 'zh'

export const missing = '–'
const minus = '−'

// Making a formatter takes longer than drawing a node; there are a handful of kinds.
const formatters = new Map<string, Intl.NumberFormat>()
function formatter(digits: number, locale: Locale): Intl.NumberFormat {
  const key = `${locale}${digits}`
  const known = formatters.get(key)
  if (known) return known
  const made = new Intl.NumberFormat(locale === 'zh' ? 'zh-CN' : 'en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
  formatters.set(key, made)
  return made
}

function figure(value: number, digits: number, locale: Locale): string {
  const text = formatter(digits, locale).format(Math.abs(value))
  // Nothing but zeros has no sign: "−0.0" reads as a loss that is not there.
  return value < 0 && /[1-9]/.test(text) ? minus + text : text
}

/** Three significant figures at most, as instruments show them. */
function significant(value: number, locale: Locale): string {
  const size = Math.abs(value)
  return figure(value, size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2, locale)
}

const scaled = (value: number, units: readonly string[], locale: Locale): string => {
  let unit = 0
  let rest = value
  // 999.5 would print as "1000" of the smaller unit.
  while (Math.abs(rest) >= 999.5 && unit < units.length - 1) {
    rest /= 1000
    unit++
  }
  return `${significant(rest, locale)}${units[unit]}`
}

/** Decimal bytes: 1 kB is 1,000 B. */
export const bytes = (value: number, locale: Locale = 'en'): string =>
  scaled(value, ['\u00a0B', '\u00a0kB', '\u00a0MB', '\u00a0GB', '\u00a0TB'], locale)

/** Counts with k, M, G. */
export const count = (value: number, locale: Locale = 'en'): string =>
  scaled(value, ['', '\u00a0k', '\u00a0M', '\u00a0G', '\u00a0T'], locale)

/** A whole number with its grouping. */
export const whole = (value: number, locale: Locale = 'en'): string => figure(value, 0, locale)

export const decimal = (value: number, digits: number, locale: Locale = 'en'): string => figure(value, digits, locale)

/** A value that is a percentage already. */
export const percent = (value: number, digits = 1, locale: Locale = 'en'): string =>
  `${figure(value, digits, locale)}\u00a0%`

/** A value of a tensor, three figures of it; powers of ten where it is very small or large. */
export const real = (value: number, locale: Locale = 'en'): string => {
  const size = Math.abs(value)
  if (size === 0) return '0'
  if (size < 1e-4 || size >= 1e6)
    return value.toExponential(2).replace('-', minus).replace('e+', 'e').replace('e-', `e${minus}`)
  return figure(value, Math.max(0, 2 - Math.floor(Math.log10(size))), locale)
}

export const signed = (value: number, digits: number, locale: Locale = 'en'): string => {
  const text = figure(value, digits, locale)
  return value > 0 && /[1-9]/.test(text) ? `+${text}` : text
}

/** The relative change from one amount to another, as −71 %. */
export const change = (before: number, after: number, locale: Locale = 'en'): string => {
  if (before === 0) return after === 0 ? `0\u00a0%` : missing
  const share = (after / before - 1) * 100
  return `${signed(share, Math.abs(share) < 1 && share !== 0 ? 1 : 0, locale)}\u00a0%`
}

export const decibel = (value: number | null, locale: Locale = 'en'): string =>
  value === null ? missing : value === Number.POSITIVE_INFINITY ? '∞\u00a0dB' : `${figure(value, 1, locale)}\u00a0dB`

export const milliseconds = (value: number, locale: Locale = 'en'): string =>
  value > 0 && value < 0.0995
    ? `${significant(value * 1000, locale)}\u00a0µs`
    : value >= 1000
      ? `${figure(value / 1000, value >= 10_000 ? 1 : 2, locale)}\u00a0s`
      : `${figure(value, value >= 100 ? 0 : value >= 10 ? 1 : 2, locale)}\u00a0ms`

/** Seconds as a person says them: 0.3 s, 42 s, 3 min 05 s. */
export const duration = (seconds: number, locale: Locale = 'en'): string => {
  if (seconds < 9.95) return `${figure(seconds, 1, locale)}\u00a0s`
  const all = Math.round(seconds)
  if (all < 60) return `${all}\u00a0s`
  const rest = String(all % 60).padStart(2, '0')
  return `${Math.floor(all / 60)}\u00a0min\u00a0${rest}\u00a0s`
}

/** [1, 3, H, W] as 1×3×H×W; a scalar says so. */
export const shape = (dims: readonly (number | string | null)[] | null): string =>
  dims === null ? '?' : dims.length === 0 ? '[]' : dims.map(dim => (dim === '' || dim === null ? '?' : dim)).join('×')

export const whenChanged = (epoch: number, now: number, locale: Locale = 'en'): string => {
  const words = new Intl.RelativeTimeFormat(locale === 'zh' ? 'zh-CN' : 'en', { numeric: 'auto' })
  const minutes = Math.round((epoch - now) / 60_000)
  if (Math.abs(minutes) < 60) return words.format(minutes, 'minute')
  const hours = Math.round(minutes / 60)
  return Math.abs(hours) < 24 ? words.format(hours, 'hour') : words.format(Math.round(hours / 24), 'day')
}
