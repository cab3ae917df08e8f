// A short name for what a recipe makes, in the field's own words and in no language: 'int8/uint8 mse equalize', 'prune 50% float16'.
import type { Recipe, Step } from '../recipe/types.ts'

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const share = ({ budget }: Step): string | null => {
  const known = (budget as { share?: unknown } | undefined)?.share
  return typeof known === 'number' ? `${Math.round(known * 100)}%` : null
}

function quantised(step: Step): (string | null)[] {
  const weights = textOf(step.weights) ?? 'int8'
  const activations = textOf(step.activations) ?? 'uint8'
  const layers = Object.keys((step.layers as object | undefined) ?? {}).length
  return [
    activations === 'float32' && weights === 'float16' ? weights : `${weights}/${activations}`,
    step.granularity === 'channel' ? null : textOf(step.granularity),
    step.range === 'auto' ? null : textOf(step.range),
    ...((step.repairs as string[] | undefined) ?? []),
    layers > 0 ? `layers:${layers}` : null,
  ]
}

function searched({ keep }: Step): string {
  const [of, value] = Object.entries((keep as Record<string, unknown> | undefined) ?? {})[0] ?? []
  return ['search', ...(of === undefined ? [] : [of, value])].join(' ')
}

function said(step: Step): (string | null)[] {
  switch (step.do) {
    case 'optimize':
    case 'evaluate':
    case 'export':
      return []
    case 'quantize':
      return quantised(step)
    case 'search':
      return [searched(step)]
    case 'prune':
    case 'factorize':
      return [step.do, share(step)]
    default:
      return [step.do]
  }
}

/** The name, and where it is taken already the next number behind it. */
export function recipeName(recipe: Recipe, taken: readonly string[]): string {
  const words = recipe.steps.flatMap(said).filter(word => word !== null)
  const forms = recipe.steps.flatMap(step => (step.do === 'export' && textOf(step.form) ? [textOf(step.form)!] : []))
  const plain = [...words, ...(words.length === 0 && forms.length === 0 ? ['float32'] : [...new Set(forms)])].join(' ')
  for (let k = 1; ; k++) {
    const name = k === 1 ? plain : `${plain} (${k})`
    if (!taken.includes(name)) return name
  }
}
