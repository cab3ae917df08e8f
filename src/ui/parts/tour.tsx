// One step of the first tour: words in the page, in nobody's way, and a frame around what they are about.
import { createEffect, onCleanup, Show } from 'solid-js'
import { t } from '../i18n/index.ts'
import { useStudio } from '../state/studio.ts'

export function Tour() {
  const { tour } = useStudio()
  createEffect(() => {
    const target = tour.step()?.target
    const element = target ? document.querySelector(target) : null
    element?.classList.add('toured')
    onCleanup(() => element?.classList.remove('toured'))
  })
  const last = () => tour.position()[0] === tour.position()[1]
  return (
    <Show when={tour.step()}>
      {step => (
        <section class="tour" aria-label={t().tour.title} data-testid="tour" data-step={step().id}>
          <p role="status">
            <span class="soft">{t().tour.of(...tour.position())}</span> {t().tour.steps[step().id]}
          </p>
          <div class="row">
            <button type="button" class="button" data-testid="next-tour" onClick={() => tour.next()}>
              {last() ? t().tour.done : t().tour.next}
            </button>
            <Show when={!last()}>
              <button type="button" class="button bare" data-testid="skip-tour" onClick={() => tour.skip()}>
                {t().tour.skip}
              </button>
            </Show>
          </div>
        </section>
      )}
    </Show>
  )
}
