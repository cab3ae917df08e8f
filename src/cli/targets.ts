// thimble targets
import { targets } from '../targets/index.ts'
import type { OptionTable, Parsed } from './arguments.ts'
import { table } from './output.ts'

export const options: OptionTable = { json: { about: 'print as JSON' } }

export async function run(args: Parsed): Promise<string> {
  const rows = targets.map(t => ({
    id: t.id,
    vendor: t.vendor,
    label: t.label,
    forms: t.forms.map(form => form.id),
    ranOnItsRuntime: t.ranOnItsRuntime,
    sources: t.sources,
  }))
  if (args.flag('json')) return `${JSON.stringify(rows, null, 2)}\n`
  return `${table(
    ['target', 'runtime', 'forms', 'run there'],
    rows.map(t => [t.id, t.label, t.forms.join(', '), t.ranOnItsRuntime ? 'yes' : 'no']),
  )}\n`
}
