// Two sides beside each other with the change: accuracy first, then what it costs.
import { For, type JSX, Show } from 'solid-js'
import type { Accuracy, Agreement, Side } from '../../jobs/report.ts'
import * as format from '../format.ts'
import { inWords, locale, t } from '../i18n/index.ts'
import { sameAnswers, shownFigure } from '../state/same-answers.ts'
import { Term } from './term.tsx'

interface Row {
  name: JSX.Element
  before: string
  after: string
  change: string
  worse?: boolean
  testid?: string
}

const percentOf = (value: number | null | undefined): string =>
  value === null || value === undefined ? format.missing : format.percent(value, 2, locale())

function accuracyRows(before: Accuracy, after: Accuracy): Row[] {
  const points = (was: number | null, is: number | null) =>
    was === null || is === null ? format.missing : format.signed(is - was, 2, locale())
  const row = (name: string, testid: string | undefined, was: number | null, is: number | null): Row => ({
    name,
    before: percentOf(was),
    after: percentOf(is),
    change: points(was, is),
    testid,
  })
  if (before.top1 === null && after.top1 === null)
    return [
      row(inWords(after.metric), 'report-metric', before.value, after.value),
      ...(before.detail && after.detail
        ? [row(inWords(after.detail.metric), 'report-detail', before.detail.value, after.detail.value)]
        : []),
    ]
  return [
    row(t().result.top1, 'report-top1', before.top1, after.top1),
    ...(after.top5 === null ? [] : [row(t().result.top5, 'report-top5', before.top5, after.top5)]),
  ]
}

function costRows(before: Side, after: Side): Row[] {
  const amount = (name: JSX.Element, was: number, is: number, show: (value: number) => string): Row => ({
    name,
    before: show(was),
    after: show(is),
    change: format.change(was, is, locale()),
    worse: is > was * 1.02,
  })
  const bytes = (value: number) => format.bytes(value, locale())
  const count = (value: number) => format.count(value, locale())
  const time = (value: number) => format.milliseconds(value, locale())
  const rows = [
    amount(t().bytes, before.bytes, after.bytes, bytes),
    amount(t().parameters, before.parameters, after.parameters, count),
    amount(<Term of="macs">{t().macs}</Term>, before.macs, after.macs, count),
    amount(<Term of="peak">{t().result.peak}</Term>, before.peakActivationBytes, after.peakActivationBytes, bytes),
  ]
  if (before.latencyMs && after.latencyMs)
    rows.push(
      amount(t().result.latency, before.latencyMs.median, after.latencyMs.median, time),
      amount(t().result.latencyP90, before.latencyMs.p90, after.latencyMs.p90, time),
    )
  return rows
}

/** How each agrees with the original; the original itself has nothing to say there. */
function agreementRows(before: Agreement | null, after: Agreement | null): Row[] {
  const row = (
    name: JSX.Element,
    of: (agreement: Agreement) => number | null,
    show: (value: number | null) => string,
    digits: number,
  ): Row => {
    const [was, is] = [before && of(before), after && of(after)]
    const change = was === null || is === null ? format.missing : format.signed(is - was, digits, locale())
    return { name, before: show(was), after: show(is), change }
  }
  const [was, is] = [before, after].map(side => (side ? sameAnswers(side)[0] : undefined))
  const known = is ?? was
  return [
    row(
      <Term of="agreement">{known?.name ?? t().tasks.sameAnswers}</Term>,
      side => sameAnswers(side)[0]?.value ?? null,
      value => (value === null || !known ? format.missing : shownFigure({ value, unit: known.unit }, 2)),
      known?.unit === '' ? 5 : 2,
    ),
    row(
      <Term of="sqnr">{t().compare.sqnrToOriginal}</Term>,
      ({ sqnrDb }) => sqnrDb,
      db => format.decibel(db, locale()),
      1,
    ),
  ]
}

export function CompareTable(props: {
  before: Side
  after: Side
  /** What the sides are called; before and after where nothing is said. */
  names?: readonly [string, string]
  agreement?: readonly [Agreement | null, Agreement | null]
}) {
  const rows = () => [
    ...(props.before.accuracy && props.after.accuracy ? accuracyRows(props.before.accuracy, props.after.accuracy) : []),
    ...(props.agreement ? agreementRows(...props.agreement) : []),
    ...costRows(props.before, props.after),
  ]
  return (
    <div class="scroll-x">
      <table class="table compare">
        <thead>
          <tr>
            <th scope="col">
              <span class="unseen">{t().result.title}</span>
            </th>
            <th scope="col" class="figure">
              {props.names?.[0] ?? t().before}
            </th>
            <th scope="col" class="figure">
              {props.names?.[1] ?? t().after}
            </th>
            <th scope="col" class="figure">
              {t().change}
            </th>
          </tr>
        </thead>
        <tbody>
          <For each={rows()}>
            {row => (
              <tr>
                <th scope="row">{row.name}</th>
                <td class="figure" data-testid={row.testid && `${row.testid}-before`}>
                  {row.before}
                </td>
                <td class="figure" data-testid={row.testid && `${row.testid}-after`}>
                  <b>{row.after}</b>
                </td>
                <td class="figure" classList={{ warn: row.worse, soft: !row.worse }}>
                  {row.change}
                </td>
              </tr>
            )}
          </For>
        </tbody>
      </table>
      <Show when={props.after.latencyMs}>{latency => <p class="soft small">{t().result.runs(latency().runs)}</p>}</Show>
    </div>
  )
}

export function AgreementFacts(props: { agreement: Agreement }) {
  return (
    <dl class="facts agreement" data-testid="agreement">
      <For each={sameAnswers(props.agreement)}>
        {(figure, k) => (
          <>
            <dt>
              <Show when={k() === 0} fallback={figure.name}>
                <Term of="agreement">{figure.name}</Term>
              </Show>
            </dt>
            <dd>{shownFigure(figure, 2)}</dd>
          </>
        )}
      </For>
      <dt>
        <Term of="sqnr">{t().result.sqnr}</Term>
      </dt>
      <dd>{format.decibel(props.agreement.sqnrDb, locale())}</dd>
      <dt>{t().result.cosine}</dt>
      <dd>{format.decimal(props.agreement.cosine, 5, locale())}</dd>
      <dt>{t().data.title}</dt>
      <dd>{t().result.samplesOf(format.whole(props.agreement.samples, locale()))}</dd>
    </dl>
  )
}
