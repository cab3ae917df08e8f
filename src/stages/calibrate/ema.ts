// Moving average of each batch's smallest and largest (Jacob et al. 2018, section 3.1): one odd batch moves it little.
import type { CalibrationMethod } from './types.ts'

export const ema: CalibrationMethod = {
  id: 'ema',
  label: 'Moving average of the batches',
  needs: 'range',
  options: {},
  range: ({ ema: average }) => average ?? { min: 0, max: 0 },
}
