// The layers table as CSV, with full figures and no locale, for other programs.
import type { LayerReport } from '../../jobs/report.ts'
import { csv } from './csv.ts'

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

export const layersCsv = (layers: readonly LayerReport[]): string =>
  csv(
    columns,
    layers.map(row => columns.map(name => row[name])),
  )
