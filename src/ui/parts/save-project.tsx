// A whole project as one file: asked first whether its results come along.
import { createSignal, Show } from 'solid-js'
import type { ProjectSummary } from '../../../workers/api.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { useStudio } from '../state/studio.ts'
import { Ask } from './ask.tsx'

export function SaveProject(props: { of: ProjectSummary | null; onDone: () => void }) {
  const { project } = useStudio()
  const [results, setResults] = createSignal(true)
  return (
    <Ask
      open={props.of !== null}
      title={t().projects.saveAsk(props.of?.name ?? '')}
      action={t().projects.saveAction}
      onDone={yes => {
        const item = props.of
        props.onDone()
        if (yes && item) void project.saveFile(item, results() && item.results > 0)
      }}
    >
      <p class="soft">{t().projects.saveAbout}</p>
      <Show when={(props.of?.results ?? 0) > 0}>
        <label class="field check">
          <input
            type="checkbox"
            checked={results()}
            onChange={event => setResults(event.currentTarget.checked)}
            data-testid="with-results"
          />
          {t().projects.withResults(format.whole(props.of!.results, locale()))}
        </label>
      </Show>
    </Ask>
  )
}
