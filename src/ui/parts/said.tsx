// What the engine says, in the page's language; marked as English where it is there in English alone.
import { locale, sentence } from '../i18n/index.ts'

export function Said(props: { words: string }) {
  return (
    <span lang={sentence(props.words) === null && locale() !== 'en' ? 'en' : undefined}>
      {sentence(props.words) ?? props.words}
    </span>
  )
}
