// A text that is meant for elsewhere, in sight, with a button that copies it.
import { createSignal } from 'solid-js'
import { t } from '../i18n/index.ts'
import { Icon } from './icon.tsx'

export function CopiedText(props: { label: string; text: string; rows: number; testid: string; first?: boolean }) {
  const [state, setState] = createSignal<'' | 'copied' | 'notCopied'>('')
  let area!: HTMLTextAreaElement
  const copy = () =>
    navigator.clipboard.writeText(props.text).then(
      () => setState('copied'),
      () => {
        area.select()
        setState('notCopied')
      },
    )
  return (
    <div class="copied-text">
      <textarea
        ref={area}
        readonly
        aria-label={props.label}
        rows={props.rows}
        value={props.text}
        data-testid={props.testid}
        onFocus={event => event.currentTarget.select()}
      />
      <div class="row">
        <button
          type="button"
          class="button"
          autofocus={props.first}
          onClick={() => void copy()}
          data-testid={`${props.testid}-copy`}
        >
          <Icon name="copy" />
          {t().share.copy}
        </button>
        <span role="status" classList={{ good: state() === 'copied', warn: state() === 'notCopied' }}>
          {state() ? t().share[state() as 'copied' | 'notCopied'] : ''}
        </span>
      </div>
    </div>
  )
}
