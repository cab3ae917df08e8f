// A running stage in words: its name, n of m, samples per second, time left.
import type { Catalogue, RunProgress } from '../../../workers/api.ts'
import type { Locale } from '../format.ts'
import * as format from '../format.ts'
import { inWords } from '../i18n/index.ts'
import type { Words } from '../i18n/words/en/index.ts'

/** A step's name in the language, else as its own file labels it, else its id. */
export function stepName(id: string, words: Words, catalogue: Catalogue | undefined): string {
  const label = catalogue?.steps.find(step => step.id === id)?.label
  return words.stepLabel[id] ?? (label === undefined ? id : inWords(label))
}

export function progressWords(progress: RunProgress, words: Words, locale: Locale): string {
  const parts: string[] = []
  if (progress.total !== null)
    parts.push(words.run.of(format.whole(progress.done, locale), format.whole(progress.total, locale)))
  if (progress.perSecond !== null)
    parts.push(words.run.perSecond(format.decimal(progress.perSecond, progress.perSecond < 10 ? 1 : 0, locale)))
  if (progress.secondsLeft !== null) parts.push(words.run.left(format.duration(progress.secondsLeft, locale)))
  return parts.join(' · ')
}
