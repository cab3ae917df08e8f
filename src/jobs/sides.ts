// The two sides that a report lays beside each other: the model as it came, and a variant as it is written.
import type { Model } from '../ir/model.ts'
import { freeze } from '../ops/freeze.ts'
import type { State, Variant } from '../recipe/state.ts'
import { writtenModel } from '../recipe/written.ts'
import { cost } from '../stages/inspect/cost.ts'
import { peakActivations } from '../stages/inspect/liveness.ts'
import { type Costs, costsOf } from './costs.ts'
import type { Side } from './report.ts'

/** The model with its inputs as one sample was fed, so that open dimensions cost what they cost on the data. */
function asFed(model: Model, { observed }: State): Model {
  const shapes = Object.entries(observed?.inputs ?? {}).flatMap(([name, { shape }]) => {
    const declared = model.graph.values.get(name)?.shape
    return model.graph.inputs.includes(name) && declared?.some(d => typeof d !== 'number' || d <= 0)
      ? [[name, shape]]
      : []
  })
  return shapes.length > 0 ? freeze(model, Object.fromEntries(shapes)) : model
}

export function sideBefore(state: State, bytes: number): Side {
  const model = asFed(state.original, state)
  const { macs, parameters } = cost(model)
  return {
    bytes,
    macs,
    parameters,
    accuracy: state.accuracy,
    latencyMs: state.latency,
    peakActivationBytes: peakActivations(model).bytes,
  }
}

export function sideAfter(variant: Variant, state: State, bytes: number): Side {
  const model = asFed(writtenModel(variant), state)
  const { macs, parameters } = cost(model)
  return {
    bytes,
    macs,
    parameters,
    accuracy: variant.accuracy,
    latencyMs: variant.latency,
    peakActivationBytes: peakActivations(model).bytes,
  }
}

/** From node to node, of both sides. */
export const costsBefore = (state: State): Costs => costsOf(asFed(state.original, state))
export const costsAfter = (variant: Variant, state: State): Costs => costsOf(asFed(writtenModel(variant), state))

/** What of the report is a function of the inputs alone, for the bundle: nothing timed, no name of a sample. */
export function timelessReport(variant: Variant, state: State, bytes: { before: number; after: number }) {
  const { latencyMs: _, ...before } = sideBefore(state, bytes.before)
  const { latencyMs: __, ...after } = sideAfter(variant, state, bytes.after)
  return {
    thimble: 1,
    before,
    after,
    agreement: variant.agreement,
    layers: variant.layers,
    floatLeft: variant.floatLeft,
    data: { samples: state.observed?.samples ?? 0 },
    estimated: state.estimated,
    optimized: state.optimized,
    pruned: state.pruned,
    factorized: state.factorized,
    trained: state.trained,
  }
}
