// Models that take sound as it is: one input of one long axis, its values in time.
import type { ModelView } from '../../../workers/api.ts'

// Shorter axes are features of sound, or no sound at all.
const shortest = 400

/** How many values in time the model takes at once; null where it takes none. */
export function waveformLength({ inputs }: Pick<ModelView, 'inputs'>): number | null {
  const [input] = inputs
  if (inputs.length !== 1 || !input?.shape || input.dtype !== 'float32') return null
  const perSample = input.shape.slice(1)
  const long = perSample.filter(dim => dim !== 1)
  const [length] = long
  const alone = perSample.length > 0 && perSample.length <= 2 && long.length === 1
  return alone && typeof length === 'number' && length >= shortest ? length : null
}
