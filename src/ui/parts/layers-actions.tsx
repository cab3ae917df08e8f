// What can be done with the layers whose boxes are ticked: each is one change of the recipe, and one step of undo.
import { createSignal, For } from 'solid-js'
import type { ChoiceOption } from '../../base/options.ts'
import { inWords, t } from '../i18n/index.ts'
import { changeLayers, searches, searchOnly, setLayers } from '../state/recipe-edit.ts'
import { useStudio } from '../state/studio.ts'
import './layers-actions.css'

export function LayersActions(props: { selectors: readonly string[]; onNone: () => void }) {
  const { project, run, catalogue } = useStudio()
  const recipe = () => project.view()!.recipe
  const locked = () => project.view()!.readOnly || run.running() !== null
  const formats = (key: 'weights' | 'activations') =>
    (catalogue()?.steps.find(({ id }) => id === 'quantize')?.options[key] as ChoiceOption | undefined)?.choices ?? []
  const set = (fields: Record<string, unknown>) =>
    void project.editRecipe(recipe => changeLayers(recipe, props.selectors, { float: undefined, ...fields }))

  function Format(choice: { of: 'weights' | 'activations'; name: string }) {
    const [value, setValue] = createSignal('')
    return (
      <select
        aria-label={choice.name}
        data-testid={`set-${choice.of}`}
        value={value()}
        disabled={locked()}
        onChange={event => {
          const chosen = event.currentTarget.value
          if (chosen) set({ [choice.of]: chosen })
          // It says what it does, not what was done last.
          setValue(chosen)
          setValue('')
        }}
      >
        <option value="">{choice.name}</option>
        <For each={formats(choice.of)}>{format => <option value={format}>{inWords(format)}</option>}</For>
      </select>
    )
  }
  return (
    <div class="row layers-actions" role="toolbar" aria-label={t().layer.picked(props.selectors.length)}>
      <b aria-live="polite">{t().layer.picked(props.selectors.length)}</b>
      <Format of="weights" name={t().layer.setWeights} />
      <Format of="activations" name={t().layer.setActivations} />
      <button type="button" class="button" disabled={locked()} onClick={() => set({ float: true })}>
        {t().layer.keepFloat}
      </button>
      <button
        type="button"
        class="button"
        disabled={locked()}
        onClick={() => void project.editRecipe(recipe => setLayers(recipe, props.selectors, null))}
      >
        {t().layer.takeBack}
      </button>
      <button
        type="button"
        class="button"
        disabled={locked() || !searches(recipe())}
        title={searches(recipe()) ? undefined : t().layer.noSearch}
        onClick={() => void project.editRecipe(recipe => searchOnly(recipe, props.selectors))}
      >
        {t().layer.search}
      </button>
      <button type="button" class="button bare" onClick={props.onNone}>
        {t().layer.none}
      </button>
    </div>
  )
}
