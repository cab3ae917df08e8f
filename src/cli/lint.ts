// thimble lint
import { lint } from '../jobs/lint.ts'
import { type OptionTable, type Parsed, usage } from './arguments.ts'
import { type ProgressLine, table } from './output.ts'
import { createContext, modelOptions, openModel, runOptions } from './workbench.ts'

export const options: OptionTable = {
  target: { value: 'ID', about: 'whose rules are applied' },
  ...modelOptions,
  ...runOptions,
  json: { about: 'print as JSON' },
}

export async function run(args: Parsed, line: ProgressLine, signal: AbortSignal): Promise<string> {
  const [path, ...rest] = args.positionals
  const target = args.text('target')
  if (!path || rest.length > 0 || !target)
    throw usage('lint wants MODEL and --target', 'thimble lint MODEL --target onnxruntime')
  const { imported } = await openModel(path, args)
  const result = await lint(imported, target, await createContext(imported.sources, args, line, signal, 0))
  line.done()
  if (args.flag('json')) return `${JSON.stringify(result, null, 2)}\n`
  const [refused, left] = [false, true].map(float => result.findings.filter(f => (f.level === 'float') === float))
  const all = refused.filter(f => f.form === null).length
  const cannot = all > 0 ? ` ${all} keep it from being written.` : ''
  const head = `${result.integer} operators would run in integers, ${left.length} in float.${cannot}`
  if (result.findings.length === 0) return `${head}\n`
  const rows = result.findings.map(f => [
    f.node ?? '',
    f.op,
    f.form === null ? f.level : `${f.level} as ${f.form}`,
    f.fix ? `${f.why.replace(/\.$/, '')}. ${f.fix}` : f.why,
  ])
  return `${head}\n\n${table(['node', 'op', 'level', 'why'], rows)}\n`
}
