// The line at the foot: what is being done, how far it is, and the button that stops it at once.
import { Match, Show, Switch } from 'solid-js'
import { duration } from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { progressWords, stepName } from '../state/stage-words.ts'
import { useStudio } from '../state/studio.ts'
import { Icon } from './icon.tsx'
import { ProgressBar } from './progress-bar.tsx'

export function StatusLine() {
  const { run, project, catalogue } = useStudio()
  const stageWords = () => {
    const now = run.progress()
    if (!now) return `${t().run.reading} · ${duration(run.elapsed(), locale())}`
    const figures = progressWords(now, t(), locale())
    return `${stepName(now.stage, t(), catalogue())}${figures ? ` ${figures}` : ''}`
  }
  const total = () => run.progress()?.total ?? null
  return (
    <footer class="status">
      <span class="words" data-testid="status-line" data-running={run.running() !== null}>
        <Switch fallback={t().run.idle}>
          <Match when={run.stopping()}>{t().run.stopping}</Match>
          <Match when={run.running()}>{stageWords()}</Match>
          <Match when={project.busy()}>
            {busy => (
              <>
                {busy().what === 'saving' ? t().projects.saving : t().home.opening} {busy().name}
              </>
            )}
          </Match>
          <Match when={run.stopped() !== null && run.stopped() === project.view()?.id}>{t().run.stopped}</Match>
          <Match when={!project.view()}>{t().home.stays}</Match>
          <Match when={project.view()?.stage === 'done'}>{t().run.finishedAll}</Match>
        </Switch>
      </span>
      <Show when={run.running()}>
        <ProgressBar label={t().place.run} done={run.progress()?.done ?? 0} total={total()} />
        <button
          type="button"
          class="button"
          data-testid="stop-button"
          disabled={run.stopping()}
          onClick={() => void run.stop()}
        >
          <Icon name="stop" />
          {t().run.stop}
        </button>
      </Show>
    </footer>
  )
}
