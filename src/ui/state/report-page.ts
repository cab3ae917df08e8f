// The report of a variant as one page that needs nothing else: no network, no script; it can be printed and mailed.
import type { ProjectView, VariantView } from '../../../workers/api.ts'
import type { BundleReport, Report } from '../../jobs/report.ts'
import type { Step } from '../../recipe/types.ts'
import * as format from '../format.ts'
import { css, inkOn, sqnrColour, sqnrRange } from '../graph/colour.ts'
import type { Words } from '../i18n/words/en/index.ts'
import { comparable } from './sides.ts'

export interface ReportPage {
  project: Pick<ProjectView, 'name' | 'variants' | 'calibration' | 'evaluation' | 'input'>
  variant: VariantView
  report: Report
}

export interface Language {
  words: Words
  locale: format.Locale
  /** What the engine says, in the language. */
  say: (english: string) => string
  /** A step's name. */
  step: (id: string) => string
}

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, sign => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]!)

/** A cell is escaped unless it is marked as HTML already. */
interface Html {
  html: string
}
type Cell = string | Html
const html = (text: string): Html => ({ html: text })
const shown = (cell: Cell): string => (typeof cell === 'string' ? escaped(cell) : cell.html)

/** The first column names the row; `figures` are the columns that are numbers, from 1. */
function table(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  figures: (column: number) => boolean,
): string {
  const kind = (k: number) => (figures(k) ? ' class="figure"' : '')
  const first = head.map((name, k) => `<th scope="col"${kind(k)}>${escaped(name)}</th>`).join('')
  const lines = rows.map(
    ([name, ...cells]) =>
      `<tr><th scope="row">${shown(name)}</th>${cells.map((cell, k) => `<td${kind(k + 1)}>${shown(cell)}</td>`).join('')}</tr>`,
  )
  return `<table><thead><tr>${first}</tr></thead><tbody>${lines.join('')}</tbody></table>`
}

const section = (title: string, ...content: string[]): string =>
  content.some(Boolean) ? `<section><h2>${escaped(title)}</h2>${content.join('')}</section>` : ''

const list = (items: readonly string[]): string =>
  items.length > 0 ? `<ul>${items.map(item => `<li>${escaped(item)}</li>`).join('')}</ul>` : ''

function figuresTable({ before }: Report, bundle: BundleReport, { words, locale }: Language): string {
  const { after } = bundle
  const amount = (name: string, was: number, is: number, show: (value: number) => string) => [
    name,
    show(was),
    show(is),
    format.change(was, is, locale),
  ]
  const bytes = (value: number) => format.bytes(value, locale)
  const count = (value: number) => format.count(value, locale)
  const time = (value: number) => format.milliseconds(value, locale)
  const judged = (side: Report['before']) => {
    if (!side.accuracy) return format.missing
    const { value, interval95 } = side.accuracy
    return `${format.percent(value, 2, locale)} (${format.decimal(interval95.low, 1, locale)}–${format.decimal(interval95.high, 1, locale)})`
  }
  const rows = [
    ...(before.accuracy && after.accuracy
      ? [
          [
            after.accuracy.metric,
            judged(before),
            judged(after),
            format.signed(after.accuracy.value - before.accuracy.value, 2, locale),
          ],
        ]
      : []),
    amount(words.bytes, before.bytes, after.bytes, bytes),
    amount(words.parameters, before.parameters, after.parameters, count),
    amount(words.macs, before.macs, after.macs, count),
    amount(words.result.peak, before.peakActivationBytes, after.peakActivationBytes, bytes),
    ...(before.latencyMs && after.latencyMs
      ? [amount(words.result.latency, before.latencyMs.median, after.latencyMs.median, time)]
      : []),
  ]
  return table(['', words.before, words.after, words.change], rows, k => k > 0)
}

function agreementLine({ agreement }: BundleReport, { words, locale }: Language): string {
  if (!agreement) return ''
  const same = agreement.answers?.unit === '' ? null : (agreement.answers?.value ?? agreement.top1)
  const facts = [
    same === null ? null : `${words.tasks.sameAnswers}: ${format.percent(same, 2, locale)}`,
    `${words.result.sqnr}: ${format.decibel(agreement.sqnrDb, locale)}`,
    `${words.result.cosine}: ${format.decimal(agreement.cosine, 5, locale)}`,
    words.result.samplesOf(format.whole(agreement.samples, locale)),
  ]
  return `<p>${facts
    .filter(fact => fact !== null)
    .map(escaped)
    .join(' · ')}</p>`
}

const { low, high } = sqnrRange
/** Whole decibels within the scale: as many colours as there are rules for. */
const step = (db: number): number => Math.round(Math.min(high, Math.max(low, db)))
const colours = Array.from({ length: high - low + 1 }, (_, k) => {
  const colour = sqnrColour(low + k)
  return `.db${low + k}{background:${css(colour)};color:${css(inkOn(colour))}}`
}).join('')

/** Worst first, each figure on its colour. */
function layersTable({ layers }: BundleReport, { words, locale, say }: Language): string {
  if (layers.length === 0) return ''
  const ratio = (db: number | null): Cell => {
    if (db === null) return format.missing
    return html(`<span class="db db${step(db)}">${escaped(format.decibel(db, locale))}</span>`)
  }
  const worst = [...layers].sort((a, b) => (a.cumulativeSqnrDb ?? Infinity) - (b.cumulativeSqnrDb ?? Infinity))
  const result = words.result
  return table(
    [
      result.node,
      result.operator,
      result.bits,
      result.soFar,
      result.local,
      result.weight,
      result.activation,
      result.scheme,
    ],
    worst.map(row => [
      row.node,
      row.op,
      `${row.weightBits ?? '–'}/${row.activationBits ?? '–'}`,
      ratio(row.cumulativeSqnrDb),
      ratio(row.sqnrDb),
      ratio(row.weightSqnrDb),
      ratio(row.activationSqnrDb),
      say(row.scheme),
    ]),
    k => k >= 2 && k <= 6,
  )
}

function stepLine(step: Step, language: Language): string {
  const { do: id, ...options } = step
  return `<li><b>${escaped(language.step(id))}</b> <code>${escaped(JSON.stringify(options))}</code></li>`
}

function triedTable({ project, variant }: ReportPage, { words, locale }: Language): string {
  const rows = comparable(project.variants, words.variants.original)
  return table(
    [words.variants.variant, words.bytes, words.accuracy, words.chart.sqnr, words.chart.latency],
    rows.map(({ name, variant: id, side, agreement }) => [
      id === variant.id ? html(`<b>${escaped(name)}</b>`) : name,
      format.bytes(side.bytes, locale),
      side.accuracy ? format.percent(side.accuracy.value, 2, locale) : format.missing,
      format.decibel(agreement?.sqnrDb ?? null, locale),
      side.latencyMs ? format.milliseconds(side.latencyMs.median, locale) : format.missing,
    ]),
    k => k > 0,
  )
}

function bundleSection(page: ReportPage, bundle: BundleReport, language: Language): string {
  const { words, locale, say } = language
  const named = [bundle.target, bundle.form].filter(Boolean).join(' ')
  const against = bundle.after.accuracy?.against
  return [
    section(
      page.report.bundles.length > 1 ? `${words.result.title}: ${named}` : words.result.title,
      figuresTable(page.report, bundle, language),
      against
        ? `<p>${escaped(words.result.difference(format.signed(against.difference, 2, locale), format.signed(against.interval95.low, 2, locale), format.signed(against.interval95.high, 2, locale)))}${escaped(say(against.words))}</p>`
        : '',
      agreementLine(bundle, language),
    ),
    section(words.result.layers, layersTable(bundle, language)),
    section(
      words.result.floatLeft(bundle.floatLeft.length),
      bundle.floatLeft.length > 0
        ? table(
            [words.result.node, words.result.operator, words.result.why],
            bundle.floatLeft.map(({ node, op, why }) => [node, op, say(why)]),
            () => false,
          )
        : '',
    ),
    section(
      `${words.export.title}: ${named}`,
      table(
        [words.export.file, words.bytes, words.export.hash],
        bundle.files.map(({ path, bytes, sha256 }) => [
          path,
          format.bytes(bytes, locale),
          html(`<code>${sha256}</code>`),
        ]),
        k => k === 1,
      ),
    ),
  ].join('')
}

const style = `
:root{color-scheme:light}
body{margin:0 auto;max-width:1000px;padding:32px 24px;background:#fff;color:#1a1c1e;font:13px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","PingFang SC","Microsoft YaHei","Noto Sans CJK SC",sans-serif;font-variant-numeric:tabular-nums}
:lang(zh-CN){line-height:1.7}
h1{margin:0;font-size:20px}h2{margin:0 0 8px;font-size:15px}
section{margin-top:28px;break-inside:avoid-page}
.soft{color:#575c61}
table{width:100%;border-collapse:collapse;margin:0 0 8px}
th,td{padding:4px 12px 4px 0;border-bottom:1px solid #dcdcd6;text-align:left;vertical-align:baseline;overflow-wrap:anywhere}
thead th{color:#575c61;font-size:12px;font-weight:500}tbody th{font-weight:500}
.figure{text-align:right;white-space:nowrap}
tr{break-inside:avoid}
code{font:12px ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.db{display:inline-block;min-width:64px;padding:0 6px;border-radius:3px;-webkit-print-color-adjust:exact;print-color-adjust:exact}
ul,ol{margin:0;padding-left:20px}
@media print{body{max-width:none;padding:0}}
@page{margin:16mm}`

/** The whole document. Equal results give equal bytes: it has no date in it. */
export function reportPage(page: ReportPage, language: Language): string {
  const { project, variant, report } = page
  const { words, locale, say } = language
  const title = `${project.name}: ${variant.name}`
  const facts = [
    report.model.name,
    report.model.format,
    format.bytes(report.model.bytes, locale),
    `${format.count(report.model.parameters, locale)} ${words.parameters}`,
    `${format.count(report.model.macs, locale)} ${words.macs}`,
  ]
  const data = (['calibration', 'evaluation'] as const).flatMap(role => {
    const set = project[role]
    return set ? [`${words.data[role]}: ${set.name}, ${words.data.samples(format.whole(set.size, locale))}`] : []
  })
  const odd = [
    ...report.data.suspicious.map(({ sample, what }) => `${sample}: ${say(what)}`),
    ...report.data.skipped.map(({ sample, why }) => `${sample}: ${say(why)}`),
  ]
  const notes = [...(report.estimated ? [report.estimated] : []), ...report.notes].map(say)
  return `<!doctype html>
<html lang="${locale === 'zh' ? 'zh-CN' : 'en'}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)} · Thimble</title>
<style>${style}
${colours}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
<p class="soft">${facts.map(escaped).join(' · ')}</p>
${report.bundles.map(bundle => bundleSection(page, bundle, language)).join('\n')}
${section(words.result.notes, list(notes))}
${section(words.result.data, list(data), list(odd))}
${project.variants.length > 1 ? section(words.variants.list, triedTable(page, language)) : ''}
${section(words.recipe.title, `<ol>${report.steps.map(step => stepLine(step, language)).join('')}</ol>`, `<p>${escaped(words.recipe.seed)}: ${report.seed} · ${escaped(words.data.input)}: <code>${escaped(JSON.stringify(project.input))}</code></p>`)}
</body>
</html>
`
}
