// From what a person wants to a recipe, which then is like any other.
import type { Catalogue } from '../../../workers/api.ts'
import type { Speed } from '../../jobs/speed.ts'
import type { Recipe, Step } from '../../recipe/types.ts'

export type Wish =
  | { kind: 'bytes'; kilobytes: number }
  | { kind: 'loss'; points: number }
  | { kind: 'latency'; ms: number }
  | { kind: 'fastest' }

export interface Given {
  parameters: number
  target: Catalogue['targets'][number]
  /** Layers timed one by one; null: they were not. */
  speed: Speed | null
}

/** What the recipe does about it, for the page to say. */
export interface Plan {
  steps: Step[]
  formats: string[] | null // that are searched
  pruneTo: number | null // share of the parameters
  slower: { layers: number; of: number } | null
}

const bits: Readonly<Record<string, number>> = { int4: 4, int8: 8, float32: 32 }

/** Scales, graph and whatever else a file holds besides weights. */
const besides = 1.15

export function planFor(wish: Wish, { parameters, target, speed }: Given): Plan {
  const end: Step[] = [{ do: 'evaluate' }, { do: 'export', target: target.id }]
  const optimize: Step = { do: 'optimize' }
  const none = { formats: null, pruneTo: null, slower: null }
  if (wish.kind === 'fastest') {
    const timed = speed?.layers ?? []
    const slow = timed.filter(({ ms }) => ms.int8 === null || ms.int8 >= ms.float32)
    const slower = speed ? { layers: slow.length, of: timed.length } : null
    if (speed && slow.length === timed.length) return { ...none, steps: [optimize, ...end], slower }
    const layers = Object.fromEntries(slow.map(({ node }) => [node, { float: true }]))
    const quantize: Step = { do: 'quantize', ...(slow.length > 0 ? { layers } : {}) }
    return { ...none, steps: [optimize, quantize, ...end], slower }
  }
  const formats = Object.keys(bits).filter(name => name === 'float32' || target.weights.includes(name))
  const keep =
    wish.kind === 'bytes'
      ? { bytes: Math.round(1000 * wish.kilobytes) }
      : wish.kind === 'loss'
        ? { loss: wish.points }
        : { latencyMs: wish.ms }
  const least = Math.min(...formats.map(name => bits[name]))
  const smallest = (besides * parameters * least) / 8
  const pruneTo = keep.bytes !== undefined && keep.bytes < smallest ? keep.bytes / smallest : null
  const prune: Step[] =
    pruneTo === null ? [] : [{ do: 'prune', budget: { of: 'parameters', share: Number(pruneTo.toFixed(3)) } }]
  const search: Step = { do: 'search', keep, formats }
  return { steps: [optimize, ...prune, search, ...end], formats, pruneTo, slower: null }
}

/** The recipe that the plan makes of the one there is: its cuts and its seed stay. */
export const planned = (recipe: Recipe, { steps }: Plan): Recipe => ({
  ...recipe,
  steps: [...recipe.steps.filter(step => step.do === 'cut'), ...steps],
})
