// thimble verify DIR
import type { FileSet } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { fileSource, openFiles } from '../host/node/files.ts'
import { importModel } from '../importers/index.ts'
import type { Imported } from '../importers/types.ts'
import type { Manifest } from '../jobs/manifest.ts'
import { readDump, readManifest, type Verified, verifyBundle } from '../jobs/verify.ts'
import { findTarget } from '../targets/index.ts'
import { type OptionTable, type Parsed, usage } from './arguments.ts'
import { type ProgressLine, table } from './output.ts'
import { createContext, runOptions } from './workbench.ts'

export const options: OptionTable = {
  dump: { value: 'FILE', about: 'what a device gave, by layer: .npz by value name, or lines "name index value"' },
  ...runOptions,
  json: { about: 'print as JSON' },
}

export async function run(args: Parsed, line: ProgressLine, signal: AbortSignal): Promise<string> {
  const [dir, ...rest] = args.positionals
  if (!dir || rest.length > 0) throw usage('verify wants one bundle', 'thimble verify OUT/onnxruntime')
  const { files } = await openFiles(dir, 'bundle')
  const manifest = await readManifest(files)
  const imported = await readable(files, manifest)
  const dump = args.text('dump')
  const result = await verifyBundle(
    files,
    manifest,
    imported,
    dump ? await readDump(await fileSource(dump)) : null,
    await createContext(imported?.sources ?? new Map(), args, line, signal, 0),
  )
  line.done()
  const shown = args.flag('json') ? `${JSON.stringify(result, null, 2)}\n` : verifiedText(result)
  if (!result.ok) process.exitCode = 1
  return shown
}

/** The bundle's model; null where its format can be written here and not read. */
async function readable(files: FileSet, manifest: Manifest): Promise<Imported | null> {
  const own = new Map([...files].filter(([path]) => Object.values(manifest.files).includes(path)))
  const [main] = Object.values(manifest.files)
  try {
    return await importModel(own, main)
  } catch (thrown) {
    if (
      thrown instanceof StudioError &&
      thrown.code === 'not-a-model' &&
      findTarget(manifest.target).exporter !== 'onnx'
    )
      return null
    throw thrown
  }
}

function verifiedText(result: Verified): string {
  const lines = result.files.map(f => `${f.ok ? 'ok  ' : 'FAIL'} ${f.path}${f.why ? `: ${f.why}` : ''}`)
  if (result.outputs.length === 0)
    lines.push(
      '',
      'The runtime here does not know this model: only files were checked. The program under sample/ runs it on its golden input.',
    )
  else
    lines.push(
      '',
      table(
        ['output', 'dB', 'largest difference', 'equal'],
        result.outputs.map(o => [o.name, o.sqnrDb.toFixed(1), String(o.maxAbs), o.equal ? 'yes' : 'no']),
      ),
    )
  if (result.layers.length > 0)
    lines.push(
      '',
      table(
        ['layer', 'dB', 'equal'],
        result.layers.map(l => [l.name, l.sqnrDb.toFixed(1), l.equal ? 'yes' : 'no']),
      ),
    )
  if (result.firstDifference) lines.push('', `The dump first differs at ${result.firstDifference}.`)
  if (result.unknown.length > 0) lines.push('', `Not among the golden layers: ${result.unknown.join(', ')}`)
  lines.push('', result.ok ? 'The bundle is as it was written.' : 'The bundle does not hold what it promises.')
  return `${lines.join('\n')}\n`
}
