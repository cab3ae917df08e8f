// Models that take sound as it is: one input of one long axis, its values in time.
import type { ModelView } from '../../../workers/api.ts'
import { soundLength } from '../../base/sound-length.ts'

/** How many values in time the model takes at once; null where it takes none. */
export function waveformLength({ inputs }: Pick<ModelView, 'inputs'>): number | null {
  const [input] = inputs
  return inputs.length === 1 && input.dtype === 'float32' ? soundLength(input.shape) : null
}
