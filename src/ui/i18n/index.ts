// The page's language: one signal, typed dictionaries, and the `lang` attribute that screen readers and fonts go by.
import { createSignal } from 'solid-js'
import type { Localized } from '../../../workers/api.ts'
import type { Locale } from '../format.ts'
import { en, type Words, zh } from './words/index.ts'

export const dictionaries: Record<Locale, Words> = { en, zh }
const key = 'thimble.language'

export function firstLanguage(stored: string | null, wanted: readonly string[]): Locale {
  if (stored === 'en' || stored === 'zh') return stored
  const known = wanted.map(tag => tag.toLowerCase().split('-')[0]).find(tag => tag === 'en' || tag === 'zh')
  return (known as Locale | undefined) ?? 'en'
}

/** Words that came with a sample, in the page's language where they are there in both. */
export const inLanguage = (words: Localized, language: Locale): string =>
  typeof words === 'string' ? words : words[language]

const [locale, setSignal] = createSignal<Locale>('en')

export { locale }

/** The words of the current language; read inside components, so that they follow a change. */
export const t = (): Words => dictionaries[locale()]

const [translator, setTranslator] = createSignal<((english: string) => string | null) | null>(null)

/** What the engine says, in the page's language; null where only the English is there. */
export function sentence(english: string): string | null {
  if (locale() === 'en') return english
  return translator()?.(english) ?? null
}

/** The same for where markup cannot stand: options, titles, labels. */
export const inWords = (english: string): string => sentence(english) ?? english

// The engine speaks English; its sentences in Chinese come after the page, and only to who reads Chinese.
async function learnSentences(): Promise<void> {
  const [{ sentences }, { createTranslator }] = await Promise.all([
    import('./sentences/index.ts'),
    import('./translator.ts'),
  ])
  setTranslator(() => createTranslator(sentences))
}

export function setLanguage(language: Locale): void {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  localStorage.setItem(key, language)
  setSignal(language)
  if (language === 'zh' && !translator()) void learnSentences()
}

export const restoreLanguage = (): void =>
  setLanguage(firstLanguage(localStorage.getItem(key), navigator.languages ?? [navigator.language]))
