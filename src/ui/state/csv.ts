// Tables as CSV (RFC 4180).

export type Cell = string | number | null

const field = (value: Cell): string => {
  const text = value === null ? '' : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export const csv = (columns: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  `${[columns, ...rows].map(row => row.map(field).join(',')).join('\r\n')}\r\n`
