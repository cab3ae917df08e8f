// The command line's own words: options declared once, read by Node's parser, with errors that say what is allowed.
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { StudioError } from '../base/errors.ts'
import { meant } from '../base/nearest.ts'

export interface OptionHelp {
  /** Placeholder of the value in the help; none: a flag. */
  value?: string
  many?: boolean
  about: string
}
export type OptionTable = Readonly<Record<string, OptionHelp>>

export interface Parsed {
  positionals: string[]
  text(name: string): string | null
  texts(name: string): string[]
  flag(name: string): boolean
  /** A whole number of at least `min`; null where it was not given. */
  count(name: string, min: number): number | null
}

export const usage = (message: string, hint: string): StudioError => new StudioError('usage', message, { hint })

export function parse(argv: readonly string[], table: OptionTable, hint: string): Parsed {
  const options: NonNullable<ParseArgsConfig['options']> = {}
  for (const [name, { value, many }] of Object.entries(table))
    options[name] = value ? { type: 'string', multiple: many ?? false } : { type: 'boolean' }
  let parsed: { values: Record<string, unknown>; positionals: string[] }
  try {
    parsed = parseArgs({ args: [...argv], options, allowPositionals: true, strict: true })
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause)
    const unknown = /^Unknown option '(-[^']*)'/.exec(words)?.[1]
    if (!unknown) throw usage(words, hint)
    const near = meant(unknown.replace(/^-+/, ''), Object.keys(table))
    throw usage(`There is no option ${unknown}${near ? `; did you mean --${near}?` : ''}`, `${hint} --help lists them.`)
  }
  const { values, positionals } = parsed
  return {
    positionals,
    text: name => (values[name] as string | undefined) ?? null,
    texts: name => (values[name] as string[] | undefined) ?? [],
    flag: name => values[name] === true,
    count: (name, min) => {
      const given = values[name] as string | undefined
      if (given === undefined) return null
      const n = Number(given)
      if (!Number.isInteger(n) || n < min)
        throw usage(`--${name} wants a whole number of at least ${min}, not ${given}`, hint)
      return n
    },
  }
}

/** NAME=1,3,224,224 */
export function parseShapes(given: readonly string[]): Record<string, number[]> {
  const shapes: Record<string, number[]> = {}
  for (const text of given) {
    const at = text.lastIndexOf('=')
    const dims = text
      .slice(at + 1)
      .split(',')
      .map(Number)
    if (at < 1 || dims.some(d => !Number.isInteger(d) || d < 0))
      throw usage(`--shape wants NAME=1,3,224,224, not ${text}`, 'Give every dimension as a number.')
    shapes[text.slice(0, at)] = dims
  }
  return shapes
}

export const parseNames = (given: string | null): string[] =>
  given === null ? [] : given.split(',').filter(n => n !== '')
