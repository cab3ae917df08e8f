// The text form of protocol buffers, as Caffe's .prototxt is written: fields by name, each with a number, a word, a string or a message.
// protobuf.dev/reference/protobuf/textformat-spec. Read without a schema: what a word means is the reader's to say.
import { StudioError } from '../base/errors.ts'

/** A number, true or false; text in quotes; a word (an enum's value); a message. */
export type ProtoValue = number | boolean | string | ProtoWord | ProtoMessage
export interface ProtoWord {
  readonly word: string
}
/** Values of each field in their order. */
export type ProtoMessage = ReadonlyMap<string, readonly ProtoValue[]>

const deepest = 64
const tokens =
  /\s+|#[^\n]*|([A-Za-z_][\w./-]*)|([-+]?(?:0[xX][\da-fA-F]+|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|inf(?:inity)?|nan)[fF]?(?![\w.]))|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|([{}<>:;,[\]])/y

interface Token {
  kind: 'word' | 'number' | 'string' | 'sign' | 'end'
  text: string
  line: number
}

export function parsePrototxt(source: string, file: string): ProtoMessage {
  const refuse = (line: number, what: string): StudioError =>
    new StudioError('malformed', `${file} cannot be read: ${what} in line ${line}`, {
      where: { file },
      hint: 'Copy or download the file again, or mend the line.',
    })
  const list: Token[] = []
  let line = 1
  tokens.lastIndex = 0
  for (let at = 0; at < source.length; at = tokens.lastIndex) {
    tokens.lastIndex = at
    const match = tokens.exec(source)
    if (!match) throw refuse(line, `there is ${JSON.stringify(source.slice(at, at + 10))}`)
    const [text, word, number, string] = match
    const kind = word ? 'word' : number ? 'number' : string ? 'string' : 'sign'
    if (!/^(\s|#)/.test(text)) list.push({ kind, text, line })
    line += text.split('\n').length - 1
  }
  let next = 0
  const peek = (): Token => list[next] ?? { kind: 'end', text: 'its end', line }
  const take = (): Token => {
    const token = peek()
    next++
    return token
  }
  const isSign = (...signs: string[]): boolean => peek().kind === 'sign' && signs.includes(peek().text)

  const scalar = (): ProtoValue => {
    const { kind, text, line } = take()
    if (kind === 'number') {
      const value = Number(text.replace(/^([-+]?)inf(inity)?$/i, '$1Infinity').replace(/[fF]$/, ''))
      return value
    }
    if (kind === 'word') return text === 'true' || text === 'false' ? text === 'true' : { word: text }
    if (kind !== 'string') throw refuse(line, `${text} stands where a value is expected`)
    let joined = unquoted(text)
    while (peek().kind === 'string') joined += unquoted(take().text)
    return joined
  }
  const value = (depth: number): ProtoValue => (isSign('{', '<') ? block(depth) : scalar())
  const block = (depth: number): ProtoMessage => {
    const close = take().text === '{' ? '}' : '>'
    const message = fields(depth + 1)
    const { text, line } = take()
    if (text !== close) throw refuse(line, `${text} stands where ${close} is expected`)
    return message
  }
  const fields = (depth: number): ProtoMessage => {
    if (depth > deepest) throw refuse(peek().line, `messages are nested deeper than ${deepest}`)
    const message = new Map<string, ProtoValue[]>()
    while (peek().kind === 'word') {
      const name = take().text
      const values = message.get(name) ?? []
      message.set(name, values)
      if (isSign(':')) take()
      else if (!isSign('{', '<')) throw refuse(peek().line, `${peek().text} stands after the field ${name}`)
      if (!isSign('[')) values.push(value(depth))
      else {
        take()
        while (!isSign(']')) {
          values.push(value(depth))
          if (isSign(',')) take()
          else if (!isSign(']')) throw refuse(peek().line, `${peek().text} stands within a list`)
        }
        take()
      }
      if (isSign(',', ';')) take()
    }
    return message
  }
  const message = fields(0)
  if (peek().kind !== 'end') throw refuse(peek().line, `${peek().text} stands where a field is expected`)
  return message
}

const escapes: Record<string, string> = { n: '\n', t: '\t', r: '\r' }
const unquoted = (text: string): string => text.slice(1, -1).replace(/\\(.)/g, (_, c: string) => escapes[c] ?? c)

export const isMessage = (value: ProtoValue): value is ProtoMessage => value instanceof Map
const isWord = (value: ProtoValue): value is ProtoWord => typeof value === 'object' && 'word' in value

export function printPrototxt(message: ProtoMessage, indent = ''): string {
  let text = ''
  for (const [name, values] of message)
    for (const value of values) {
      if (isMessage(value)) text += `${indent}${name} {\n${printPrototxt(value, `${indent}  `)}${indent}}\n`
      else if (isWord(value)) text += `${indent}${name}: ${value.word}\n`
      else text += `${indent}${name}: ${typeof value === 'string' ? JSON.stringify(value) : numberText(value)}\n`
    }
  return text
}

/** The shortest text that reads back as the same float32. */
function numberText(value: number | boolean): string {
  if (typeof value === 'boolean' || Number.isInteger(value)) return String(value)
  for (let digits = 6; digits < 9; digits++) {
    const text = Number(value.toPrecision(digits))
    if (Math.fround(text) === Math.fround(value)) return String(text)
  }
  return String(Number(value.toPrecision(9)))
}

// Reading fields, with a default. Of a field that is there several times and should not be, the last counts.

export const messagesOf = (message: ProtoMessage | null, name: string): ProtoMessage[] =>
  message?.get(name)?.filter(isMessage) ?? []
export const messageOf = (message: ProtoMessage | null, name: string): ProtoMessage | null =>
  messagesOf(message, name).at(-1) ?? null
export const stringsOf = (message: ProtoMessage | null, name: string): string[] =>
  message?.get(name)?.filter(value => typeof value === 'string') ?? []
export const stringOf = (message: ProtoMessage | null, name: string, fallback = ''): string =>
  stringsOf(message, name).at(-1) ?? fallback
export const numbersOf = (message: ProtoMessage | null, name: string): number[] =>
  message?.get(name)?.filter(value => typeof value === 'number') ?? []
export const numberOf = (message: ProtoMessage | null, name: string, fallback: number): number =>
  numbersOf(message, name).at(-1) ?? fallback
export function flagOf(message: ProtoMessage | null, name: string, fallback: boolean): boolean {
  const value = message?.get(name)?.at(-1)
  return typeof value === 'boolean' ? value : typeof value === 'number' ? value !== 0 : fallback
}
export function wordOf(message: ProtoMessage | null, name: string, fallback: string): string {
  const value = message?.get(name)?.at(-1)
  return value !== undefined && isWord(value) ? value.word : fallback
}
