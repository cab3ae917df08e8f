// Says that a new version waits. It is taken at a click, and never while a run is on.
import { Show } from 'solid-js'
import { t } from '../i18n/index.ts'
import { useStudio } from '../state/studio.ts'

export function UpdateToast() {
  const { update, run } = useStudio()
  return (
    <Show when={update.waiting()}>
      <div class="toast" role="status" data-testid="update-ready">
        <span>{t().update.ready}</span>
        <button type="button" class="button first" disabled={run.running() !== null} onClick={() => update.reload()}>
          {run.running() ? t().update.later : t().update.reload}
        </button>
        <button type="button" class="button bare" onClick={() => update.dismiss()}>
          {t().update.dismiss}
        </button>
      </div>
    </Show>
  )
}
