// Sentences of the engine's in another language, found by their English text, as gettext does: the English template is the key.
// `{name}` stands for anything within one sentence, `{name#}` for one word, `{name*}` for words that are translated in turn; `{s}` is
// an English plural.

/** An English template and what it is in the other language, with the same holes. */
export type Pair = readonly [english: string, other: string]

export const hole = /\{(\w+)([*#]?)\}/g

interface Template {
  constant: string // the longest part without a hole: whatever lacks it does not match
  weight: number // letters without holes: of two that match, the heavier says more
  pattern: RegExp
  holes: readonly { name: string; kind: string }[]
  other: string
}

const quoted = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

function templateOf([english, other]: Pair): Template {
  const holes = [...english.matchAll(hole)].map(([, name, kind]) => ({ name, kind }))
  const constants = english.replace(hole, '\0').split('\0')
  const source = constants.map((part, k) => quoted(part) + (k < holes.length ? within(holes[k].kind) : '')).join('')
  return {
    constant: constants.reduce((longest, part) => (part.length > longest.length ? part : longest)),
    weight: constants.join('').length,
    pattern: new RegExp(`^${source}$`),
    holes,
    other,
  }
}

const within = (kind: string): string => (kind === '#' ? '(\\S*)' : '([^]*?)')

/** Between Chinese and other letters stands a space. */
const spaced = (before: string, words: string, after: string): string =>
  (apart.test(before.slice(-1) + words.slice(0, 1)) ? ' ' : '') +
  words +
  (apart.test(words.slice(-1) + after.slice(0, 1)) ? ' ' : '')

const apart = /^(\p{Script=Han}[\w'"]|[\w'"]\p{Script=Han})$/u

const sentenceEnd = /[.?!] (?=[A-Z])/

/** Gives the other language's words, or null for what is in no pair. */
export function createTranslator(pairs: readonly Pair[]): (english: string) => string | null {
  const whole = new Map(pairs.filter(([english]) => english.search(hole) < 0))
  const templates = pairs
    .filter(([english]) => english.search(hole) >= 0)
    .map(templateOf)
    .sort((a, b) => b.weight - a.weight)
  const known = new Map<string, string | null>()

  function fill(text: string, oneSentence: boolean): string | null {
    for (const { constant, pattern, holes, other } of templates) {
      const found = text.includes(constant) && pattern.exec(text)
      if (!found || (oneSentence && found.slice(1).some(words => sentenceEnd.test(words)))) continue
      return other.replace(hole, (whole, name: string, kind: string, at: number) => {
        const words = found[1 + holes.findIndex(h => h.name === name)]
        if (kind !== '*') return words
        return spaced(other.slice(0, at), translate(words) ?? words, other.slice(at + whole.length))
      })
    }
    return null
  }

  /** Several sentences one after the other, each of them known. */
  function several(text: string): string | null {
    const parts = text.split(/(?<=[.?!]) (?=[A-Z])/).map(part => translate(part))
    return parts.every(part => part !== null) ? parts.join('') : null
  }

  function list(text: string): string | null {
    const parts = text.split('; ')
    return parts.some(part => translate(part) !== null) ? parts.map(part => translate(part) ?? part).join('；') : null
  }

  function translate(text: string): string | null {
    const before = known.get(text)
    if (before !== undefined) return before
    const found =
      whole.get(text) ??
      fill(text, true) ??
      (sentenceEnd.test(text) ? (several(text) ?? fill(text, false)) : null) ??
      (text.includes('; ') ? list(text) : null)
    known.set(text, found)
    return found
  }
  return translate
}
