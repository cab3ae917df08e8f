// Some methods are computed in the runtimes' own tools, each in a form of its own. 'auto' is ours, or the form of entropy that the target
// names; any other word is the tool whose thresholds are wanted, bin for bin (the folder `originals`).
import { StudioError } from '../../base/errors.ts'
import { choice } from '../../base/options.ts'
import type { CalibrationMethod } from './types.ts'

export const forms = ['auto', 'tensorrt', 'ncnn', 'onnxruntime'] as const
export type Form = (typeof forms)[number]

/** The option of a method that has these forms beside ours. */
export const formOption = <const F extends Form>(...known: readonly F[]) =>
  choice('Computed as by', ['auto', ...known], 'auto')

/** Bins of the histograms that the tools make. */
export const toolBins = 2048

/** What `asked` of a recipe means for a method on a target; `klForm` is the target's. */
export function formFor(method: CalibrationMethod, asked: Form, klForm: Form = 'auto'): Form {
  if (method.needs === 'range') return 'auto' // the smallest and largest are the same in all of them
  if (asked === 'auto') return method.id === 'kl' ? klForm : 'auto'
  const known = method.options.form?.kind === 'choice' ? method.options.form.choices : []
  if (known.includes(asked)) return asked
  throw new StudioError('bad-recipe', `Ranges by ${method.id} have no form of ${asked}`, {
    where: { step: 'quantize' },
    hint: `Leave the form to auto, or choose another range than ${method.id}.`,
  })
}
