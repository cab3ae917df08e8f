// What the recipe says of one layer, to be changed: what a change gives is measured before it is taken into the recipe.
import { createEffect, createSignal, on, Show } from 'solid-js'
import type { LayerView, LookedInto } from '../../../workers/api.ts'
import type { ChoiceOption } from '../../base/options.ts'
import { inWords, t } from '../i18n/index.ts'
import type { LayerTrial } from '../state/layer-trial.ts'
import { type LayerFields, layerSetting, setLayers, stepSays } from '../state/recipe-edit.ts'
import { useStudio } from '../state/studio.ts'
import { ChoiceField } from './field.tsx'

type Choosing = 'weights' | 'activations' | 'range' | 'granularity'

export function LayerSettings(props: {
  of: LookedInto | null
  selector: string
  view: LayerView | null
  weights: boolean
  trial: LayerTrial
}) {
  const { project, run, catalogue } = useStudio()
  const recipe = () => project.view()!.recipe
  const [draft, setDraft] = createSignal<LayerFields | null>(null)
  const said = (): LayerFields => layerSetting(recipe(), props.selector) ?? {}
  const fields = (): LayerFields => draft() ?? said()
  createEffect(on(recipe, () => setDraft(null)))

  const option = (key: Choosing) =>
    catalogue()?.steps.find(({ id }) => id === 'quantize')?.options[key] as ChoiceOption | undefined
  const choices = (key: Choosing): readonly string[] => {
    const own = key === 'weights' || key === 'activations' ? props.view?.formats?.[key] : undefined
    const all = own ?? option(key)?.choices ?? []
    const now = fields()[key] as string | undefined
    return ['', ...all, ...(now === undefined || all.includes(now) ? [] : [now])]
  }
  const asStep = (key: Choosing): string => String(stepSays(recipe(), key) ?? option(key)?.default ?? '')
  const locked = () => project.view()!.readOnly || run.running() !== null
  const discard = () => {
    setDraft(null)
    props.trial.clear()
  }
  const changed = (next: LayerFields) => {
    // Without a result there is nothing to try it on.
    if (!props.of) return void project.editRecipe(now => setLayers(now, [props.selector], next))
    const wanted = setLayers(recipe(), [props.selector], next)
    if (JSON.stringify(wanted) === JSON.stringify(recipe())) return discard()
    setDraft(next)
    void props.trial.start(props.of, wanted)
  }
  const change = (key: string, value: unknown) => {
    const { [key]: _, ...rest } = fields()
    changed(value === undefined || value === false ? rest : { ...rest, [key]: value })
  }
  const choice = (key: Choosing, name: string) => (
    <ChoiceField
      name={name}
      testid={`setting-${key}`}
      value={String(fields()[key] ?? '')}
      choices={choices(key)}
      label={value => (value === '' ? t().layer.asStep(inWords(asStep(key))) : inWords(value))}
      disabled={locked() || fields().float === true}
      onChange={value => change(key, value === '' ? undefined : value)}
    />
  )
  const waits = () => draft() !== null
  return (
    <section class="section" data-testid="layer-settings">
      <h3>{t().layer.settings}</h3>
      <div class="layer-fields">
        <Show when={props.weights}>{choice('weights', t().layer.weights)}</Show>
        {choice('activations', t().layer.activations)}
        {choice('range', t().layer.range)}
        <Show when={props.weights}>{choice('granularity', t().layer.scales)}</Show>
      </div>
      <label class="field check">
        <input
          type="checkbox"
          data-testid="setting-float"
          checked={fields().float === true}
          disabled={locked()}
          onChange={event => change('float', event.currentTarget.checked)}
        />
        {t().layer.keepFloat}
      </label>
      <Show when={waits()}>
        <div class="row">
          <button
            type="button"
            class="button first"
            data-testid="layer-apply"
            disabled={locked()}
            onClick={() => void project.editRecipe(recipe => setLayers(recipe, [props.selector], draft()))}
          >
            {t().layer.apply}
          </button>
          <button type="button" class="button" onClick={discard}>
            {t().layer.discard}
          </button>
        </div>
      </Show>
    </section>
  )
}
