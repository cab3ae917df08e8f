// Declared options: one declaration gives the type, the default, the validation and the control on screen.
import * as v from 'valibot'

export interface NumberOption {
  kind: 'number'
  label: string
  default: number
  min: number
  max: number
  step: number
  optional?: boolean
}
export interface ChoiceOption<T extends string = string> {
  kind: 'choice'
  label: string
  default: T
  choices: readonly T[]
}
export interface FlagOption {
  kind: 'flag'
  label: string
  default: boolean
}
/** Any number of choices, in no order. */
export interface SeveralOption {
  kind: 'several'
  label: string
  default: readonly string[]
  choices: readonly { id: string; label: string }[]
}
/** A value with a schema of its own (nested records, lists); shown as text. */
export interface ValueOption<T = unknown> {
  kind: 'value'
  label: string
  default: T
  schema: v.GenericSchema<unknown, T>
}
export type Option = NumberOption | ChoiceOption | FlagOption | SeveralOption | ValueOption
export type Options = Readonly<Record<string, Option>>

export const number = (
  label: string,
  o: { default: number; min: number; max: number; step?: number },
): NumberOption => ({ kind: 'number', label, step: 1, ...o })
export const choice = <const T extends string>(
  label: string,
  choices: readonly T[],
  initial: NoInfer<T>,
): ChoiceOption<T> => ({ kind: 'choice', label, choices, default: initial })
export const flag = (label: string, initial: boolean): FlagOption => ({ kind: 'flag', label, default: initial })
export const several = (
  label: string,
  choices: SeveralOption['choices'],
  initial: readonly string[],
): SeveralOption => ({
  kind: 'several',
  label,
  choices: choices.map(({ id, label }) => ({ id, label })),
  default: initial,
})
export const value = <T>(label: string, schema: v.GenericSchema<unknown, T>, initial: T): ValueOption<T> => ({
  kind: 'value',
  label,
  schema,
  default: initial,
})

export type OptionValue<O> = O extends NumberOption
  ? number
  : O extends ChoiceOption<infer T>
    ? T
    : O extends FlagOption
      ? boolean
      : O extends SeveralOption
        ? readonly string[]
        : O extends ValueOption<infer T>
          ? T
          : never
export type OptionValues<S extends Options> = { [K in keyof S]: OptionValue<S[K]> }

/** Whole steps from a whole number reach whole numbers only. */
const whole = ({ min, step }: NumberOption): boolean => Number.isInteger(min) && Number.isInteger(step)

export function schemaOf(option: Option): v.GenericSchema {
  switch (option.kind) {
    case 'number':
      return v.pipe(
        whole(option) ? v.pipe(v.number(), v.integer()) : v.number(),
        v.minValue(option.min),
        v.maxValue(option.max),
      )
    case 'choice':
      return v.picklist(option.choices)
    case 'flag':
      return v.boolean()
    case 'several':
      return v.array(v.picklist(option.choices.map(c => c.id)))
    case 'value':
      return option.schema
  }
}

export function defaultsOf<S extends Options>(options: S): OptionValues<S> {
  return Object.fromEntries(Object.entries(options).map(([key, option]) => [key, option.default])) as OptionValues<S>
}
