// A word of the field with its one-line meaning, on hover and on focus.
import { createUniqueId, type JSX } from 'solid-js'
import { t } from '../i18n/index.ts'
import type { Words } from '../i18n/words/en/index.ts'

export function Term(props: { of: keyof Words['term']; children: JSX.Element }) {
  const id = createUniqueId()
  return (
    <span class="term" tabindex="0" aria-describedby={id}>
      {props.children}
      <span role="tooltip" id={id}>
        {t().term[props.of]}
      </span>
    </span>
  )
}
