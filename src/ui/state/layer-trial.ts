// Trying settings of layers on the result that is shown: what they give before the recipe is run with them.
import { type Accessor, createSignal } from 'solid-js'
import type { LookedInto, StudioApi } from '../../../workers/api.ts'
import type { ErrorRecord } from '../../base/errors.ts'
import type { LayersTried } from '../../jobs/layer-trial.ts'
import type { Recipe } from '../../recipe/types.ts'

export interface Count {
  done: number
  total: number | null
}

export function createLayerTrial(api: StudioApi, project: Accessor<string | undefined>) {
  const [tried, setTried] = createSignal<{ recipe: Recipe; result: LayersTried } | null>(null)
  const [progress, setProgress] = createSignal<Count | null>(null)
  const [error, setError] = createSignal<ErrorRecord | null>(null)
  let last = 0

  function clear(): void {
    last++
    if (progress()) void api.stopLooking()
    setTried(null)
    setProgress(null)
    setError(null)
  }
  async function start(of: LookedInto, recipe: Recipe): Promise<void> {
    clear()
    const mine = ++last
    setProgress({ done: 0, total: null })
    const result = await api.tryLayers(project()!, of, recipe, (done, total) => {
      if (mine === last) setProgress({ done, total })
    })
    if (mine !== last) return
    setProgress(null)
    if (result.ok) setTried({ recipe, result: result.value })
    else if (result.error.code !== 'cancelled') setError(result.error)
  }
  return { tried, progress, error, start, clear }
}
export type LayerTrial = ReturnType<typeof createLayerTrial>
