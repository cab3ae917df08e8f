// What a task is: how an answer is read from a model's outputs, how right it is beside a label, and how far two models' agree.
import type { Options } from '../base/options.ts'
import type { Box, Boxes, Label, Mask } from '../ir/labels.ts'
import type { Model, ValueName } from '../ir/model.ts'
import type { NdArray } from '../ir/tensor.ts'

export type { Box, Boxes, Label, Mask }

/** One sample's outputs by name. */
export type Outputs = Readonly<Record<ValueName, NdArray>>

/** A box that a model finds. */
export interface FoundBox extends Box {
  readonly score: number
}
export interface FoundBoxes {
  readonly kind: 'boxes'
  readonly boxes: readonly FoundBox[] // by falling score
}
export interface Vector {
  readonly kind: 'vector'
  readonly values: Float32Array
}

/** What a model says of one sample: a class, a line of text, boxes, a class for each pixel, or a vector; null where it says nothing. */
export type Answer = number | string | FoundBoxes | Mask | Vector | null

/** How right one sample is: 0 or 1 where the task is `binary`, else between them. */
export interface Score {
  value: number
  top5: number | null
  /** A second figure, named in the task's `detail`. */
  detail: number | null
}

/** A figure of how far two models say the same over a set. */
export interface AgreementFigure {
  metric: string
  value: number
  unit: '%' | ''
}
export interface AnswerAgreement extends AgreementFigure {
  details: readonly AgreementFigure[]
}

/** Gathers agreement over samples; null where neither has said anything. */
export interface Agreeing {
  add(reference: Outputs, other: Outputs): void
  result(): AnswerAgreement | null
}

/** A figure of a whole set that is no mean over its samples. */
export interface Pooled<R> {
  record(outputs: Outputs, label: Label): R
  /** From 0 to 1; null where the samples say nothing. `times`: how often each counts, null for once. */
  value(records: readonly R[], times: Uint16Array | null): number | null
  /** The second figure, named in the task's `detail`. */
  detail(records: readonly R[]): number | null
}

/** A task set up for one model. */
export interface Task {
  readonly id: string
  /** What `value` is called. */
  readonly metric: string
  readonly detail: string | null
  readonly binary: boolean
  /** Whether a score of 1 is right and all below it wrong. */
  readonly rightAtOne: boolean
  answer(outputs: Outputs): Answer
  /** How far `other` says what the reference does, 0 to 1; null where the reference says nothing. */
  alike(reference: Outputs, other: Outputs): number | null
  agreeing(): Agreeing
  /** One sample's; `label` with the offset already added; `reference` are the float model's outputs. */
  score(outputs: Outputs, label: Label, reference: Outputs): Score
  /** Where the set's figure is no mean of `score`. */
  readonly pooled: Pooled<unknown> | null
}

export type TaskOptions = Readonly<Record<string, unknown>>

/** A task that may be chosen: one file of this room. */
export interface TaskDef {
  readonly id: string
  readonly label: string
  readonly options: Options
  /** The options with which the outputs (and metadata) look like this task's; null where they do not. */
  guess(model: Model): TaskOptions | null
  open(model: Model, options: TaskOptions): Task
}
