// A signal-to-noise ratio with its colour beside it, never the colour alone.
import { Show } from 'solid-js'
import { decibel } from '../format.ts'
import { css, sqnrColour } from '../graph/colour.ts'
import { locale } from '../i18n/index.ts'

export function Sqnr(props: { db: number | null }) {
  return (
    <>
      <Show when={props.db !== null}>
        <span class="swatch" style={{ 'background-color': css(sqnrColour(props.db!)) }} aria-hidden="true" />
      </Show>
      {decibel(props.db, locale())}
    </>
  )
}
