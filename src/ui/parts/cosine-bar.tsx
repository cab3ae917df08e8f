// A cosine with a bar: from 0 to 1, or of another share where many near 1 are told apart.
import * as format from '../format.ts'
import { locale } from '../i18n/index.ts'
import './task-answers.css'

export function CosineBar(props: { value: number; label: string; share?: number; digits?: number }) {
  return (
    <>
      <span class="cosine-bar" role="img" aria-label={props.label}>
        <span style={{ width: `${100 * Math.max(0, props.share ?? props.value)}%` }} />
      </span>
      <b class="figure">{format.decimal(props.value, props.digits ?? 4, locale())}</b>
    </>
  )
}
