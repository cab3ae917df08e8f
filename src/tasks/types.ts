// What a task is: how an answer is read from a model's outputs, and how right it is beside a label.
import type { Options } from '../base/options.ts'
import type { Model, ValueName } from '../ir/model.ts'
import type { NdArray } from '../ir/tensor.ts'

/** One sample's outputs by name. */
export type Outputs = Readonly<Record<ValueName, NdArray>>

export type Label = number | string

/** How right one sample is: 0 or 1 where the task is `binary`, else between them. */
export interface Score {
  value: number
  top5: number | null
  /** A second figure, named in the task's `detail`. */
  detail: number | null
}

/** A task set up for one model. */
export interface Task {
  readonly id: string
  /** What `value` is called. */
  readonly metric: string
  readonly detail: string | null
  readonly binary: boolean
  /** The answer as something that can be compared; null where the task has none. */
  answer(outputs: Outputs): string | number | null
  /** `label` with the offset already added; `reference` are the float model's outputs. */
  score(outputs: Outputs, label: Label, reference: Outputs): Score
}

/** A task that may be chosen: one file of this room. */
export interface TaskDef {
  readonly id: string
  readonly label: string
  readonly options: Options
  /** Whether the outputs (and metadata) look like this task's. */
  guess(model: Model): boolean
  open(model: Model, options: Readonly<Record<string, unknown>>): Task
}
