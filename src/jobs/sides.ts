// The two sides that a report lays beside each other: the model as it came, and a variant as it is written.
import type { State, Variant } from '../recipe/state.ts'
import { cost } from '../stages/inspect/cost.ts'
import { peakActivations } from '../stages/inspect/liveness.ts'
import type { Side } from './report.ts'

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
    agreement: variant.agreement,
    layers: variant.layers,
    floatLeft: variant.plan?.float ?? [],
    data: { samples: state.observed?.samples ?? 0 },
    optimized: state.optimized,
  }
}
