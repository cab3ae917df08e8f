// What a recipe works on: the model as imported, the model as it stands, and per wished bundle the variant made for it.

import { StudioError } from '../base/errors.ts'
import type { Options, OptionValues } from '../base/options.ts'
import type { InputSpec } from '../data/input-spec.ts'
import type { Context, Dataset, Memo } from '../ir/context.ts'
import type { Model, ValueName } from '../ir/model.ts'
import type { FloatReason, QuantPlan } from '../ir/quant.ts'
import type { Target } from '../ir/target.ts'
import type { Accuracy, Agreement, Latency, LayerReport, Report } from '../jobs/report.ts'
import type { RawInput } from '../stages/quantize/raw-input.ts'
import type { Step } from './types.ts'

/** A bundle that the recipe asks for. */
export interface Wanted {
  target: Target
  form: string | null // as asked; null: the target's first that fits
  io: 'float' | 'integer'
}

export interface Variant {
  target: string
  form: string
  asked: string | null // the form as the recipe asked for it, which names the folder
  io: 'float' | 'integer'
  model: Model
  /** The float model whose layers this one's stand beside, where repairs or a newer opset rewrote it; null: the state's. */
  reference: Model | null
  /** The float model that the plan rounds to `model`: its weights as repairs left them. Null where nothing was rounded. */
  rounded: Model | null
  /** Inputs that are written as pixels; `model` still turns prepared samples back into them. */
  raw: readonly RawInput[]
  plan: QuantPlan | null
  floatLeft: readonly FloatReason[]
  precision: { weights: string; activations: string }
  layers: LayerReport[]
  accuracy: Accuracy | null
  agreement: Agreement | null
  latency: Latency | null
}

/** What one sample of an input looked like, and the range over all samples. */
export interface InputSeen {
  shape: readonly number[]
  min: number
  max: number
}

/** Plain cloneable data, so that it can be kept between sessions. */
export interface State {
  readonly original: Model
  readonly model: Model
  readonly optimized: Report['optimized']
  readonly pruned: Report['pruned']
  readonly factorized: Report['factorized']
  readonly trained: Report['trained']
  readonly variants: readonly Variant[]
  readonly accuracy: Accuracy | null // of the original
  readonly latency: Latency | null
  readonly observed: { samples: number; inputs: Readonly<Record<ValueName, InputSeen>> } | null
  /** How ranges were come by where no samples were of use, in words; null where they were measured. */
  readonly estimated: string | null
  readonly timing: Readonly<Partial<Report['timing']>>
  readonly steps: readonly Step[] // as they ran, every default filled in
  readonly notes: readonly string[]
}

/** A model that another learns from. */
export interface Teacher {
  name: string
  hash: string
  model: Model
}

/** Kept until it is written again. */
export interface Slot {
  load<T>(): Promise<T | null>
  save(reached: unknown): Promise<void>
}

export interface StepEnv {
  ctx: Context
  calibration: Dataset | null
  evaluation: Dataset | null
  /** Samples to train on, where they are not those to calibrate by. */
  training?: Dataset | null
  /** Who the step `distil` learns from, where that is not the imported model. */
  teacher?: Teacher | null
  samples: number // how many calibration samples are taken
  input: InputSpec
  wanted: readonly Wanted[]
  memo: Memo
  /** A place for what a step has reached so far, where the host has a store; under a key of all that it depends on besides the state. */
  slot?: (key: unknown) => Slot
}

/** What is kept while a step works on other samples than its own: apart from what the same keys hold of those. */
export const keptApart = (env: StepEnv, ...from: readonly (string | number)[]): Pick<StepEnv, 'memo' | 'slot'> => ({
  memo: (key, compute) => env.memo([...from, key], compute),
  slot: env.slot && (key => env.slot!([...from, key])),
})

export interface StepDef<S extends Options = Options> {
  id: string
  label: string
  options: S
  /** What the step cannot do without; checked before anything runs. */
  needs(options: OptionValues<S>): ('calibration' | 'evaluation' | 'training')[]
  /** Takes operators out of the graph and reads no samples: what stops a later step may be gone behind it. */
  clears?: true
  /** It rounds weights: nothing can be taken from them behind it. */
  rounds?: true
  /** On which side of the step that rounds it has something to do; checked before anything runs. Without: on any. */
  stands?: 'before' | 'behind'
  /** Throws what the graph alone tells would stop the step. It is asked as soon as no step that clears stands first. */
  foresee?(state: State, options: OptionValues<S>, env: StepEnv): Promise<void>
  run(state: State, options: OptionValues<S>, env: StepEnv): Promise<State>
}

export const step = <S extends Options>(def: StepDef<S>): StepDef<S> => def

/** Before the first step. */
export const initialState = (model: Model): State => ({
  original: model,
  model,
  optimized: null,
  pruned: null,
  factorized: null,
  trained: [],
  variants: [],
  accuracy: null,
  latency: null,
  observed: null,
  estimated: null,
  timing: {},
  steps: [],
  notes: [],
})

/** A variant that is made but not yet judged. */
export function emptyVariant(
  wanted: Wanted,
  form: string,
  model: Model,
  plan: QuantPlan | null,
  floatLeft: readonly FloatReason[],
  [weights, activations]: readonly [string, string],
): Variant {
  return {
    target: wanted.target.id,
    form,
    asked: wanted.form,
    io: wanted.io,
    model,
    reference: null,
    rounded: null,
    raw: [],
    plan,
    floatLeft,
    precision: { weights, activations },
    layers: [],
    accuracy: null,
    agreement: null,
    latency: null,
  }
}

/** What is written where the recipe does not quantise: the model as the other steps left it. */
export function floatVariants(model: Model, wanted: readonly Wanted[]): Variant[] {
  return wanted.map(w => {
    const floats = w.target.forms.filter(form => form.holds === 'float')
    // The plain one unless another is asked for: such a form may round weights by rules of its own.
    const form = floats.find(({ id }) => id === w.form) ?? floats.find(({ id }) => id === 'float')
    if (form) return emptyVariant(w, form.id, model, null, [], ['float32', 'float32'])
    throw new StudioError('bad-recipe', `${w.target.label} has no form for a float model`, {
      where: { step: 'export' },
      hint: `Put { "do": "quantize" } before the export. Its forms: ${w.target.forms.map(form => form.id).join(', ')}.`,
    })
  })
}
