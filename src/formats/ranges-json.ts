// Our own file of ranges: { "thimble": 1, "ranges": { "<value>": { "min": -1, "max": 1 } } }.
import { StudioError } from '../base/errors.ts'

export interface NamedRange {
  name: string
  min: number
  max: number
}

export function parseRangesJson(json: unknown, file: string): NamedRange[] {
  const { thimble, ranges } = json as { thimble?: unknown; ranges?: unknown }
  if (thimble !== 1 || !ranges || typeof ranges !== 'object' || Array.isArray(ranges))
    throw malformed(file, 'it is not { "thimble": 1, "ranges": { ... } }')
  return Object.entries(ranges).map(([name, range]) => {
    const { min, max } = (range ?? {}) as { min?: unknown; max?: unknown }
    if (!Number.isFinite(min) || !Number.isFinite(max) || (min as number) > (max as number))
      throw malformed(file, `${name} has no min and a max that is at least as large`)
    return { name, min: min as number, max: max as number }
  })
}

export function printRangesJson(ranges: readonly NamedRange[]): string {
  const entries = ranges.map(({ name, min, max }) => [name, { min, max }])
  return `${JSON.stringify({ thimble: 1, ranges: Object.fromEntries(entries) }, null, 2)}\n`
}

const malformed = (file: string, why: string): StudioError =>
  new StudioError('malformed', `${file} is no file of ranges: ${why}`, {
    where: { file },
    hint: 'Give every value two numbers: { "min": -1, "max": 1 }.',
  })
