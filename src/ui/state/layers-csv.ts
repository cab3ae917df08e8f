// The layers table as CSV (RFC 4180), with full figures and no locale, for other programs.
import type { LayerReport } from '../../jobs/report.ts'

const columns = [
  'node',
  'op',
  'weightBits',
  'activationBits',
  'scheme',
  'sqnrDb',
  'cumulativeSqnrDb',
  'weightSqnrDb',
  'activationSqnrDb',
] as const satisfies readonly (keyof LayerReport)[]

const field = (value: string | number | null): string => {
  const text = value === null ? '' : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export const layersCsv = (layers: readonly LayerReport[]): string =>
  `${[columns.join(','), ...layers.map(row => columns.map(name => field(row[name])).join(','))].join('\r\n')}\r\n`
