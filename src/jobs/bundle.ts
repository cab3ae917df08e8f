// A bundle: the target's own model files, and around them the manifest, the recipe, a program that runs them and golden vectors.
// Only what is a function of the inputs stands in it: no time, no device, no memory.
import { collect, type OutFile, outFile, utf8 } from '../base/bytes.ts'
import { StudioError } from '../base/errors.ts'
import { hashBytes } from '../base/hash.ts'
import { checkInput } from '../data/input-schema.ts'
import type { ImageInput } from '../data/input-spec.ts'
import { resolveInput } from '../data/resolve-input.ts'
import type { Written } from '../exporters/types.ts'
import type { Imported } from '../importers/types.ts'
import type { Context, Dataset } from '../ir/context.ts'
import { type Model, requiredInputs, type ValueName } from '../ir/model.ts'
import type { InputSeen, State, Variant } from '../recipe/state.ts'
import { previewing } from '../recipe/steps/preview.ts'
import { write } from '../recipe/steps/write.ts'
import type { Recipe } from '../recipe/types.ts'
import { writtenModel } from '../recipe/written.ts'
import { findTarget } from '../targets/index.ts'
import { calibrationFor, exportOf } from './calibration.ts'
import { type Golden, goldenVectors, syntheticFeeds } from './golden.ts'
import { type Manifest, manifestTensor } from './manifest.ts'
import { bundleReadme, howToRun, sampleCode } from './sample-code.ts'
import { timelessReport } from './sides.ts'

export interface BundleFile {
  path: string
  bytes: number
  sha256: string
  file: OutFile
}

export interface Bundle {
  target: string
  form: string | null
  dir: string
  files: BundleFile[]
  modelBytes: number
  manifest: Manifest
}

export async function writeBundle(
  judged: Variant,
  state: State,
  imported: Imported,
  recipe: Recipe,
  data: Dataset | null,
  ctx: Context,
): Promise<Bundle> {
  const variant = { ...judged, model: writtenModel(judged) }
  const target = findTarget(variant.target)
  const preprocess = leftToDo(recipe.input ? resolveInput(recipe.input, state.original) : {}, variant)
  const written = await write(
    variant.model,
    target,
    {
      form: variant.form,
      io: variant.io,
      preprocess,
      quantized: variant.plan && { float: variant.reference ?? state.model, plan: variant.plan },
      calibration: target.calibrates
        ? await calibrationFor(variant, recipe, data, seed =>
            syntheticFeeds(state.model, seed, state.observed?.inputs ?? {}),
          )
        : null,
      scramble: (exportOf(variant, recipe)?.scramble as string | null | undefined) ?? null,
      name: imported.name,
      fed: Object.fromEntries(Object.entries(state.observed?.inputs ?? {}).map(([name, seen]) => [name, seen.shape])),
    },
    ctx,
  )
  const modelFiles = await Promise.all(written.files.map(sealed))
  const modelBytes = modelFiles.reduce((n, f) => n + f.bytes, 0)

  const golden = await goldenUnlessUnknown(variant, recipe.seed, state, ctx)
  const manifest = makeManifest(variant, state, written, modelFiles, preprocess, golden)
  const integers = (variant.plan?.integer.size ?? 0) > 0
  const json = (value: unknown): Uint8Array => utf8(`${JSON.stringify(value, null, 2)}\n`)
  const around: OutFile[] = [
    outFile('manifest.json', json(manifest)),
    outFile('recipe.json', json(recipeAsRun(recipe, state))),
    outFile('report.json', json(timelessReport(variant, state, { before: imported.bytes, after: modelBytes }))),
    outFile('README.md', utf8(bundleReadme(manifest, target, imported.name, written.howToRun ?? howToRun, integers))),
    ...(written.around ?? sampleCode(manifest, variant)),
    ...(golden instanceof StudioError
      ? []
      : [
          outFile('golden/inputs.npz', golden.inputs),
          outFile('golden/outputs.npz', golden.outputs),
          outFile('golden/layers.npz', golden.layers),
          outFile('golden/hashes.json', json(golden.hashes)),
        ]),
  ]
  return {
    target: target.id,
    form: variant.asked,
    dir: variant.asked ? `${safe(target.id)}-${variant.asked}` : safe(target.id),
    files: [...modelFiles, ...(await Promise.all(around.map(sealed)))],
    modelBytes,
    manifest,
  }
}

/** A model with operators that the runtime here does not know can still be written; nobody can say then what it gives. */
async function goldenUnlessUnknown(
  variant: Variant,
  seed: number,
  state: State,
  ctx: Context,
): Promise<Golden | StudioError> {
  try {
    return await goldenVectors(
      variant.model,
      seed,
      seenBy(variant, state),
      layerValues(variant),
      variant.plan ? previewing(findTarget(variant.target), ctx) : ctx,
    )
  } catch (thrown) {
    if (thrown instanceof StudioError && thrown.code === 'unsupported') return thrown
    throw thrown
  }
}

/** Of an input that takes pixels, all that there are. */
function seenBy({ raw }: Variant, { observed }: State): Readonly<Record<ValueName, InputSeen>> {
  const seen = { ...observed?.inputs }
  for (const { input } of raw) if (seen[input]) seen[input] = { ...seen[input], min: 0, max: 255 }
  return seen
}

/** What is left to do before the model, where the normalisation may be in it. */
const leftToDo = (
  specs: Readonly<Record<ValueName, ImageInput>>,
  { raw }: Variant,
): Readonly<Record<ValueName, ImageInput>> =>
  Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [
      name,
      raw.some(r => r.input === name)
        ? { ...spec, scale: 1, mean: spec.mean.map(() => 0), std: spec.std.map(() => 1) }
        : spec,
    ]),
  )

/** In one order of keys, however the recipe was put together. */
const recipeAsRun = ({ thimble, seed, input }: Recipe, { steps }: State): Recipe => ({
  thimble,
  seed,
  ...(input ? { input: checkInput(input) } : {}),
  steps: [...steps],
})

const safe = (id: string): string => id.replaceAll(':', '-')

async function sealed(file: OutFile): Promise<BundleFile> {
  const bytes = await collect(file.chunks())
  return { path: file.path, bytes: bytes.length, sha256: hashBytes(bytes), file }
}

/** Names in the source model, and the values of the bundle's model that stand for them: what is behind a value's pair. */
export function layerValues({ model, plan }: Pick<Variant, 'model' | 'plan'>): Map<ValueName, ValueName> {
  const layers = new Map<ValueName, ValueName>()
  if (!plan) return layers
  const { graph } = model
  const makers = new Map(graph.nodes.flatMap(node => node.outputs.map(name => [name, node] as const)))
  for (const node of graph.nodes) {
    if (node.op !== 'DequantizeLinear') continue
    const pair = makers.get(node.inputs[0]!)
    if (pair?.op !== 'QuantizeLinear') continue
    const source = pair.inputs[0]!
    const before = makers.get(source)
    // What has codes that the target has not is cut off before it is rounded.
    const name = before?.op === 'Clip' && !plan.activations.has(source) ? before.inputs[0]! : source
    if (plan.activations.has(name) && !graph.inputs.includes(name)) layers.set(name, node.outputs[0]!)
  }
  return layers
}

function makeManifest(
  variant: Variant,
  state: State,
  written: Written,
  files: readonly BundleFile[],
  preprocess: Readonly<Record<ValueName, ImageInput>>,
  golden: Golden | StudioError,
): Manifest {
  const target = findTarget(variant.target)
  const source = state.original.graph
  const fed: Model['graph'] = state.model.graph
  const unknown = golden instanceof StudioError ? golden : null
  return {
    thimble: 1,
    target: target.id,
    form: variant.asked,
    targetVersion: target.version,
    batch: 1,
    files: written.roles,
    sha256: Object.fromEntries(files.map(f => [f.path, f.sha256])),
    inputs: requiredInputs(fed).map(name => {
      const spec = preprocess[name] ?? null
      const own = source.values.get(name) ?? fed.values.get(name)!
      const held = variant.model.graph.values.get(name)!
      return { ...manifestTensor(own, held, spec?.layout ?? null, written.edges?.[name]), preprocess: spec }
    }),
    outputs: fed.outputs.map(name => {
      const own = source.values.get(name) ?? fed.values.get(name)!
      const held = variant.model.graph.values.get(name) ?? null
      return manifestTensor(own, held, null, written.edges?.[name])
    }),
    precision: variant.precision,
    accuracy: variant.accuracy,
    agreement: variant.agreement,
    ranOnItsRuntime: target.ranOnItsRuntime && !unknown,
    notes: [
      ...written.notes,
      ...(state.estimated === null || variant.plan === null ? [] : [state.estimated]),
      ...(unknown
        ? [`There are no golden vectors: ${unknown.message} (node ${unknown.where.node ?? 'unnamed'}).`]
        : []),
    ],
  }
}
