// The two sides that a report lays beside each other: the model as it came, and a variant as it is written.
import type { State, Variant } from '../recipe/state.ts'
import { cost } from '../stages/inspect/cost.ts'
import { peakActivations } from '../stages/inspect/liveness.ts'
import type { Agreement, LayerReport, Side } from './report.ts'

export function sideBefore(state: State, bytes: number): Side {
  const { macs, parameters } = cost(state.original)
  return {
    bytes,
    macs,
    parameters,
    accuracy: state.accuracy,
    latencyMs: state.latency,
    peakActivationBytes: peakActivations(state.original).bytes,
  }
}

export function sideAfter(variant: Variant, bytes: number): Side {
  const { macs, parameters } = cost(variant.model)
  return {
    bytes,
    macs,
    parameters,
    accuracy: variant.accuracy,
    latencyMs: variant.latency,
    peakActivationBytes: peakActivations(variant.model).bytes,
  }
}

/** What of the report is a function of the inputs alone, for the bundle: nothing timed, no name of a sample. */
export function timelessReport(variant: Variant, state: State, bytes: { before: number; after: number }) {
  const { latencyMs: _, ...before } = sideBefore(state, bytes.before)
  const { latencyMs: __, ...after } = sideAfter(variant, bytes.after)
  return {
    thimble: 1,
    before,
    after,
    agreement: variant.agreement && roundedAgreement(variant.agreement),
    layers: variant.layers.map(roundedLayer),
    floatLeft: variant.plan?.float ?? [],
    data: { samples: state.observed?.samples ?? 0 },
    optimized: state.optimized,
  }
}

// The runtime adds floats in an order that depends on how many threads it has, which is seen in the seventh digit; what is written
// into a bundle must not depend on it.
const hundredths = (value: number | null): number | null => value && Math.round(value * 100) / 100

/** To a hundredth of a decibel, and a millionth of the cosine. */
export const roundedAgreement = (agreement: Agreement): Agreement => ({
  ...agreement,
  cosine: Math.round(agreement.cosine * 1e6) / 1e6,
  sqnrDb: Math.round(agreement.sqnrDb * 100) / 100,
})

const roundedLayer = (layer: LayerReport): LayerReport => ({
  ...layer,
  sqnrDb: hundredths(layer.sqnrDb),
  cumulativeSqnrDb: hundredths(layer.cumulativeSqnrDb),
  weightSqnrDb: hundredths(layer.weightSqnrDb),
  activationSqnrDb: hundredths(layer.activationSqnrDb),
})
