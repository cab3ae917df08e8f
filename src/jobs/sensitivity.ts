// How much each layer can bear: the error of the outputs with that layer alone in each format, and with that group of channels alone pruned
// to each width. Every point is kept as soon as it is measured, so that what was stopped goes on.
import { StudioError } from '../base/errors.ts'
import { defaultsOf } from '../base/options.ts'
import type { Context } from '../ir/context.ts'
import type { FormatName } from '../ir/format-names.ts'
import type { Model, NodeId } from '../ir/model.ts'
import { elements } from '../ir/tensor.ts'
import { infer } from '../ops/infer.ts'
import { envAfter, play } from '../recipe/play.ts'
import type { State, StepEnv } from '../recipe/state.ts'
import { gather } from '../recipe/steps/observed.ts'
import { ranking } from '../recipe/steps/prune.ts'
import { multipleOf, type PruneOptions, options as pruneOptions } from '../recipe/steps/prune-options.ts'
import { measureGroups } from '../recipe/steps/prune-sensitivity.ts'
import { type QuantizeOptions, options as quantizeOptions } from '../recipe/steps/quantize-options.ts'
import { prepared, searchLayers, usable } from '../recipe/steps/search-layers.ts'
import { chooseOnly, type SearchLayer, sensitivities } from '../recipe/steps/sensitivity.ts'
import { openTrial } from '../recipe/steps/trial.ts'
import type { Step } from '../recipe/types.ts'
import type { Sweep } from '../stages/observe/index.ts'
import { findGroups } from '../stages/prune/groups.ts'
import { wantedOf } from './compress.ts'
import { firstSteps, type ReplayRequest } from './replay.ts'

export interface SensitivityRequest extends ReplayRequest {
  /** Formats of weights to measure, those aside that the target lacks. */
  formats: readonly FormatName[]
  /** Samples that each point is measured on. */
  measuredOn: number
}

export interface Sensitivities {
  target: string
  samples: number
  formats: FormatName[]
  /** Output SQNR with nothing but this layer rounded, in the order of `formats`; null where it was not measured. */
  layers: { node: NodeId; op: string; parameters: number | null; sqnrDb: (number | null)[] }[]
  /** Output SQNR with nothing but this group pruned, the layers behind it fitted to what they gave before. */
  groups: { layer: NodeId; channels: number; points: { gone: number; sqnrDb: number }[] }[]
}

/** Eight bits and all below. */
export const integerFormats: readonly FormatName[] = ['int8', 'int7', 'int6', 'int5', 'int4', 'int3', 'int2']

export async function measureSensitivity(request: SensitivityRequest, ctx: Context): Promise<Sensitivities> {
  const { state, env } = await beforeRounding(request, ctx)
  return {
    target: env.wanted[0].target.id,
    samples: Math.min(request.measuredOn, env.calibration!.size),
    ...(await inFormats(state, request, env)),
    groups: await inWidths(state, request, env),
  }
}

/** What the model is before the recipe prunes or rounds it, and an environment for its first target, that finds what runs have seen of it and keeps what is measured. */
export async function beforeRounding(
  request: Omit<SensitivityRequest, 'formats' | 'measuredOn'>,
  ctx: Context,
): Promise<{ state: State; env: StepEnv }> {
  const { calibration, recipe } = request
  if (!calibration)
    throw new StudioError('usage', 'There are no samples to measure the layers on', {
      hint: 'Give some of those that the model is calibrated on.',
    })
  const wanted = wantedOf(recipe).slice(0, 1)
  if (wanted.length === 0)
    throw new StudioError('usage', 'The recipe names no target whose formats could be measured', {
      hint: 'Add the step export.',
    })
  const first = recipe.steps.findIndex(s => ['prune', 'quantize', 'search', 'evaluate', 'export'].includes(s.do))
  // Behind the last step where none of these is there.
  const before = firstSteps(request, first < 0 ? recipe.steps.length : first)
  return { state: await play(before, ctx), env: envAfter({ ...before, wanted }, ctx) }
}

const optionsOf = <T>(steps: readonly Step[], id: string, defaults: T): T => {
  const { do: _, ...given } = steps.find(s => s.do === id) ?? { do: id }
  return { ...defaults, ...given }
}

/** The layers that can be rounded, ready to be rounded one by one as the recipe would, but for its repairs. */
export async function openLayers(
  state: State,
  asked: readonly FormatName[],
  steps: readonly Step[],
  env: StepEnv,
): Promise<{ formats: FormatName[]; base: QuantizeOptions; model: Model; layers: SearchLayer[]; sweep: Sweep }> {
  const targets = env.wanted.map(w => w.target)
  const { formats } = usable(asked, targets)
  const given = optionsOf(steps, 'quantize', defaultsOf(quantizeOptions) as QuantizeOptions)
  const base: QuantizeOptions = { ...given, layers: {}, repairs: [], rawInput: false }
  const model = prepared(state.model, base, formats)
  const layers = searchLayers(model, targets, base)
  const values = new Set(layers.flatMap(layer => chooseOnly(model, layer, () => base).values))
  const sweep = await gather(model, [...values], env.calibration!, env.samples, base, env)
  return { formats, base, model, layers, sweep }
}

async function inFormats(
  state: State,
  { formats: asked, measuredOn, recipe }: SensitivityRequest,
  env: StepEnv,
): Promise<Pick<Sensitivities, 'formats' | 'layers'>> {
  const { formats, base, model, layers, sweep } = await openLayers(state, asked, recipe.steps, env)
  const options = { batch: base.batch, count: measuredOn, input: env.input }
  const trial = await openTrial(model, env.calibration!, options, env.ctx)
  const until = Number.POSITIVE_INFINITY
  const found = await sensitivities(model, layers, { ...base, formats }, { raws: [], sweep, trial, until }, env)
  const nodes = new Map(model.graph.nodes.map(n => [n.id, n]))
  return {
    formats,
    layers: layers.map(({ id, weight }) => ({
      node: id,
      op: nodes.get(id)!.op,
      parameters: elements(model.graph.values.get(weight)!.data!),
      sqnrDb: formats.map(format => bounded(found[id][format]!.sqnrDb)),
    })),
  }
}

async function inWidths(
  state: State,
  { measuredOn, recipe }: SensitivityRequest,
  env: StepEnv,
): Promise<Sensitivities['groups']> {
  const model: Model = infer(state.model)
  const { groups } = findGroups(model)
  if (groups.length === 0) return []
  const o = optionsOf(recipe.steps, 'prune', defaultsOf(pruneOptions) as PruneOptions)
  const { order } = await ranking(model, groups, o, env)
  const options = { batch: o.batch, count: measuredOn, input: env.input }
  const trial = await openTrial(model, env.calibration!, options, env.ctx)
  const multiple = multipleOf(o, env.wanted)
  const key = { importance: o.importance, ...options, fit: o.reconstruct, samples: env.samples }
  const measured = await measureGroups(model, groups, order, { trial, fit: o.reconstruct, multiple, key }, env)
  return groups.map((group, k) => ({
    layer: group.id,
    channels: group.size,
    points: measured[k].points.map(({ gone, figures }) => ({ gone, sqnrDb: bounded(figures.sqnrDb) })),
  }))
}

/** Outputs that are the same to the bit have no finite ratio, which JSON cannot hold. */
const bounded = (sqnrDb: number): number => Math.min(200, sqnrDb)
