// Why a camera or a microphone is not there, in words that say what can be done.
import type { Words } from '../i18n/words/en/index.ts'

export function deviceProblem(error: unknown, words: Words['gather']): string {
  const name = error instanceof Error ? error.name : ''
  if (name === 'NotAllowedError' || name === 'SecurityError') return words.notAllowed
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return words.noCamera
  return words.failed(error instanceof Error ? error.message : String(error))
}
