// What can be laid beside each other: the original, and every bundle of every variant.
import type { ModelId, VariantFigures, VariantView } from '../../../workers/api.ts'
import type { Agreement, Side } from '../../jobs/report.ts'

export interface Compared {
  id: string // 'original', or the variant's with the bundle's folder behind it
  variant: string | null
  dir: string | null
  name: string
  side: Side
  agreement: Agreement | null // with the original; null for the original itself
}

/** The original's figures are those of the last run, whose data are the latest. */
export function comparable(variants: readonly VariantView[], original: string): Compared[] {
  const last = variants.at(-1)?.figures[0]
  if (!last) return []
  const bundle = (variant: VariantView, figures: VariantFigures): Compared => ({
    id: `${variant.id} ${figures.dir}`,
    variant: variant.id,
    dir: figures.dir,
    name: variant.figures.length > 1 ? `${variant.name} · ${figures.dir}` : variant.name,
    side: figures.after,
    agreement: figures.agreement,
  })
  return [
    { id: 'original', variant: null, dir: null, name: original, side: last.before, agreement: null },
    ...variants.flatMap(variant => variant.figures.map(figures => bundle(variant, figures))),
  ]
}

export const modelOf = ({ variant, dir }: Compared): ModelId =>
  variant !== null && dir !== null ? { variant, dir } : null
