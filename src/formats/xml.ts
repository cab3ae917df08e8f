// XML as a tree of elements with attributes and text. Reading is by saxes, which takes well-formed documents only and expands no
// entities but XML's own five; comments, processing instructions and white space between elements are dropped.
import { SaxesParser } from 'saxes'
import { StudioError } from '../base/errors.ts'

export interface XmlElement {
  name: string
  attributes: ReadonlyMap<string, string>
  children: readonly XmlElement[]
  /** All text directly inside, trimmed. */
  text: string
}

interface Open {
  name: string
  attributes: Map<string, string>
  children: XmlElement[]
  text: string
}

// Far deeper than any file that a tool writes, and shallow enough to walk by recursion.
const deepest = 100

/** The root element. Throws `malformed` with line and column where the text is not well formed. */
export function parseXml(source: string, file: string): XmlElement {
  const parser = new SaxesParser()
  const open: Open[] = []
  let root: XmlElement | null = null
  const broken = (why: string): StudioError =>
    new StudioError('malformed', `${file} is no well-formed XML: ${why}`, {
      where: { file },
      hint: 'Copy the file again, completely, or export it again.',
    })
  parser.on('error', error => {
    throw broken(error.message)
  })
  parser.on('opentag', ({ name, attributes }) => {
    if (open.length === deepest) throw broken(`elements are nested more than ${deepest} deep`)
    open.push({ name, attributes: new Map(Object.entries(attributes)), children: [], text: '' })
  })
  const addText = (text: string): void => {
    const top = open.at(-1)
    if (top) top.text += text
  }
  parser.on('text', addText)
  parser.on('cdata', addText)
  parser.on('closetag', () => {
    const { name, attributes, children, text } = open.pop()!
    const element: XmlElement = { name, attributes, children, text: text.trim() }
    const parent = open.at(-1)
    if (parent) parent.children.push(element)
    else root = element
  })
  parser.write(source).close()
  if (root === null) throw broken('it has no element')
  return root
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
  '\t': '&#9;',
  '\r': '&#13;',
}
const escaped = (text: string): string => text.replace(/[&<>"\n\t\r]/g, c => escapes[c])

/** A document, indented by tabs. */
export const printXml = (root: XmlElement): string => `<?xml version="1.0"?>\n${printed(root, '')}`

function printed({ name, attributes, children, text }: XmlElement, indent: string): string {
  const start = `${indent}<${name}${[...attributes].map(([key, value]) => ` ${key}="${escaped(value)}"`).join('')}`
  if (children.length === 0) return text === '' ? `${start} />\n` : `${start}>${escaped(text)}</${name}>\n`
  return `${start}>\n${children.map(child => printed(child, `${indent}\t`)).join('')}${indent}</${name}>\n`
}

/** An element, from its attributes and children. */
export const element = (
  name: string,
  attributes: Readonly<Record<string, string | number>> = {},
  children: readonly XmlElement[] = [],
  text = '',
): XmlElement => ({
  name,
  attributes: new Map(Object.entries(attributes).map(([key, value]) => [key, String(value)])),
  children,
  text,
})
