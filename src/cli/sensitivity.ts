// thimble sensitivity
import { proposeInput } from '../data/propose-input.ts'
import { type FormatName, formatNames } from '../ir/format-names.ts'
import { mergedInput } from '../jobs/compress.ts'
import { integerFormats, measureSensitivity, type Sensitivities } from '../jobs/sensitivity.ts'
import { type OptionTable, type Parsed, parseNames, usage } from './arguments.ts'
import { plannedRecipe } from './compress.ts'
import { type ProgressLine, table } from './output.ts'
import { createContext, modelOptions, openData, openInput, openModel, runOptions } from './workbench.ts'

export const options: OptionTable = {
  data: { value: 'CALIB', about: 'samples to calibrate on and to measure with' },
  input: { value: 'SPEC.json', about: 'how pixels become what the model is fed' },
  preset: { value: 'NAME', about: 'balanced (default), smallest, exact' },
  recipe: { value: 'RECIPE.json', about: 'what is done before a layer is rounded or pruned, and how' },
  target: { value: 'ID', many: true, about: 'whose formats and rules are measured (default onnxruntime)' },
  formats: { value: 'int8,int4', about: `formats of weights (default ${integerFormats.join(',')})` },
  samples: { value: 'N', about: 'take the first N calibration samples (default 128)' },
  'measured-on': { value: 'N', about: 'samples that each point is measured on (default 32)' },
  seed: { value: 'N', about: 'override the seed of the recipe' },
  ...modelOptions,
  ...runOptions,
  json: { about: 'print as JSON' },
}

export async function run(args: Parsed, line: ProgressLine, signal: AbortSignal): Promise<string> {
  const [path, ...rest] = args.positionals
  const data = args.text('data')
  if (!path || rest.length > 0 || !data)
    throw usage('sensitivity wants MODEL and --data', 'thimble sensitivity MODEL --data CALIB')
  const named = parseNames(args.text('formats'))
  const strange = named.find(name => !(formatNames as readonly string[]).includes(name))
  if (strange) throw usage(`There is no format ${strange}`, `Choose among ${formatNames.join(', ')}.`)
  const planned = await plannedRecipe(args)
  const { imported, modelHash } = await openModel(path, args)
  const input = mergedInput(planned, await openInput(args), proposeInput(imported.model).spec)
  const recipe = { ...planned, input }
  const found = await measureSensitivity(
    {
      imported,
      modelHash,
      calibration: await openData(data, imported.model, input),
      evaluation: null,
      recipe,
      samples: args.count('samples', 1) ?? 128,
      measuredOn: args.count('measured-on', 1) ?? 32,
      formats: named.length > 0 ? (named as FormatName[]) : integerFormats,
      store: null,
    },
    await createContext(imported.sources, args, line, signal, recipe.seed),
  )
  line.done()
  return args.flag('json') ? `${JSON.stringify(found, null, 2)}\n` : textOf(found)
}

function textOf({ target, samples, formats, layers, groups }: Sensitivities): string {
  const worst = (list: readonly (number | null)[]): number =>
    list.reduce<number>((least, x) => Math.min(least, x ?? least), 200)
  const db = (x: number | null): string => (x === null ? '' : x.toFixed(1))
  const rounded = [...layers].sort((a, b) => worst(a.sqnrDb) - worst(b.sqnrDb))
  const lines = [
    `Output SQNR in dB over ${samples} samples with one layer alone in each format, by the rules of ${target}:`,
    table(
      ['layer', ...formats],
      rounded.map(l => [`${l.node} (${l.op})`, ...l.sqnrDb.map(db)]),
    ),
  ]
  if (groups.length > 0)
    lines.push(
      '',
      'And with one group of channels alone pruned, channels gone: dB:',
      ...groups.map(
        g => `${g.layer}, ${g.channels} channels: ${g.points.map(p => `${p.gone}: ${db(p.sqnrDb)}`).join(', ')}`,
      ),
    )
  return `${lines.join('\n')}\n`
}
