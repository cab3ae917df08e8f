// The calibration methods, in the order in which they are offered.
import { StudioError } from '../../base/errors.ts'
import { ema } from './ema.ts'
import { kl } from './kl.ts'
import { lp24, mse } from './least-error.ts'
import { minmax } from './minmax.ts'
import { percentile } from './percentile.ts'
import type { CalibrationMethod } from './types.ts'

export const methods = [minmax, ema, percentile, mse, lp24, kl] as const satisfies readonly CalibrationMethod[]

/** The method of that id; 'bad-recipe' names those that there are. */
export function findMethod(id: string): CalibrationMethod {
  const found = methods.find(m => m.id === id)
  if (found) return found
  throw new StudioError('bad-recipe', `There is no calibration method ${id}`, {
    hint: `Choose one of ${methods.map(m => m.id).join(', ')}.`,
  })
}
