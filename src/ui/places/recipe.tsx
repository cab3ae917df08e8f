// The recipe twice: as a form made from what the steps declare, and as the JSON that ships. Each edits the other.
import { createEffect, createSignal, For, Index, on, Show } from 'solid-js'
import type { ProjectView } from '../../../workers/api.ts'
import type { Recipe } from '../../recipe/types.ts'
import { presetName } from '../commands.ts'
import { t } from '../i18n/index.ts'
import { Icon } from '../parts/icon.tsx'
import { StepOptions } from '../parts/step-options.tsx'
import { Wish } from '../parts/wish.tsx'
import { addStep, isPreset, moveStep, parseRecipe, removeStep, setOption } from '../state/recipe-edit.ts'
import { stepName } from '../state/stage-words.ts'
import { useStudio } from '../state/studio.ts'
import './recipe.css'

function Presets(props: { recipe: Recipe; disabled: boolean; onChange: (preset: Recipe) => void }) {
  const { catalogue } = useStudio()
  const current = () => catalogue()?.presets.find(preset => isPreset(props.recipe, preset.recipe))?.id ?? ''
  return (
    <label class="row">
      <span class="soft">{t().recipe.preset}</span>
      <select
        data-testid="preset"
        value={current()}
        disabled={props.disabled}
        onChange={event => {
          const preset = catalogue()?.presets.find(({ id }) => id === event.currentTarget.value)
          if (preset) props.onChange(preset.recipe)
        }}
      >
        <Show when={current() === ''}>
          <option value="" selected>
            {t().recipe.custom}
          </option>
        </Show>
        <For each={catalogue()?.presets ?? []}>
          {preset => (
            <option value={preset.id} selected={preset.id === current()}>
              {presetName(preset.id, catalogue())}
            </option>
          )}
        </For>
      </select>
    </label>
  )
}

function History(props: { project: ProjectView; disabled: boolean }) {
  const { project } = useStudio()
  return (
    <span class="row tight">
      <button
        type="button"
        class="button bare icon"
        data-testid="undo"
        aria-label={t().command.undo}
        title={`${t().command.undo} (Ctrl Z)`}
        disabled={props.disabled || props.project.undo === 0}
        onClick={() => void project.undoRecipe()}
      >
        <Icon name="undo" />
      </button>
      <button
        type="button"
        class="button bare icon"
        data-testid="redo"
        aria-label={t().command.redo}
        title={`${t().command.redo} (Ctrl Shift Z)`}
        disabled={props.disabled || props.project.redo === 0}
        onClick={() => void project.redoRecipe()}
      >
        <Icon name="redo" />
      </button>
    </span>
  )
}

function RecipeText(props: { recipe: Recipe; disabled: boolean; onChange: (recipe: Recipe) => Promise<boolean> }) {
  const pretty = () => JSON.stringify(props.recipe, null, 2)
  const [text, setText] = createSignal(pretty())
  const [problem, setProblem] = createSignal<string | null>(null)
  // What the form changed is shown at once, unless the text says the same in other spacing.
  createEffect(
    on(pretty, now => {
      const read = parseRecipe(text())
      if (!('recipe' in read) || JSON.stringify(read.recipe, null, 2) !== now) setText(now)
      setProblem(null)
    }),
  )
  let waiting: ReturnType<typeof setTimeout> | undefined
  const take = () => {
    if (waiting === undefined) return
    clearTimeout(waiting)
    waiting = undefined
    const read = parseRecipe(text())
    if ('syntax' in read) setProblem(t().recipe.badJson(read.syntax))
    else if ('form' in read) setProblem(t().recipe.notRecipe)
    else {
      setProblem(null)
      void props.onChange(read.recipe)
    }
  }
  const edit = (next: string) => {
    setText(next)
    clearTimeout(waiting)
    waiting = setTimeout(take, 400)
  }
  return (
    <section class="recipe-text">
      <div>
        <h2>{t().recipe.json}</h2>
        <p class="soft">{t().recipe.jsonAbout}</p>
      </div>
      <textarea
        aria-label={t().recipe.json}
        aria-invalid={problem() !== null}
        data-testid="recipe-json"
        spellcheck={false}
        value={text()}
        disabled={props.disabled}
        onInput={event => edit(event.currentTarget.value)}
        // Who goes on to run it runs what is written.
        onBlur={take}
      />
      <p class="bad" role="status">
        {problem()}
      </p>
    </section>
  )
}

export function RecipePlace(props: { project: ProjectView }) {
  const { catalogue, project, run, setSharing } = useStudio()
  const recipe = () => props.project.recipe
  const disabled = () => props.project.readOnly || run.running() !== null
  const apply = (edit: (recipe: Recipe) => Recipe) => void project.editRecipe(edit)
  return (
    <div class="place recipe-place">
      <div class="row apart">
        <h1>{t().recipe.title}</h1>
        <div class="row">
          <History project={props.project} disabled={disabled()} />
          <Presets
            recipe={recipe()}
            disabled={disabled()}
            onChange={preset => apply(({ input }) => ({ ...preset, input }))}
          />
          <button type="button" class="button" data-testid="share" onClick={() => setSharing(true)}>
            <Icon name="copy" />
            {t().share.open}
          </button>
        </div>
      </div>
      <Wish project={props.project} disabled={disabled()} />
      <div class="recipe-both">
        <section aria-label={t().recipe.steps}>
          <ol class="steps">
            {/* By place: a field that is changed stays itself, and keeps the focus. */}
            <Index each={recipe().steps}>
              {(step, k) => (
                <li data-testid={`step-${step().do}`}>
                  <div class="row apart">
                    <h2>
                      <span class="soft">{k + 1}</span> {stepName(step().do, t(), catalogue())}
                    </h2>
                    <span class="row tight">
                      <button
                        type="button"
                        class="button bare icon"
                        aria-label={`${t().recipe.up}: ${step().do}`}
                        disabled={disabled() || k === 0}
                        onClick={() => apply(now => moveStep(now, k, -1))}
                      >
                        <Icon name="up" />
                      </button>
                      <button
                        type="button"
                        class="button bare icon"
                        aria-label={`${t().recipe.down}: ${step().do}`}
                        disabled={disabled() || k === recipe().steps.length - 1}
                        onClick={() => apply(now => moveStep(now, k, 1))}
                      >
                        <Icon name="down" />
                      </button>
                      <button
                        type="button"
                        class="button bare icon"
                        aria-label={`${t().remove}: ${step().do}`}
                        disabled={disabled()}
                        onClick={() => apply(now => removeStep(now, k))}
                      >
                        <Icon name="close" />
                      </button>
                    </span>
                  </div>
                  <Show when={step().do} keyed>
                    <StepOptions
                      step={step()}
                      disabled={disabled()}
                      onChange={(key, value, initial) => apply(now => setOption(now, k, key, value, initial))}
                    />
                  </Show>
                </li>
              )}
            </Index>
          </ol>
          <label class="row">
            <span class="unseen">{t().recipe.addStep}</span>
            <select
              data-testid="add-step"
              disabled={disabled()}
              onChange={event => {
                const step = catalogue()?.steps.find(({ id }) => id === event.currentTarget.value)
                event.currentTarget.value = ''
                if (step) apply(now => addStep(now, step))
              }}
            >
              <option value="">{t().recipe.addStep}…</option>
              <For each={catalogue()?.steps ?? []}>
                {step => <option value={step.id}>{stepName(step.id, t(), catalogue())}</option>}
              </For>
            </select>
          </label>
        </section>
        <RecipeText recipe={recipe()} disabled={disabled()} onChange={project.setRecipe} />
      </div>
    </div>
  )
}
