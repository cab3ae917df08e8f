// The recipe that came with a link: what it does, and what it may be used on.
import { For, Show } from 'solid-js'
import { t } from '../i18n/index.ts'
import { stepName } from '../state/stage-words.ts'
import { useStudio } from '../state/studio.ts'

export function SharedRecipe() {
  const { share, project, run, catalogue, show } = useStudio()
  const open = () => project.view()
  return (
    <>
      <Show when={share.offered()}>
        {recipe => (
          <section
            class="note shared-recipe"
            data-testid="shared-recipe"
            aria-label={t().share.came}
            // Whoever has scrolled down sees that something came.
            ref={section => setTimeout(() => section.scrollIntoView({ block: 'nearest' }))}
          >
            <h2>{t().share.came}</h2>
            <ol class="row">
              <For each={recipe().steps}>
                {(step, k) => (
                  <li>
                    {k() > 0 ? '→ ' : ''}
                    {stepName(step.do, t(), catalogue())}{' '}
                    <span class="mono soft">{typeof step.target === 'string' ? step.target : ''}</span>
                  </li>
                )}
              </For>
            </ol>
            <div class="row">
              <Show when={open()}>
                {view => (
                  <button
                    type="button"
                    class="button first"
                    data-testid="use-shared"
                    disabled={view().readOnly || run.running() !== null}
                    onClick={() => void share.use().then(() => show('recipe'))}
                  >
                    {t().share.use(view().name)}
                  </button>
                )}
              </Show>
              <button
                type="button"
                class="button"
                classList={{ first: !open() }}
                data-testid="keep-shared"
                onClick={() => share.keep()}
              >
                {t().share.keep}
              </button>
              <button type="button" class="button bare" onClick={() => share.dismiss()}>
                {t().share.dismiss}
              </button>
            </div>
          </section>
        )}
      </Show>
      <Show when={share.waiting()}>
        <p class="note row shared-recipe" role="status" data-testid="shared-waits">
          <span>{t().share.waits}</span>
          <button type="button" class="link" onClick={() => share.forget()}>
            {t().share.forget}
          </button>
        </p>
      </Show>
    </>
  )
}
