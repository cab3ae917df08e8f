// thimble diagnose

import { mergedInput } from '../jobs/compress.ts'
import { type Diagnosis, diagnose } from '../jobs/diagnose.ts'
import { proposeSpec } from '../jobs/proposed.ts'
import { type OptionTable, type Parsed, usage } from './arguments.ts'
import { plannedRecipe } from './compress.ts'
import { type ProgressLine, table } from './output.ts'
import { createContext, modelOptions, openData, openInput, openModel, runOptions } from './workbench.ts'

export const options: OptionTable = {
  data: { value: 'CALIB', about: 'samples to calibrate on and to look for the error with' },
  input: { value: 'SPEC.json', about: 'how pixels become what the model is fed' },
  preset: { value: 'NAME', about: 'balanced (default), smallest, exact' },
  recipe: { value: 'RECIPE.json', about: 'what was done' },
  target: { value: 'ID', many: true, about: 'whose bundle is looked at (default onnxruntime)' },
  samples: { value: 'N', about: 'take the first N calibration samples (default 128)' },
  seconds: { value: 'N', about: 'how long remedies are tried (default 60)' },
  seed: { value: 'N', about: 'override the seed of the recipe' },
  ...modelOptions,
  ...runOptions,
  json: { about: 'print as JSON' },
}

export async function run(args: Parsed, line: ProgressLine, signal: AbortSignal): Promise<string> {
  const [path, ...rest] = args.positionals
  const data = args.text('data')
  if (!path || rest.length > 0 || !data)
    throw usage('diagnose wants MODEL and --data', 'thimble diagnose MODEL --data CALIB')
  const planned = await plannedRecipe(args)
  const { imported, modelHash } = await openModel(path, args)
  const spec = await openInput(args)
  const input = mergedInput(planned, spec, proposeSpec(imported.model).spec)
  const recipe = { ...planned, input }
  const result = await diagnose(
    {
      imported,
      modelHash,
      calibration: await openData(data, imported.model, input),
      evaluation: null,
      recipe,
      samples: args.count('samples', 1) ?? 128,
      judgedOn: 32,
      seconds: args.count('seconds', 1) ?? 60,
      store: null,
    },
    await createContext(imported.sources, args, line, signal, recipe.seed),
  )
  line.done()
  return args.flag('json') ? `${JSON.stringify(result, null, 2)}\n` : textOf(result)
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`
const rounded = (x: number): string => (Math.abs(x) >= 100 ? x.toFixed(0) : x.toPrecision(3))

const parts = {
  'weights-in': 'input channel',
  'weights-out': 'output channel',
  input: 'channel of the input',
  output: 'channel of the output',
} as const

function wordsOf(cause: Diagnosis['blamed'][number]['causes'][number]): string {
  switch (cause.kind) {
    case 'outlier-channel': {
      const of = cause.of.startsWith('weights') ? ' of the weights' : ''
      return `${parts[cause.of]} ${cause.channel}${of} reaches ${rounded(cause.times)} times as far as the median channel: one scale leaves the others few codes`
    }
    case 'clipped':
      return `the ${cause.of} reaches ${rounded(cause.reaches)} and is cut at ${rounded(cause.cutAt)}`
    case 'shared-scale':
      return `the ${cause.of} shares its scale with a value that reaches ${rounded(cause.times)} times as far`
    case 'long-tail':
      return `a few values of the ${cause.of} reach ${rounded(cause.times)} times the standard deviation`
    case 'few-bits':
      return `nothing stands out in the ${cause.of}: ${cause.bits} bits are too few for it`
  }
}

function textOf(d: Diagnosis): string {
  const { sqnrDb, loss, bytes } = d.before
  const lines = [
    `${d.target}, ${d.form}: output SQNR ${sqnrDb.toFixed(1)} dB, ${loss.toFixed(2)} % of the answers are others, over ${d.samples} samples; ${bytes} bytes.`,
    ...d.data.map(what => `All samples: ${what}.`),
    '',
  ]
  for (const b of d.blamed) {
    const kinds = b.roundings.map(r => `${r.of} ${percent(r.share)}`).join(', ')
    lines.push(`${b.node} (${b.op}) makes ${percent(b.share)} of the noise: ${kinds}.`)
    for (const cause of b.causes) lines.push(`  ${wordsOf(cause)}`)
  }
  if (d.blamed.length === 0) lines.push('No layer stands out: the noise comes from all of them alike.')
  if (d.worst) lines.push('', `Farthest from the float model: ${d.worst.sample}, ${d.worst.sqnrDb.toFixed(1)} dB.`)
  const rows = d.remedies.map(r => [
    `${r.kind} ${r.to}`,
    r.nodes.join(', ') || 'whole model',
    `${r.sqnrDb >= sqnrDb ? '+' : ''}${(r.sqnrDb - sqnrDb).toFixed(1)} dB`,
    `${r.loss.toFixed(2)} %`,
    `${r.bytes >= bytes ? '+' : ''}${r.bytes - bytes} bytes`,
  ])
  if (rows.length > 0) lines.push('', table(['remedy', 'for', 'gain', 'other answers', 'price'], rows))
  if (d.untried > 0) lines.push(`${d.untried} more were not tried for want of time: give --seconds.`)
  return `${lines.join('\n')}\n`
}
