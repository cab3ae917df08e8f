// thimble compress
import { basename, resolve } from 'node:path'
import { outFile, utf8 } from '../base/bytes.ts'
import type { InputSpec } from '../data/input-spec.ts'
import { refuseExisting, writeFolder } from '../host/node/files.ts'
import { folderStore } from '../host/node/store.ts'
import { rangesOf, readRanges } from '../importers/ranges.ts'
import type { Graph } from '../ir/model.ts'
import type { Range } from '../ir/quant.ts'
import { type Compressed, compress, mergedInput, withTargets } from '../jobs/compress.ts'
import { proposeSpec } from '../jobs/proposed.ts'
import type { Report } from '../jobs/report.ts'
import { presetOf } from '../recipe/presets.ts'
import type { Recipe, Step } from '../recipe/types.ts'
import { checkRecipe } from '../recipe/validate.ts'
import { type OptionTable, type Parsed, usage } from './arguments.ts'
import type { ProgressLine } from './output.ts'
import { reportText } from './report-text.ts'
import {
  createContext,
  modelOptions,
  openData,
  openInput,
  openModel,
  readJson,
  readText,
  runOptions,
} from './workbench.ts'

export const options: OptionTable = {
  data: {
    value: 'CALIB',
    about: 'calibration samples: .npz, .npy, .json, folder or zip of images; without them ranges are estimated',
  },
  eval: { value: 'LABELLED', about: 'labelled samples to judge the result by' },
  train: { value: 'DATA', about: 'samples to train on (distil, finetune, qat); default: those of --data' },
  teacher: { value: 'MODEL', about: 'who distil learns from; default: the model itself, as it is' },
  input: { value: 'SPEC.json', about: 'how pixels become what the model is fed' },
  preset: { value: 'NAME', about: 'balanced (default), smallest, exact, float16, acc0 to acc3' },
  recipe: { value: 'RECIPE.json', about: 'what is to be done, step by step' },
  target: { value: 'ID', many: true, about: 'bundle to make; may be given more than once (default onnxruntime)' },
  out: { value: 'DIR', about: 'where the bundles and report.json go' },
  ranges: { value: 'FILE', about: 'ranges measured elsewhere: TensorRT cache, ncnn table, AIMET encodings, our JSON' },
  samples: { value: 'N', about: 'take the first N calibration samples (default 128)' },
  seed: { value: 'N', about: 'override the seed of the recipe' },
  ...modelOptions,
  ...runOptions,
  json: { about: 'print the report as JSON' },
  force: { about: 'replace DIR where it exists' },
}

export async function run(args: Parsed, line: ProgressLine, signal: AbortSignal): Promise<string> {
  const [path, ...rest] = args.positionals
  if (!path || rest.length > 0)
    throw usage('compress wants one MODEL', 'thimble compress MODEL [--data CALIB] --out DIR')
  const out = args.text('out')
  if (!out) throw usage('compress wants --out DIR', 'Name the folder that the bundles go to.')
  refuseExisting(out, args.flag('force'))

  const planned = await plannedRecipe(args)
  const { imported, modelHash, importMs } = await openModel(path, args)
  const spec = await openInput(args)
  const proposed = proposeSpec(imported.model)
  const input: InputSpec = mergedInput(planned, spec, proposed.spec)
  const notes = spec || planned.input ? [] : proposed.notes
  for (const note of notes) line.say(note)

  const recipe: Recipe = await withRanges({ ...planned, input }, imported.model.graph, args, line)
  const data = args.text('data')
  const evaluation = args.text('eval')
  const training = args.text('train')
  const teacher = await openTeacher(args, recipe)
  const ctx = await createContext(
    new Map([...imported.sources, ...(teacher?.sources ?? [])]),
    args,
    line,
    signal,
    recipe.seed,
  )
  const store = folderStore(`${resolve(out)}.unfinished`)
  const result = await compress(
    {
      imported,
      modelHash,
      calibration: data ? await openData(data, imported.model, input) : null,
      evaluation: evaluation ? await openData(evaluation, imported.model, input) : null,
      training: training ? await openData(training, imported.model, input) : null,
      teacher,
      recipe,
      samples: args.count('samples', 1) ?? 128,
      device: 'wasm',
      notes,
      importMs,
      store,
      onStep: (_, step, from) => from === 'store' && line.say(`${step.do}: taken from ${out}.unfinished`),
    },
    ctx,
  )
  line.done()
  await writeFolder(out, filesOf(result), args.flag('force'))
  await store.clear()
  for (const warning of warnings(result.report)) line.say(warning)
  for (const { dir, manifest } of result.bundles)
    for (const note of manifest.notes) if (/real samples/.test(note)) line.say(`${dir}: ${note}`)
  // Without --json they stand in what is printed.
  if (args.flag('json')) for (const note of result.report.notes) if (!notes.includes(note)) line.say(note)
  return args.flag('json') ? `${JSON.stringify(result.report, null, 2)}\n` : reportText(result.report, out)
}

async function openTeacher(args: Parsed, recipe: Recipe) {
  const path = args.text('teacher')
  if (!path) return null
  if (!recipe.steps.some(step => step.do === 'distil'))
    throw usage(
      '--teacher is for the step distil, which the recipe does not have',
      'Add { "do": "distil" } to it, or leave --teacher out.',
    )
  const { imported, modelHash } = await openModel(path, args, 'teacher/')
  return { name: basename(path), hash: modelHash, model: imported.model, sources: imported.sources }
}

const shown = 20 // samples named one by one; the report names all

/** What is wrong with the data, the whole set first. */
function warnings({ estimated, data: { suspicious, skipped, samples } }: Report): string[] {
  const named = new Set(skipped.map(s => s.sample))
  const lines = [
    ...skipped.map(({ sample, why }) => `skipped: ${sample}: ${why}`),
    ...suspicious.flatMap(({ sample, what }) =>
      sample === 'all samples' || named.has(sample) ? [] : [`suspicious: ${sample}: ${what}`],
    ),
  ]
  return [
    ...(estimated === null ? [] : [`warning: ${estimated}`]),
    ...suspicious.filter(s => s.sample === 'all samples').map(({ what }) => `warning: all samples: ${what}.`),
    ...lines.slice(0, shown),
    ...(lines.length > shown ? [`and ${lines.length - shown} more: see report.json`] : []),
    ...(skipped.length > 0 ? [`${skipped.length} samples were left out; ${samples} were calibrated on.`] : []),
  ]
}

export async function plannedRecipe(args: Parsed): Promise<Recipe> {
  const file = args.text('recipe')
  const preset = args.text('preset')
  if (file && preset) throw usage('--preset and --recipe exclude each other', 'Give one of the two.')
  const recipe = file ? checkRecipe(await readJson(file, 'recipe'), file) : checkRecipe(presetOf(preset ?? 'balanced'))
  const targets = args.texts('target')
  const exports = recipe.steps.some(s => s.do === 'export')
  const seed = args.count('seed', 0)
  return withTargets(
    { ...recipe, seed: seed ?? recipe.seed },
    targets.length > 0 || exports ? targets : ['onnxruntime'],
  )
}

/** The recipe whose steps that quantise are given the ranges of --ranges. */
async function withRanges(recipe: Recipe, graph: Graph, args: Parsed, line: ProgressLine): Promise<Recipe> {
  const path = args.text('ranges')
  if (path === null) return recipe
  const { ranges, unknown } = rangesOf(readRanges(await readText(path, 'file of ranges'), path), graph, path)
  if (unknown.length > 0)
    line.say(`${path}: ${unknown.length} names are not in the model and are left out, ${unknown[0]} for one`)
  if (!recipe.steps.some(s => s.do === 'quantize' || s.do === 'search'))
    throw usage(
      '--ranges is for a recipe that quantises',
      'Give a recipe with the step quantize or search, or leave --ranges out.',
    )
  const given = <T extends object>(o: T): T & { ranges: Record<string, Range> } => ({
    ...o,
    ranges: { ...ranges, ...(o as { ranges?: Record<string, Range> }).ranges },
  })
  const steps = recipe.steps.map((s): Step => {
    if (s.do === 'quantize') return given(s)
    // What an earlier search decided was decided under other ranges.
    return s.do === 'search' ? { ...s, quantize: given((s.quantize ?? {}) as object), found: null } : s
  })
  return checkRecipe({ ...recipe, steps })
}

function filesOf({ report, bundles }: Compressed) {
  return [
    { path: 'report.json', file: outFile('report.json', utf8(`${JSON.stringify(report, null, 2)}\n`)) },
    ...bundles.flatMap(b => b.files.map(f => ({ path: `${b.dir}/${f.path}`, file: f.file }))),
  ]
}
