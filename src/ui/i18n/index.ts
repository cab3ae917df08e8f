// The page's language: one signal, typed words, and the `lang` attribute that screen readers and fonts go by. English comes with the
// page; Chinese words come before it to who reads Chinese, and what the engine says, after it.
import { createSignal } from 'solid-js'
import type { Localized } from '../../../workers/api.ts'
import type { Locale } from '../format.ts'
import { en, type Words } from './words/en/index.ts'

/** Each language by its own name. */
export const languages: Record<Locale, string> = { en: 'English', zh: '中文' }

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

const words: { [L in Locale]?: Words } = { en }
const [translator, setTranslator] = createSignal<((english: string) => string | null) | null>(null)

/** The words of the current language; read inside components, so that they follow a change. */
export const t = (): Words => words[locale()] ?? en

/** What the engine says, in the page's language; null where only the English is there. */
export function sentence(english: string): string | null {
  if (locale() === 'en') return english
  return translator()?.(english) ?? null
}

/** The same for where markup cannot stand: options, titles, labels. */
export const inWords = (english: string): string => sentence(english) ?? english

async function learnSentences(): Promise<void> {
  const [{ sentences }, { createTranslator }] = await Promise.all([
    import('./sentences/index.ts'),
    import('./translator.ts'),
  ])
  setTranslator(() => createTranslator(sentences))
}

let chosen: Locale = 'en'

/** Rejects, and the page keeps its language, where the words cannot be had: from a server that is gone, say. */
export async function setLanguage(language: Locale): Promise<void> {
  chosen = language
  if (language === 'zh') words.zh ??= (await import('./words/zh/index.ts')).zh
  // Another may have been chosen while the words came.
  if (chosen !== language) return
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
  localStorage.setItem(key, language)
  setSignal(language)
  if (language === 'zh' && !translator()) void learnSentences()
}

export const restoreLanguage = (): Promise<void> =>
  setLanguage(firstLanguage(localStorage.getItem(key), navigator.languages ?? [navigator.language]))
