// What a trial gave, beside the result as it was run; or how far it is, and how to stop it.
import { Show } from 'solid-js'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import type { LayerTrial } from '../state/layer-trial.ts'
import { useStudio } from '../state/studio.ts'
import { ProblemNote } from './problem-note.tsx'
import { ProgressBar } from './progress-bar.tsx'

export function LayerTried(props: { trial: LayerTrial }) {
  const { project, variants } = useStudio()
  const db = (value: number) => format.decibel(value, locale())
  const bytes = (value: number) => format.bytes(value, locale())
  const percent = (value: number) => format.percent(value, 1, locale())
  const applied = () =>
    variants.stale() && JSON.stringify(props.trial.tried()?.recipe) === JSON.stringify(project.view()!.recipe)
  const searches = () => project.view()!.recipe.steps.some(step => step.do === 'search')
  return (
    <div class="layer-tried" aria-live="polite" data-testid="layer-tried">
      <Show when={props.trial.progress()}>
        {count => (
          <div class="row layer-going">
            <span class="soft small">{t().layer.trying}</span>
            <ProgressBar label={t().layer.trying} done={count().done} total={count().total} />
            <button type="button" class="button" onClick={props.trial.clear}>
              {t().layer.stop}
            </button>
          </div>
        )}
      </Show>
      <Show when={props.trial.error()}>{error => <ProblemNote error={error()} />}</Show>
      <Show when={props.trial.tried()?.result}>
        {tried => (
          <>
            <table class="table">
              <thead>
                <tr>
                  <td />
                  <th scope="col" class="figure">
                    {t().layer.asRun}
                  </th>
                  <th scope="col" class="figure">
                    {t().layer.changed}
                  </th>
                </tr>
              </thead>
              <tbody>
                <tr data-testid="tried-sqnr">
                  <th scope="row">{t().layer.output}</th>
                  <td class="figure">{db(tried().before.sqnrDb)}</td>
                  <td class="figure">{db(tried().after.sqnrDb)}</td>
                </tr>
                <tr>
                  <th scope="row">{t().layer.answers}</th>
                  <td class="figure">{percent(tried().before.loss)}</td>
                  <td class="figure">{percent(tried().after.loss)}</td>
                </tr>
                <tr data-testid="tried-bytes">
                  <th scope="row">{t().layer.bytes}</th>
                  <td class="figure">{bytes(tried().before.bytes)}</td>
                  <td class="figure">{bytes(tried().after.bytes)}</td>
                </tr>
              </tbody>
            </table>
            <p class="soft small">
              {t().layer.on(format.whole(tried().samples, locale()))}
              <Show when={searches()}> {t().layer.searchKept}</Show>
              <Show when={applied()}> {t().layer.applied}</Show>
            </p>
          </>
        )}
      </Show>
    </div>
  )
}
