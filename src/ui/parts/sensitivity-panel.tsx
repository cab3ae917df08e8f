// How much each layer can bear: the error of the outputs with it alone in each format, and with its channels alone pruned.
import { createMemo, Show, Suspense } from 'solid-js'
import type { ProjectView } from '../../../workers/api.ts'
import type { Report } from '../../jobs/report.ts'
import type { Sensitivities } from '../../jobs/sensitivity.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { createJob } from '../state/job.ts'
import { fromSearch, highest, leastFirst } from '../state/sensitivity.ts'
import { useStudio } from '../state/studio.ts'
import { ChartPanel } from './chart-panel.tsx'
import { type Curve, Curves, mostNamed } from './curves.tsx'
import { JobControl } from './job-control.tsx'
import { type Ends, linear } from './scale.ts'
import { Sqnr } from './sqnr.tsx'
import type { Column } from './virtual-table.tsx'

const words = () => t().charts.sensitivity
const db = (value: number) => format.decibel(value, locale())

function yOf(values: readonly number[]) {
  const low = Math.min(0, ...values)
  const high = Math.min(highest, Math.max(10, ...values))
  return (ends: Ends) => ({
    name: words().sqnr,
    scale: linear(low, high + 0.04 * (high - low), ends, 'upwards'),
    show: (value: number) => `${format.whole(value, locale())}\u00a0dB`,
  })
}

const nodeColumn = <Row extends { node: string }>(): Column<Row> => ({
  id: 'node',
  title: t().charts.node,
  width: 190,
  key: row => row.node,
  cell: row => (
    <span class="mono" title={row.node}>
      {row.node}
    </span>
  ),
})

function Rounding(props: { found: Sensitivities; file: string }) {
  const { select, selected } = useStudio()
  const layers = createMemo(() => leastFirst(props.found.layers, row => row.sqnrDb))
  const curves = createMemo(() =>
    layers().map(
      ({ node, op, sqnrDb }): Curve => ({
        id: node,
        points: sqnrDb.flatMap((y, x) =>
          y === null ? [] : [{ x, y: Math.min(y, highest), lines: [node, `${op} · ${props.found.formats[x]}`, db(y)] }],
        ),
      }),
    ),
  )
  const values = () => layers().flatMap(({ sqnrDb }) => sqnrDb.filter(value => value !== null))
  const columns = (): Column<ReturnType<typeof layers>[number]>[] => [
    nodeColumn(),
    { id: 'op', title: t().charts.operator, width: 80, key: row => row.op, cell: row => row.op },
    {
      id: 'parameters',
      title: words().parameters,
      width: 90,
      key: row => row.parameters,
      cell: row => (row.parameters === null ? format.missing : format.count(row.parameters, locale())),
      figure: true,
    },
    ...props.found.formats.map((name, k) => ({
      id: name,
      title: name,
      width: 92,
      key: (row: { sqnrDb: readonly (number | null)[] }) => row.sqnrDb[k],
      cell: (row: { sqnrDb: readonly (number | null)[] }) => <Sqnr db={row.sqnrDb[k]} />,
      figure: true,
    })),
  ]
  return (
    <ChartPanel
      title={words().rounding}
      about={words().roundingAbout(format.whole(props.found.samples, locale()))}
      label={words().rounding}
      testid="rounding-curves"
      nested
      columns={columns()}
      rows={layers()}
      file={`${props.file}-rounding`}
      selected={row => row.node === selected()}
      onSelect={row => select(row.node)}
    >
      <Curves
        label={words().rounding}
        curves={curves()}
        x={ends => ({
          name: words().format,
          scale: {
            ...linear(0, Math.max(1, props.found.formats.length - 1), ends, 'across'),
            ticks: props.found.formats.map((_, k) => k),
          },
          show: value => props.found.formats[value],
        })}
        y={yOf(values())}
        selected={selected()}
        onChoose={select}
      />
      <Show when={layers().length > mostNamed}>
        <p class="soft small">{words().worst(mostNamed)}</p>
      </Show>
    </ChartPanel>
  )
}

interface Width {
  node: string
  channels: number
  gone: number
  sqnrDb: number
}

function Pruning(props: { found: Sensitivities; file: string }) {
  const { select, selected } = useStudio()
  const groups = createMemo(() =>
    leastFirst(props.found.groups, ({ points }) => points.map(({ sqnrDb }) => sqnrDb)).filter(
      ({ points }) => points.length > 0,
    ),
  )
  const curves = createMemo(() =>
    groups().map(
      ({ layer, channels, points }): Curve => ({
        id: layer,
        points: points.map(({ gone, sqnrDb }) => ({
          x: (100 * gone) / channels,
          y: Math.min(sqnrDb, highest),
          lines: [layer, words().goneCount(gone, channels), db(sqnrDb)],
        })),
      }),
    ),
  )
  const rows = createMemo(() =>
    groups().flatMap(({ layer, channels, points }) =>
      points.map(({ gone, sqnrDb }): Width => ({ node: layer, channels, gone, sqnrDb })),
    ),
  )
  const columns = (): Column<Width>[] => [
    nodeColumn(),
    {
      id: 'channels',
      title: words().channels,
      width: 100,
      key: row => row.channels,
      cell: row => format.whole(row.channels, locale()),
      figure: true,
    },
    {
      id: 'gone',
      title: words().gone,
      width: 120,
      key: row => row.gone,
      cell: row => format.whole(row.gone, locale()),
      figure: true,
    },
    {
      id: 'sqnrDb',
      title: words().sqnr,
      width: 120,
      key: row => row.sqnrDb,
      cell: row => <Sqnr db={row.sqnrDb} />,
      figure: true,
    },
  ]
  return (
    <ChartPanel
      title={words().pruning}
      about={words().pruningAbout(format.whole(props.found.samples, locale()))}
      label={words().pruning}
      testid="pruning-curves"
      nested
      columns={columns()}
      rows={rows()}
      file={`${props.file}-pruning`}
      selected={row => row.node === selected()}
      onSelect={row => select(row.node)}
    >
      <Show when={groups().length > 0} fallback={<p>{words().noGroups}</p>}>
        <Curves
          label={words().pruning}
          curves={curves()}
          x={ends => ({
            name: words().gone,
            scale: linear(0, 100, ends, 'across'),
            show: value => format.percent(value, 0, locale()),
          })}
          y={yOf(rows().map(({ sqnrDb }) => sqnrDb))}
          selected={selected()}
          onChoose={select}
        />
        <Show when={groups().length > mostNamed}>
          <p class="soft small">{words().worst(mostNamed)}</p>
        </Show>
      </Show>
    </ChartPanel>
  )
}

export function SensitivityPanel(props: { project: ProjectView; report: Report }) {
  const job = createJob<Sensitivities>(
    (api, id, variant) => api.sensitivity(id, variant),
    (api, id, device, onProgress) => api.measureSensitivity(id, device, onProgress),
  )
  const missing = () =>
    job.missing() === 'run' ? words().needsRun : job.missing() === 'samples' ? words().needsSamples : null
  const searched = createMemo(() => fromSearch(props.report))
  return (
    <section class="section" data-testid="sensitivity" aria-busy={job.busy()}>
      <div class="row apart">
        <div>
          <h2>{words().title}</h2>
          <p class="soft">{missing() ?? (searched() && !job.found.latest ? words().searched : words().about)}</p>
        </div>
        <JobControl
          job={job}
          action={job.found.latest ? words().again : words().measure}
          doing={words().measuring}
          testid="measure-sensitivity"
        />
      </div>
      <Suspense>
        <Show when={job.found.latest ?? searched()}>
          {found => (
            <div class="two-charts">
              <Rounding found={found()} file={props.project.name} />
              <Show when={job.found.latest}>{all => <Pruning found={all()} file={props.project.name} />}</Show>
            </div>
          )}
        </Show>
      </Suspense>
    </section>
  )
}
