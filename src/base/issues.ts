// What is wrong with JSON that people write, in words: valibot's issues with the place, the value, and what may stand there instead.
import type * as v from 'valibot'
import { meant } from './nearest.ts'

/** What a walk down a schema needs to see of it. */
interface Walked {
  wrapped?: Walked
  entries?: Record<string, Walked>
  value?: Walked
  item?: Walked
}

/** The keys that an object may have at a path. */
function keysAt(schema: v.GenericSchema, path: readonly unknown[]): string[] {
  let at: Walked | undefined = schema as Walked
  const open = (): void => {
    while (at?.wrapped) at = at.wrapped
  }
  open()
  for (const key of path) {
    at = at?.entries?.[String(key)] ?? at?.value ?? at?.item
    open()
  }
  return Object.keys(at?.entries ?? {})
}

const list = (names: readonly string[]): string => names.map(name => `"${name}"`).join(', ')

/** One sentence without its full stop, such as: layers.fc: there is no "flot"; did you mean "float"? */
export function describeIssue(issue: v.BaseIssue<unknown>, schema: v.GenericSchema): string {
  const keys = issue.path?.map(item => item.key) ?? []
  const place = keys.map(String).join('.')
  const parent = keys.slice(0, -1).map(String).join('.')
  const last = String(keys.at(-1) ?? '')
  const at = (text: string, where: string): string => (where === '' ? text : `${where}: ${text}`)
  if (issue.type === 'strict_object' || issue.type === 'object' || issue.type === 'loose_object') {
    if (issue.expected === 'never') {
      const known = keysAt(schema, keys.slice(0, -1))
      const near = meant(last, known)
      return at(`there is no "${last}"; ${near ? `did you mean "${near}"?` : `known: ${list(known)}`}`, parent)
    }
    if (keys.length > 0 && issue.received === 'undefined') return at(`"${last}" is missing`, parent)
  }
  if (issue.type === 'picklist') {
    const choices = (issue.expected ?? '').replace(/^\(|\)$/g, '').split(' | ')
    const near =
      typeof issue.input === 'string'
        ? meant(
            issue.input,
            choices.map(c => c.replaceAll('"', '')),
          )
        : null
    const hint = near ? `did you mean "${near}"? Choose one of: ` : 'choose one of: '
    return at(`${issue.received} cannot stand here; ${hint}${choices.join(', ')}`, place)
  }
  if (issue.type === 'integer') return at(`${issue.received} cannot stand here, a whole number is wanted`, place)
  if (issue.expected === null || issue.expected === undefined) return at(issue.message, place)
  return at(`${issue.received} cannot stand here, ${issue.expected.replace(/^>=/, 'at least ')} is wanted`, place)
}
