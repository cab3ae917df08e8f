// What layers can bear, as the page orders it, and as a search has left it in a report.
import type { Report } from '../../jobs/report.ts'
import type { Sensitivities } from '../../jobs/sensitivity.ts'

/** In dB: what lies above cannot be told from the float model, and would only flatten the chart. */
export const highest = 70

/** Those first whose figures are the least on average. */
export function leastFirst<Row>(rows: readonly Row[], figures: (row: Row) => readonly (number | null)[]): Row[] {
  const mean = (row: Row): number => {
    const known = figures(row).filter(value => value !== null)
    return known.reduce((sum, value) => sum + value, 0) / Math.max(1, known.length)
  }
  return [...rows].sort((a, b) => mean(a) - mean(b))
}

/** What a step `search` has measured of each layer; null where there was none. */
export function fromSearch({ steps, layers, bundles }: Report): Sensitivities | null {
  const step = steps.find(({ do: id }) => id === 'search') as
    | {
        found?: { sensitivity: Record<string, Record<string, { sqnrDb: number }>>; judgedOn: number }
        samples?: number
      }
    | undefined
  const measured = Object.entries(step?.found?.sensitivity ?? {})
  if (measured.length === 0) return null
  // The widest first, as they are measured.
  const bits = (name: string): number => Number(/\d+/.exec(name)?.[0] ?? 0)
  const formats = [...new Set(measured.flatMap(([, by]) => Object.keys(by)))].sort((a, b) => bits(b) - bits(a))
  const op = new Map(layers.map(row => [row.node, row.op]))
  return {
    target: bundles[0]?.target ?? '',
    samples: step?.samples ?? 0,
    formats: formats as Sensitivities['formats'],
    layers: measured.map(([node, by]) => ({
      node,
      op: op.get(node) ?? '',
      parameters: null,
      sqnrDb: formats.map(name => by[name]?.sqnrDb ?? null),
    })),
    groups: [],
  }
}
