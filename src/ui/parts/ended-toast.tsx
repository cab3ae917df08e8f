// A run came to its end while another project, or none, was looked at.
import { createEffect, Show } from 'solid-js'
import { t } from '../i18n/index.ts'
import { useStudio } from '../state/studio.ts'

export function EndedToast() {
  const { run, project, go } = useStudio()
  const elsewhere = () => {
    const ended = run.ended()
    return ended && ended.id !== project.view()?.id ? ended : null
  }
  // Who looks at the project knows.
  createEffect(() => {
    if (run.ended() && run.ended()?.id === project.view()?.id) run.setEnded(null)
  })
  return (
    <Show when={elsewhere()}>
      {ended => (
        <div class="toast" role="status" data-testid="ended-toast">
          <span>{ended().ok ? t().projects.finished(ended().name) : t().projects.failed(ended().name)}</span>
          <button
            type="button"
            class="button first"
            onClick={() => go({ project: ended().id, place: ended().ok ? 'result' : 'run' })}
          >
            {t().projects.goThere}
          </button>
          <button type="button" class="button bare" onClick={() => run.setEnded(null)}>
            {t().projects.dismiss}
          </button>
        </div>
      )}
    </Show>
  )
}
