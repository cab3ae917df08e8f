// Min-max: everything that was seen is represented, whatever it costs the rest.
import type { CalibrationMethod } from './types.ts'

export const minmax: CalibrationMethod = {
  id: 'minmax',
  label: 'Smallest to largest',
  needs: 'range',
  options: {},
  range: ({ min, max }) => ({ min, max }),
}
