// Presets are recipes.
import { StudioError } from '../base/errors.ts'
import { meant } from '../base/nearest.ts'
import type { Recipe } from './types.ts'

export interface Preset {
  id: string
  label: string
  recipe: Recipe
}

const recipe = (...steps: Recipe['steps']): Recipe => ({ thimble: 1, seed: 0, steps })

/**
 * As few channels as change so many of a hundred answers on samples kept apart; what is left learns the answers of the whole, where that can be
 * done; then 8 bits.
 */
const pruned = (loss: number): Recipe =>
  recipe(
    { do: 'optimize' },
    { do: 'prune', budget: { of: 'macs', loss }, multiple: 8 },
    { do: 'distil', minutes: 10, optional: true },
    { do: 'quantize', weights: 'int8', activations: 'uint8' },
    { do: 'evaluate' },
  )

export const presets: readonly Preset[] = [
  {
    id: 'balanced',
    label: 'Balanced: 8-bit weights and activations',
    recipe: recipe({ do: 'optimize' }, { do: 'quantize', weights: 'int8', activations: 'uint8' }, { do: 'evaluate' }),
  },
  {
    id: 'float16',
    label: 'Half the size: float16',
    recipe: recipe(
      { do: 'optimize' },
      { do: 'quantize', weights: 'float16', activations: 'float16' },
      { do: 'evaluate' },
    ),
  },
  {
    id: 'smallest',
    label: 'Smallest: at most half a point lost',
    recipe: recipe({ do: 'optimize' }, { do: 'search', keep: { loss: 0.5 } }, { do: 'evaluate' }),
  },
  {
    id: 'exact',
    label: 'Exact: no answer changed',
    recipe: recipe(
      { do: 'optimize' },
      { do: 'search', keep: { loss: 0 }, formats: ['int8', 'float32'] },
      { do: 'evaluate' },
    ),
  },
  { id: 'acc0', label: 'Optimised graph only', recipe: recipe({ do: 'optimize' }, { do: 'evaluate' }) },
  { id: 'acc1', label: 'Pruned to 1 % changed answers, trained, 8-bit', recipe: pruned(1) },
  { id: 'acc2', label: 'Pruned to 3 % changed answers, trained, 8-bit', recipe: pruned(3) },
  { id: 'acc3', label: 'Pruned to 10 % changed answers, trained, 8-bit', recipe: pruned(10) },
]

export function presetOf(id: string): Recipe {
  const preset = presets.find(p => p.id === id)
  if (preset) return structuredClone(preset.recipe)
  const near = meant(
    id,
    presets.map(p => p.id),
  )
  throw new StudioError('usage', `There is no preset ${id}${near ? `; did you mean ${near}?` : ''}`, {
    hint: `Choose one of: ${presets.map(p => p.id).join(', ')}.`,
  })
}
