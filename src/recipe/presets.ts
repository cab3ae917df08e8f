// Presets are recipes. Those that need what is not there yet are refused by name, never silently weakened.
import { StudioError } from '../base/errors.ts'
import { meant } from '../base/nearest.ts'
import type { Recipe } from './types.ts'

export interface Preset {
  id: string
  label: string
  recipe: Recipe
}

const recipe = (...steps: Recipe['steps']): Recipe => ({ thimble: 1, seed: 0, steps })

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
]

export function presetOf(id: string): Recipe {
  const preset = presets.find(p => p.id === id)
  if (preset) return structuredClone(preset.recipe)
  const near = meant(
    id,
    presets.map(p => p.id),
  )
  const later = ['acc1', 'acc2', 'acc3'].includes(id)
  throw new StudioError(
    'usage',
    later
      ? `The preset ${id} needs steps that this version does not have`
      : `There is no preset ${id}${near ? `; did you mean ${near}?` : ''}`,
    {
      hint: `Choose one of: ${presets.map(p => p.id).join(', ')}.`,
    },
  )
}
