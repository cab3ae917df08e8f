// The report in a terminal: what changed, how good it is, what to look at.
import pc from 'picocolors'
import type { Accuracy, Agreement, Report } from '../jobs/report.ts'
import { kilobytes, table } from './output.ts'

const percent = (a: Accuracy | null): string => (a ? `${a.value.toFixed(2)} %` : '-')
const change = (from: number, to: number): string =>
  from > 0 ? `${to >= from ? '+' : ''}${(((to - from) / from) * 100).toFixed(1)} %` : '-'

export function reportText(report: Report, out: string): string {
  const { before, after } = report
  const lines: string[] = report.estimated === null ? [] : [pc.bold(report.estimated), '']
  lines.push(
    `${pc.bold(report.model.name)}  ${kilobytes(before.bytes)}, ${report.model.parameters.toLocaleString('en')} parameters, ${report.model.macs.toLocaleString('en')} MACs`,
  )
  if (report.optimized)
    lines.push(`graph: ${report.optimized.nodesBefore} nodes, ${report.optimized.nodesAfter} after optimisation`)
  if (report.pruned) lines.push('', ...prunedText(report.pruned))
  if (report.factorized) lines.push('', ...factorizedText(report.factorized))
  if (report.trained.length > 0) lines.push('', ...trainedText(report.trained))
  if (after) {
    const rows = [['size', kilobytes(before.bytes), kilobytes(after.bytes), change(before.bytes, after.bytes)]]
    if (before.accuracy && after.accuracy)
      rows.push([
        after.accuracy.metric,
        percent(before.accuracy),
        percent(after.accuracy),
        `${after.accuracy.against?.difference.toFixed(2) ?? '-'} points`,
      ])
    if (before.latencyMs && after.latencyMs)
      rows.push([
        'latency, median',
        `${before.latencyMs.median.toFixed(2)} ms`,
        `${after.latencyMs.median.toFixed(2)} ms`,
        change(before.latencyMs.median, after.latencyMs.median),
      ])
    rows.push([
      'peak activations',
      kilobytes(before.peakActivationBytes),
      kilobytes(after.peakActivationBytes),
      change(before.peakActivationBytes, after.peakActivationBytes),
    ])
    lines.push('', table(['', 'before', 'after', 'change'], rows))
  }
  const a = report.agreement
  if (a) lines.push('', `outputs against the original over ${a.samples} samples: ${agreementText(a)}`)
  if (after?.accuracy?.against) lines.push(after.accuracy.against.words)
  const worst = [...report.layers]
    .filter(l => l.sqnrDb !== null)
    .sort((x, y) => x.sqnrDb! - y.sqnrDb!)
    .slice(0, 5)
  if (worst.length > 0) {
    const db = (x: number | null): string => (x === null ? '-' : x.toFixed(1))
    lines.push(
      '',
      'worst layers (dB)',
      table(
        ['layer', 'op', 'alone', 'so far', 'weights', 'input'],
        worst.map(l => [
          l.node,
          l.op,
          db(l.sqnrDb),
          db(l.cumulativeSqnrDb),
          db(l.weightSqnrDb),
          db(l.activationSqnrDb),
        ]),
      ),
    )
  }
  if (report.floatLeft.length > 0) {
    lines.push('', `left in float: ${report.floatLeft.length} nodes`)
    for (const { node, op, why } of report.floatLeft.slice(0, 12)) lines.push(`  ${node} (${op}): ${why}`)
    if (report.floatLeft.length > 12) lines.push(`  and ${report.floatLeft.length - 12} more: see report.json`)
  }
  for (const note of report.notes) lines.push('', note)
  // One bundle's figures are those above.
  if (report.bundles.length > 1)
    lines.push(
      '',
      table(
        ['bundle', 'size', report.before.accuracy?.metric ?? 'accuracy', 'agreement', 'in few bits', 'in float'],
        report.bundles.map(b => [
          `${b.target}${b.form ? ` (${b.form})` : ''}`,
          kilobytes(b.after.bytes),
          percent(b.after.accuracy),
          b.agreement ? `${b.agreement.sqnrDb.toFixed(1)} dB` : '-',
          String(b.operators.lowBit),
          String(b.operators.float),
        ]),
      ),
    )
  lines.push('', ...report.bundles.map(b => `${b.target}${b.form ? ` (${b.form})` : ''}: ${out}/${b.dir}`))
  return `${lines.join('\n')}\n`
}

/** How close the outputs are, and how far the answers are the same as the task has it. */
export function agreementText({ sqnrDb, cosine, answers }: Agreement): string {
  const same = answers
    ? [answers, ...answers.details].map(({ metric, value, unit }) =>
        unit === '%' ? `${metric} ${value.toFixed(2)} %` : `${metric} ${value.toFixed(5)}`,
      )
    : []
  return [`${sqnrDb.toFixed(1)} dB`, `cosine ${cosine.toFixed(5)}`, ...same].join(', ')
}

const sizes = { macs: 'MACs', parameters: 'parameters', bytes: 'bytes' }

function prunedText({ of, before, after, groups, skipped }: NonNullable<Report['pruned']>): string[] {
  const number = (x: number): string => x.toLocaleString('en')
  const lines = [`pruned: ${number(before)} to ${number(after)} ${sizes[of]} (${change(before, after)})`]
  const fewer = groups.filter(g => g.after < g.before)
  const lost = (loss: number | null): string => (loss === null ? '-' : `${(100 * loss).toFixed(2)} %`)
  lines.push(
    table(
      ['channels of', 'before', 'after', 'importance gone', 'error alone'],
      fewer.map(g => [g.layer, `${g.before}`, `${g.after}`, `${(100 * g.importance).toFixed(1)} %`, lost(g.loss)]),
    ),
  )
  for (const { layer, why } of skipped.slice(0, 12)) lines.push(`  ${layer} keeps its channels: ${why}`)
  if (skipped.length > 12) lines.push(`  and ${skipped.length - 12} more: see report.json`)
  return lines
}

function factorizedText({ of, method, before, after, layers }: NonNullable<Report['factorized']>): string[] {
  const number = (x: number): string => x.toLocaleString('en')
  const factored = layers.flatMap(({ layer, ranks }) => (ranks ? [[layer, ranks.join(', ')]] : []))
  return [
    `factorised (${method}): ${number(before)} to ${number(after)} ${sizes[of]} (${change(before, after)})`,
    table(['layer', 'rank'], factored),
  ]
}

function trainedText(trained: Report['trained']): string[] {
  const loss = (x: number): string => x.toPrecision(4)
  return [
    'trained (loss on the samples held out)',
    table(
      ['step', 'samples', 'steps', 'before', 'best', 'at step'],
      trained.map(({ by, samples, taken, held, best }) => [
        by,
        `${samples}`,
        `${taken}`,
        loss(held[0].loss),
        loss(best.loss),
        `${best.step}`,
      ]),
    ),
  ]
}
