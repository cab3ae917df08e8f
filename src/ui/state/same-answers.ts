// How far two models' answers are the same, as figures with names. Reports of earlier versions know it of classes only.
import type { Agreement } from '../../jobs/report.ts'
import * as format from '../format.ts'
import { inWords, locale, t } from '../i18n/index.ts'

export interface Figure {
  name: string
  value: number
  unit: '%' | ''
}

export const capital = (words: string): string => words.slice(0, 1).toUpperCase() + words.slice(1)

export const shownFigure = ({ value, unit }: Pick<Figure, 'value' | 'unit'>, digits: number): string =>
  unit === '%' ? format.percent(value, digits, locale()) : format.decimal(value, 3 + digits, locale())

/** What stands first is the figure itself; none where the model's answers are not known. */
export function sameAnswers({ answers, top1 }: Agreement): Figure[] {
  if (answers)
    return [answers, ...answers.details].map(({ metric, ...figure }) => ({
      name: capital(inWords(metric)),
      ...figure,
    }))
  return top1 === null ? [] : [{ name: t().result.agreementTop1, value: top1, unit: '%' }]
}
