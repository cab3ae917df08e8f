// Handing a recipe on: as a link that holds it, or as the command that does the same.
import { createEffect, createResource, For, Show } from 'solid-js'
import type { ProjectView } from '../../../workers/api.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { commandLine } from '../state/command-line.ts'
import { useStudio } from '../state/studio.ts'
import { CopiedText } from './copied-text.tsx'
import './share-dialog.css'

export function ShareDialog(props: { project: ProjectView; open: boolean; onClose: () => void }) {
  const { share } = useStudio()
  let dialog!: HTMLDialogElement
  createEffect(() => {
    if (props.open && !dialog.open) dialog.showModal()
    if (!props.open && dialog.open) dialog.close()
  })
  const [link] = createResource(
    () => props.open && props.project.recipe,
    recipe => share.link(recipe),
  )
  const command = () => commandLine(props.project, props.project.recipe)
  return (
    <dialog
      ref={element => {
        dialog = element
        element.setAttribute('closedby', 'any')
      }}
      class="share"
      aria-label={t().share.title}
      onClose={() => props.onClose()}
    >
      <Show when={props.open}>
        <section class="section">
          <div>
            <h2>{t().share.link}</h2>
            <p class="soft">{t().share.linkAbout}</p>
          </div>
          <CopiedText label={t().share.link} text={link.latest ?? ''} rows={3} testid="share-link" first />
        </section>
        <section class="section">
          <div>
            <h2>{t().share.command}</h2>
            <p class="soft">{t().share.commandAbout}</p>
          </div>
          <For each={command().folders}>
            {({ folder, files }) => <p class="note">{t().share.folder(folder, format.whole(files, locale()))}</p>}
          </For>
          <Show when={command().gathered}>
            <p class="note">{t().share.gathered}</p>
          </Show>
          <CopiedText label={t().share.command} text={command().text} rows={10} testid="share-command" />
        </section>
        <div class="row">
          <button type="button" class="button" onClick={() => dialog.close()}>
            {t().close}
          </button>
        </div>
      </Show>
    </dialog>
  )
}
