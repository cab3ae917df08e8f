// Numbers as a form shows and reads them: 1/255 stays a fraction, since its decimals never end.

const plain = (text: string): number | null =>
  text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : null

/** A number, or two with a line between them; null for anything else. */
export function readNumber(text: string): number | null {
  const parts = text.split('/')
  if (parts.length === 1) return plain(text)
  const [over, under] = parts.map(plain)
  return parts.length === 2 && over !== null && under !== null && under !== 0 ? over / under : null
}

// What fits into a field.
const longest = 10

/** The number's shortest text that is read as the same number. */
export function numberText(value: number): string {
  const decimals = String(value)
  if (decimals.length <= longest || value === 0) return decimals
  const fraction = `${value < 0 ? '-' : ''}1/${Number((1 / Math.abs(value)).toPrecision(12))}`
  return fraction.length < decimals.length && readNumber(fraction) === value ? fraction : decimals
}
