// The variants' figures as CSV, one row per bundle.
import type { VariantView } from '../../../workers/api.ts'
import { csv } from './csv.ts'

const columns = ['variant', 'target', 'form', 'bytes', 'accuracy', 'agreementTop1', 'sqnrDb', 'latencyMs', 'macs']

export const variantsCsv = (variants: readonly VariantView[]): string =>
  csv(
    columns,
    variants.flatMap(({ name, figures }) =>
      figures.map(({ target, form, after, agreement }) => [
        name,
        target,
        form,
        after.bytes,
        after.accuracy?.value ?? null,
        agreement?.top1 ?? null,
        agreement?.sqnrDb ?? null,
        after.latencyMs?.median ?? null,
        after.macs,
      ]),
    ),
  )
