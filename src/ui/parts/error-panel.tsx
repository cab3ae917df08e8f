// An error in four parts: what happened, where (with a way there), why, what to do.
import { For, Show } from 'solid-js'
import type { ErrorRecord, Where } from '../../base/errors.ts'
import { t } from '../i18n/index.ts'
import type { Place } from '../state/place.ts'
import { useStudio } from '../state/studio.ts'
import { Said } from './said.tsx'

const parts: readonly { part: keyof Where; place: Place }[] = [
  { part: 'file', place: 'model' },
  { part: 'node', place: 'model' },
  { part: 'value', place: 'model' },
  { part: 'sample', place: 'data' },
  { part: 'step', place: 'recipe' },
]

export function ErrorPanel(props: { error: ErrorRecord; onDismiss: () => void }) {
  const studio = useStudio()
  const places = () =>
    parts.flatMap(({ part, place }) => {
      const name = props.error.where[part]
      return name ? [{ part, place, name }] : []
    })
  const follow = (part: keyof Where, place: Place, name: string) => {
    if (part === 'node') studio.select(name)
    studio.show(place)
  }
  return (
    <section class="error-panel" role="alert" data-testid="error-panel" data-code={props.error.code}>
      <h2>{t().error.title}</h2>
      <dl class="facts">
        <dt>{t().error.what}</dt>
        <dd>
          <Said words={props.error.message} />
        </dd>
        <Show when={places().length > 0}>
          <dt>{t().error.where}</dt>
          <dd>
            <For each={places()}>
              {({ part, place, name }) => (
                <div>
                  {t().error[part]}{' '}
                  <Show when={studio.project.view()} fallback={<span class="mono">{name}</span>}>
                    <button type="button" class="link mono" onClick={() => follow(part, place, name)}>
                      {name}
                    </button>
                  </Show>
                </div>
              )}
            </For>
          </dd>
        </Show>
        <dt>{t().error.why}</dt>
        <dd>{t().error.because[props.error.code]}</dd>
        <dt>{t().error.todo}</dt>
        <dd>
          <Said words={props.error.hint} />
        </dd>
      </dl>
      <button type="button" class="button" onClick={() => props.onDismiss()}>
        {t().error.dismiss}
      </button>
    </section>
  )
}
