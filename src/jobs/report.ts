// The report: what was done to a model and what came of it. Its shape is a contract (report.json); figures in it were measured here.
import type { Learning, Skip, Suspicion } from '../ir/context.ts'
import type { Step } from '../recipe/types.ts'
import type { Interval } from '../tasks/intervals.ts'
import type { Accuracy } from '../tasks/paired.ts'
import type { AnswerAgreement } from '../tasks/types.ts'

export type { Accuracy, AnswerAgreement, Interval }

export interface Latency {
  median: number
  p90: number
  runs: number
}

export interface Agreement {
  top1: number | null // percent of samples whose class or text is the float model's; null of other tasks
  cosine: number
  sqnrDb: number
  samples: number
  /** How far the answers are the float model's, as the task has it; null where it has none. */
  answers: AnswerAgreement | null
}

export interface Side {
  bytes: number
  macs: number
  parameters: number
  accuracy: Accuracy | null
  latencyMs: Latency | null
  peakActivationBytes: number
}

export interface LayerReport {
  node: string
  op: string
  weightBits: number | null
  activationBits: number | null
  scheme: string
  sqnrDb: number | null // this layer alone quantised, on float inputs
  cumulativeSqnrDb: number | null // in the quantised model, against float
  weightSqnrDb: number | null
  activationSqnrDb: number | null
}

export interface BundleReport {
  target: string
  form: string | null
  dir: string
  after: Side
  agreement: Agreement | null
  layers: LayerReport[]
  /** Of the target's own choice: nodes that it computes in few bits, and those that it is left with in float. */
  operators: { lowBit: number; float: number }
  floatLeft: { node: string; op: string; why: string }[]
  files: { path: string; bytes: number; sha256: string }[]
}

export interface Report {
  thimble: 1
  seed: number
  device: 'wasm' | 'webgpu' | 'webgpu+wasm'
  model: { name: string; format: string; bytes: number; parameters: number; macs: number; nodes: number }
  before: Side
  after: Side | null
  agreement: Agreement | null
  layers: LayerReport[]
  floatLeft: { node: string; op: string; why: string }[]
  data: { samples: number; skipped: Skip[]; suspicious: Suspicion[] }
  timing: Record<
    'importMs' | 'optimizeMs' | 'inferenceMs' | 'calibrateMs' | 'quantizeMs' | 'evaluateMs' | 'exportMs' | 'totalMs',
    number
  > & {
    /** Of steps that are not among these. */
    [step: `${string}Ms`]: number
  }
  memory: { peakBytes: number }
  /** How ranges were come by where no samples were of use, and so what the figures are worth; null where they were measured. */
  estimated: string | null
  notes: string[] // what a reader must know: proposals made, the honest word where int8 is slower, samples too few
  optimized: {
    nodesBefore: number
    nodesAfter: number
    passes: { id: string; changes: number; skipped: { node: string; why: string }[] }[]
  } | null
  pruned: {
    of: 'macs' | 'parameters' | 'bytes'
    before: number
    asked: number
    after: number
    /** Channels that go together, named after the first layer that makes them. */
    groups: {
      layer: string
      layers: string[]
      before: number
      after: number
      importance: number // share of the group's importance that went
      loss: number | null // what this alone was measured to cost
    }[]
    skipped: { layer: string; why: string }[]
  } | null
  factorized: {
    of: 'macs' | 'parameters' | 'bytes'
    method: string
    before: number
    asked: number
    after: number
    /** Ranks are null for a layer that was left whole; the loss is what the ranks were chosen by. */
    layers: { layer: string; ranks: readonly number[] | null; loss: number }[]
    skipped: { layer: string; why: string }[]
  } | null
  /** What each step that trains has come to, in the order of the recipe. */
  trained: Trained[]
  steps: Step[]
  bundles: BundleReport[]
}

export interface Trained extends Learning {
  by: string // the step of the recipe
  samples: number
  taken: number // steps
  best: { step: number; loss: number } // on what was held out
}
