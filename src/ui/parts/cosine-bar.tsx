// A cosine as a bar from 0 to 1, with its figure.
import * as format from '../format.ts'
import { locale } from '../i18n/index.ts'
import './task-answers.css'

export function CosineBar(props: { value: number; label: string }) {
  return (
    <>
      <span class="cosine-bar" role="img" aria-label={props.label}>
        <span style={{ width: `${100 * Math.max(0, props.value)}%` }} />
      </span>
      <b class="figure">{format.decimal(props.value, 4, locale())}</b>
    </>
  )
}
