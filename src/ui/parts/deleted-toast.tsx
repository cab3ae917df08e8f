// The project that was deleted last, for as long as it can be brought back.
import { Show } from 'solid-js'
import { t } from '../i18n/index.ts'
import { useStudio } from '../state/studio.ts'

export function DeletedToast() {
  const { project } = useStudio()
  return (
    <Show when={project.removed()}>
      {item => (
        <div class="toast" role="status" data-testid="deleted-toast">
          <span>{t().projects.deleted(item().name)}</span>
          <button type="button" class="button" data-testid="undo-delete" onClick={() => void project.unremove()}>
            {t().projects.undo}
          </button>
          <button type="button" class="button bare" onClick={() => void project.forget()}>
            {t().projects.dismiss}
          </button>
        </div>
      )}
    </Show>
  )
}
