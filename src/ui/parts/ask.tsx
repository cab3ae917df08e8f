// A question before something is lost, in the browser's own dialog element; also the one for a new name.
import { createEffect, type JSX, Show } from 'solid-js'
import { t } from '../i18n/index.ts'

export function Ask(props: {
  open: boolean
  title: string
  action: string
  danger?: boolean
  onDone: (yes: boolean) => void
  children?: JSX.Element
}) {
  let dialog!: HTMLDialogElement
  createEffect(() => {
    if (props.open && !dialog.open) dialog.showModal()
    if (!props.open && dialog.open) dialog.close()
  })
  return (
    <dialog ref={dialog} aria-label={props.title} onClose={() => props.open && props.onDone(false)}>
      <Show when={props.open}>
        <form
          method="dialog"
          class="section"
          onSubmit={event => {
            event.preventDefault()
            props.onDone(true)
          }}
        >
          <p>{props.title}</p>
          {props.children}
          <div class="row">
            <button type="submit" class="button" classList={{ danger: props.danger, first: !props.danger }}>
              {props.action}
            </button>
            <button type="button" class="button" onClick={() => props.onDone(false)}>
              {t().cancel}
            </button>
          </div>
        </form>
      </Show>
    </dialog>
  )
}
