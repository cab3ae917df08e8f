// thimble convert
import { refuseExisting, writeFolder } from '../host/node/files.ts'
import { convert } from '../jobs/convert.ts'
import { type OptionTable, type Parsed, usage } from './arguments.ts'
import type { ProgressLine } from './output.ts'
import { createContext, modelOptions, openModel, runOptions } from './workbench.ts'

export const options: OptionTable = {
  target: { value: 'ID', about: 'what the bundle is for' },
  out: { value: 'DIR', about: 'where the bundle goes' },
  ...modelOptions,
  ...runOptions,
  json: { about: 'print what was written as JSON' },
  force: { about: 'replace DIR where it exists' },
}

export async function run(args: Parsed, line: ProgressLine, signal: AbortSignal): Promise<string> {
  const [path, ...rest] = args.positionals
  const target = args.text('target')
  const out = args.text('out')
  if (!path || rest.length > 0 || !target || !out)
    throw usage('convert wants MODEL, --target and --out', 'thimble convert MODEL --target onnx --out DIR')
  refuseExisting(out, args.flag('force'))
  const { imported } = await openModel(path, args)
  const bundle = await convert(imported, target, await createContext(imported.sources, args, line, signal, 0))
  await writeFolder(
    out,
    bundle.files.map(f => ({ path: `${bundle.dir}/${f.path}`, file: f.file })),
    args.flag('force'),
  )
  const written = {
    target,
    dir: bundle.dir,
    files: bundle.files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
    notes: [...imported.notes, ...bundle.manifest.notes],
  }
  line.done()
  for (const note of written.notes) line.say(note)
  return args.flag('json') ? `${JSON.stringify(written, null, 2)}\n` : `${target}: ${out}/${bundle.dir}\n`
}
