// A part of a page that a script writes, between two marks.
import { readFileSync, writeFileSync } from 'node:fs'

/** Replaces what stands between the marks; throws where the page lacks them. */
export function writeBetween(path, [from, to], part) {
  const text = readFileSync(path, 'utf8')
  if (!text.includes(from) || !text.includes(to)) throw new Error(`${path} lacks its marks`)
  writeFileSync(path, `${text.slice(0, text.indexOf(from))}${from}\n\n${part}\n\n${text.slice(text.indexOf(to))}`)
}
