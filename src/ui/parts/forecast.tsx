// What a run will take, asked for before it is started.
import { createSignal, Show } from 'solid-js'
import type { ProjectView } from '../../../workers/api.ts'
import type { Forecast as Forecasted } from '../../jobs/forecast.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { useStudio } from '../state/studio.ts'

export function Forecast(props: { project: ProjectView }) {
  const { api, project, run } = useStudio()
  const words = () => t().charts.forecast
  const [asking, setAsking] = createSignal(false)
  const [said, setSaid] = createSignal<{ of: string; forecast: Forecasted } | null>(null)
  // Another recipe or other samples take another time.
  const of = () =>
    JSON.stringify([props.project.id, props.project.recipe, props.project.calibration, props.project.evaluation])
  const known = () => (said()?.of === of() ? said()!.forecast : null)
  const sampled = () => props.project.calibration !== null || props.project.evaluation !== null
  async function ask(): Promise<void> {
    const asked = of()
    setAsking(true)
    try {
      const result = await api.forecast(props.project.id)
      if (result.ok) setSaid({ of: asked, forecast: result.value })
      else project.setError(result.error)
    } finally {
      setAsking(false)
    }
  }
  const bounded = () =>
    known()!
      .steps.filter(step => step.bounded)
      .reduce((sum, { seconds }) => sum + seconds, 0)
  return (
    <Show when={!run.running()}>
      <div class="row" aria-busy={asking()}>
        <button
          type="button"
          class="button"
          data-testid="forecast-button"
          disabled={asking() || !sampled()}
          title={sampled() ? undefined : words().needsSamples}
          onClick={() => void ask()}
        >
          {asking() ? words().asking : words().ask}
        </button>
        <Show when={known()}>
          {forecast => (
            <p data-testid="forecast">
              {words().says(
                format.duration(forecast().seconds, locale()),
                format.bytes(forecast().peakBytes, locale()),
              )}{' '}
              <Show when={bounded() > 0}>{words().bounded(format.duration(bounded(), locale()))} </Show>
              <span class="soft">
                {words().from(
                  format.milliseconds(forecast().probe.runMs, locale()),
                  format.count(forecast().probe.macsPerSecond, locale()),
                )}
              </span>
            </p>
          )}
        </Show>
      </div>
    </Show>
  )
}
