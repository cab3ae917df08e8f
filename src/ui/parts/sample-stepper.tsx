// From one sample to the next and back.
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { Icon } from './icon.tsx'

export function SampleStepper(props: { index: number; size: number; onChange: (index: number) => void }) {
  return (
    <div class="row">
      <button
        type="button"
        class="button icon"
        aria-label={t().data.previous}
        disabled={props.index === 0}
        onClick={() => props.onChange(props.index - 1)}
      >
        <Icon name="left" />
      </button>
      <span>{t().data.sampleOf(format.whole(props.index + 1, locale()), format.whole(props.size, locale()))}</span>
      <button
        type="button"
        class="button icon"
        aria-label={t().data.next}
        disabled={props.index >= props.size - 1}
        onClick={() => props.onChange(props.index + 1)}
      >
        <Icon name="right" />
      </button>
    </div>
  )
}
