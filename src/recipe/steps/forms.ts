// In which of its target's forms a bundle is written, and what that form makes of the recipe's options.
import { StudioError } from '../../base/errors.ts'
import { type FormatName, numberFormat } from '../../ir/format-names.ts'
import { bitsOfNumber } from '../../ir/number-format.ts'
import type { Form } from '../../ir/target.ts'
import type { Wanted } from '../state.ts'
import { formatsIn, type QuantizeOptions, wholeHalf } from './quantize-options.ts'

/** As asked; else the first that holds what the options ask for. */
export function formOf({ target, form: asked }: Wanted, o: QuantizeOptions): Form {
  const holds = holdsOf(o)
  const found =
    asked === null
      ? target.forms.find(form => form.holds === holds && (holds !== 'quantised' || fits(form, o)))
      : target.forms.find(form => form.id === asked)
  if (found && (found.holds !== 'quantised' || holds === 'quantised')) return found
  const formats = `weights of ${o.weights} and activations of ${o.activations}`
  throw new StudioError(
    'bad-recipe',
    found ? `The form ${found.id} holds no ${formats}` : `${target.label} has no form for ${formats}`,
    { where: { step: 'export' }, hint: `Its forms: ${target.forms.map(form => form.id).join(', ')}.` },
  )
}

/** The options as a form has them. */
export function inForm(o: QuantizeOptions, form: Form): QuantizeOptions {
  const { activations = o.activations, weights = o.weights } = form
  return { ...o, activations, weights: narrowedIn(form, weights, activations) }
}

/** Weights that a recipe names for single layers, as far as the forms that are asked for narrow such: what a search chooses is right there. */
export function narrowedFor(wanted: readonly Wanted[], weights: FormatName, o: QuantizeOptions): FormatName {
  if (width(weights) !== 8) return weights
  const forms = wanted.map(each => formOf(each, { ...o, weights }))
  return forms.reduce((kept, form) => narrowedIn(form, kept, form.activations ?? o.activations), weights)
}

const narrowedIn = ({ narrowed }: Form, weights: FormatName, activations: FormatName): FormatName =>
  (width(weights) === 8 && width(activations) === 8 && narrowed) || weights

function holdsOf(o: QuantizeOptions): Form['holds'] {
  if (wholeHalf(o)) return 'float16'
  return formatsIn(o).every(f => f.weights === 'float32' && f.activations === 'float32') ? 'float' : 'quantised'
}

const fits = (form: Form, o: QuantizeOptions): boolean =>
  [[form.weights, o.weights] as const, [form.activations, o.activations] as const].every(
    ([own, asked]) => own === undefined || width(own) === width(asked),
  )

/** Signed and unsigned are one wish: which of them it becomes is the target's. */
function width(name: FormatName): number | string {
  const format = numberFormat(name, true)
  return format?.kind === 'int' ? bitsOfNumber(format) : name
}
