// A new name for something, asked for in a dialog.
import { createEffect, createSignal } from 'solid-js'
import { t } from '../i18n/index.ts'
import { Ask } from './ask.tsx'

/** `name` null: nothing is asked. */
export function Rename(props: { name: string | null; label: string; onDone: (name: string | null) => void }) {
  const [text, setText] = createSignal('')
  createEffect(() => props.name !== null && setText(props.name))
  return (
    <Ask
      open={props.name !== null}
      title={t().rename}
      action={t().rename}
      onDone={yes => props.onDone(yes && text().trim() ? text().trim() : null)}
    >
      <input
        aria-label={props.label}
        value={text()}
        onInput={event => setText(event.currentTarget.value)}
        ref={input => setTimeout(() => input.select())}
      />
    </Ask>
  )
}
