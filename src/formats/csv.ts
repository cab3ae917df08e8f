// Comma-separated values (RFC 4180): quoted fields may hold commas, doubled quotes and line breaks.

/** The rows of a CSV text; empty lines are left out. */
export function parseCsv(source: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let at = source.charCodeAt(0) === 0xfeff ? 1 : 0
  while (at < source.length) {
    let field = ''
    if (source[at] === '"') {
      for (at++; at < source.length && !(source[at] === '"' && source[at + 1] !== '"'); at++) {
        if (source[at] === '"') at++
        field += source[at]
      }
      at++
    }
    const start = at
    while (at < source.length && source[at] !== ',' && source[at] !== '\n') at++
    row.push(field + source.slice(start, at).replace(/\r$/, ''))
    if (source[at] !== ',') {
      if (row.length > 1 || row[0] !== '') rows.push(row)
      row = []
    } else if (at + 1 === source.length) row.push('')
    at++
  }
  if (row.length > 0) rows.push(row)
  return rows
}
