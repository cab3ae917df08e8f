// Text lines by connectionist temporal classification (Graves et al. 2006), read greedily: the best symbol of each step, repeats
// joined, blanks dropped. Right when the whole line is; the detail is 1 - edit distance / length of the label, by characters.
//
// Symbols: the metadata key `character` (one per line, as PaddleOCR's exporters write it) after the blank, and a space at the end
// where the model has one symbol more; or the option `characters`.

import * as v from 'valibot'
import { StudioError } from '../base/errors.ts'
import { editDistance } from '../base/nearest.ts'
import { flag, number, value } from '../base/options.ts'
import type { Model, ValueName } from '../ir/model.ts'
import { textOf } from './label-kinds.ts'
import { equal, sameAnswers } from './same-answers.ts'
import { numbersOf } from './scores.ts'
import type { Outputs, TaskDef } from './types.ts'

const options = {
  characters: value('Characters in the order of the symbols, the blank left out', v.nullable(v.string()), null),
  blank: number('Place of the blank; -1 is the last', { default: 0, min: -1, max: 1_000_000 }),
  ignoreSpaces: flag('Leave spaces out of the comparison', true),
}

/** One symbol's text by its number, for a model of `count` symbols. */
function alphabet(model: Model, characters: string | null, blank: number, count: number): string[] {
  const listed =
    characters !== null
      ? [...characters]
      : (model.meta.character?.replace(/\r/g, '').replace(/\n$/, '').split('\n') ?? [])
  const at = blank < 0 ? count - 1 : blank
  const spaced = listed.length + 2 === count ? [...listed, ' '] : listed
  if (spaced.length + 1 !== count)
    throw new StudioError(
      'usage',
      `The model tells ${count} symbols apart, but ${listed.length} characters are known.`,
      {
        hint: 'Give "characters" in the task of the input spec, in the order of the model, without the blank.',
      },
    )
  return [...spaced.slice(0, at), '', ...spaced.slice(at)]
}

/** The best symbol of each step. */
function bestPath(outputs: Outputs, name: ValueName): { path: number[]; symbols: number } {
  const { shape } = outputs[name]
  const symbols = shape[shape.length - 1]
  const scores = numbersOf(outputs[name])
  const path: number[] = []
  for (let start = 0; start < scores.length; start += symbols) {
    let at = 0
    for (let i = 1; i < symbols; i++) if (scores[start + i] > scores[start + at]) at = i
    path.push(at)
  }
  return { path, symbols }
}

export const ctc: TaskDef = {
  id: 'ctc',
  label: 'Text recognition (CTC)',
  options,
  guess: model => (model.meta.character !== undefined && model.graph.outputs.length === 1 ? {} : null),
  open(model, given) {
    const name = model.graph.outputs[0]
    const characters = typeof given.characters === 'string' ? given.characters : null
    const blank = typeof given.blank === 'number' ? given.blank : options.blank.default
    const ignoreSpaces = given.ignoreSpaces !== false
    let symbols: string[] | null = null
    const read = (outputs: Outputs): string => {
      const { path, symbols: count } = bestPath(outputs, name)
      symbols ??= alphabet(model, characters, blank, count)
      const known = symbols
      return path.map((symbol, i) => (symbol === path[i - 1] ? '' : known[symbol])).join('')
    }
    const compared = (line: string): string => (ignoreSpaces ? line.replace(/\s+/g, '') : line)
    const alike = (reference: Outputs, other: Outputs) => equal(read(reference), read(other))
    return {
      id: 'ctc',
      metric: ignoreSpaces ? 'exact lines, spaces ignored' : 'exact lines',
      detail: 'characters',
      binary: true,
      rightAtOne: true,
      answer: read,
      alike,
      agreeing: () => sameAnswers('same text', alike),
      score(outputs, label) {
        const line = [...compared(read(outputs))]
        const wanted = [...compared(textOf(label))]
        const distance = editDistance(line, wanted)
        const characters = wanted.length === 0 ? (line.length === 0 ? 1 : 0) : Math.max(0, 1 - distance / wanted.length)
        return { value: distance === 0 ? 1 : 0, top5: null, detail: characters }
      },
      pooled: null,
    }
  },
}
