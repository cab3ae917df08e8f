// C as text: numbers, tables, names, indentation.
import type { CType, Table } from './kernel.ts'

/** A name in C, not yet taken. */
export class Names {
  private readonly taken = new Set<string>()
  constructor(reserved: Iterable<string>) {
    for (const name of reserved) this.taken.add(name)
  }
  fresh(wish: string): string {
    const plain = shortened(wish.replace(/\W+/g, '_').replace(/^_+|_+$/g, ''))
    let name = plain
    for (let i = 2; this.taken.has(name); i++) name = `${plain}_${i}`
    this.taken.add(name)
    return name
  }
}

// Names of values often are paths, the ends of which tell them apart.
const longest = 40

function shortened(name: string): string {
  const end = name.length > longest ? name.slice(-longest).replace(/^[^_]*_/, '') : name
  return end === '' ? 'tensor' : end.replace(/^(\d)/, 't$1')
}

/** Every line by the braces that are open; lines of the preprocessor stay at the margin. */
export function indented(text: string): string {
  let depth = 0
  return text
    .split('\n')
    .map(line => {
      const bare = line.trim()
      const closes = bare.startsWith('}')
      const at = bare.startsWith('#') ? 0 : depth - (closes ? 1 : 0)
      if (!bare.startsWith('/*')) depth += (bare.match(/{/g) ?? []).length - (bare.match(/}/g) ?? []).length
      return bare === '' ? '' : '  '.repeat(Math.max(0, at)) + bare
    })
    .join('\n')
}

/** float32 with the digits that bring it back. */
export function floatLiteral(x: number): string {
  const digits = String(Number(Math.fround(x).toPrecision(9)))
  return `${/[.e]/.test(digits) ? digits : `${digits}.0`}f`
}

/** -2147483648 is no number in C, but an expression on one that does not fit. */
export const intLiteral = (x: number): string => (x === -2147483648 ? '(-2147483647 - 1)' : String(x))

const bytes: Readonly<Record<CType, number>> = { int8_t: 1, uint8_t: 1, int16_t: 2, int32_t: 4, float: 4 }
export const bytesOfTable = ({ type, values }: Table): number => bytes[type] * values.length

export function tableText(name: string, { type, values }: Table): string {
  const lines: string[] = []
  let line = ''
  for (let i = 0; i < values.length; i++) {
    const next = `${type === 'float' ? floatLiteral(values[i]) : intLiteral(values[i])},`
    if (line.length + next.length > 110) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? next : ` ${next}`
  }
  return `static const ${type} ${name}[${values.length}] = {\n${[...lines, line].map(l => `  ${l}`).join('\n')}\n};`
}

/** The smallest type that holds all of them. */
export function typeFor(values: readonly number[]): CType {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return low >= -128 && high <= 127 ? 'int8_t' : low >= -32768 && high <= 32767 ? 'int16_t' : 'int32_t'
}

export const quoted = (name: string): string =>
  `"${[...new TextEncoder().encode(name)].map(b => (b === 34 || b === 92 ? `\\${String.fromCharCode(b)}` : b < 32 || b > 126 ? `\\${b.toString(8).padStart(3, '0')}` : String.fromCharCode(b))).join('')}"`

export const comment = (text: string): string => `/* ${text.replaceAll('*/', '* /').replace(/[^\x20-\x7e]/g, '?')} */`
