// What a run takes: measured here, and estimated for a chip by what is published of it; and each layer under the roofs of both.
import { createMemo, createResource, createSignal, For, Show, Suspense } from 'solid-js'
import type { BothCosts, ModelId, ProjectView } from '../../../workers/api.ts'
import type { Side } from '../../jobs/report.ts'
import type { Speed } from '../../jobs/speed.ts'
import type { Chip } from '../../targets/chips.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { createJob } from '../state/job.ts'
import { leastMs, roofFormats } from '../state/roofline.ts'
import { useStudio } from '../state/studio.ts'
import { type Bar, Bars } from './bars.tsx'
import { ChartPanel } from './chart-panel.tsx'
import { JobControl } from './job-control.tsx'
import { Roofline } from './roofline.tsx'
import type { Column } from './virtual-table.tsx'

const words = () => t().charts.latency
const ms = (value: number) => format.milliseconds(value, locale())

interface Row {
  device: string
  side: string
  kind: string
  ms: number
  p90: number | null
  accent: boolean
}

function Latencies(props: {
  before: Side
  after: Side
  costs: BothCosts | null
  chip: Chip | undefined
  file: string
}) {
  const rows = createMemo((): Row[] => {
    const measured = (
      [
        [t().before, props.before, false],
        [t().after, props.after, true],
      ] as const
    ).flatMap(([side, { latencyMs }, accent]) =>
      latencyMs
        ? [
            {
              device: words().here,
              side,
              kind: words().measured,
              ms: latencyMs.median,
              p90: latencyMs.p90 as number | null,
              accent,
            },
          ]
        : [],
    )
    const { chip } = props
    const nodes = (props.costs?.after ?? props.costs?.before)?.nodes
    const estimated =
      chip && nodes
        ? roofFormats.flatMap(name => {
            const least = leastMs(nodes, chip, name)
            if (least === null) return []
            return [{ device: chip.label, side: name, kind: words().estimate, ms: least, p90: null, accent: false }]
          })
        : []
    return [...measured, ...estimated]
  })
  const bars = () =>
    rows().map(
      (row): Bar => ({
        name: `${row.side} · ${row.device}`,
        value: row.ms,
        high: row.p90 ?? undefined,
        estimate: row.kind === words().estimate,
        accent: row.accent,
        words: row.p90 === null ? `${words().estimate} ${ms(row.ms)}` : words().value(ms(row.ms), ms(row.p90)),
      }),
    )
  const columns = (): Column<Row>[] => [
    { id: 'device', title: words().device, width: 190, key: row => row.device, cell: row => row.device },
    { id: 'of', title: words().format, width: 110, key: row => row.side, cell: row => row.side },
    { id: 'kind', title: words().kind, width: 110, key: row => row.kind, cell: row => row.kind },
    { id: 'ms', title: t().chart.latency, width: 110, key: row => row.ms, cell: row => ms(row.ms), figure: true },
    {
      id: 'p90Ms',
      title: words().p90,
      width: 130,
      key: row => row.p90,
      cell: row => (row.p90 === null ? format.missing : ms(row.p90)),
      figure: true,
    },
  ]
  return (
    <ChartPanel
      title={words().title}
      about={words().about}
      label={words().title}
      testid="latency"
      nested
      columns={columns()}
      rows={rows()}
      file={`${props.file}-latency`}
    >
      <Bars label={words().title} name={words().ms} bars={bars()} show={ms} />
      <Show when={props.chip}>
        {chip => (
          <p class="soft small">
            {chip().bytesPerSecond === null ? words().leastWork(chip().label) : words().least(chip().label)}{' '}
            {/* Text that can be copied: a link would ask something of a network. */}
            {words().sources}: <span class="source">{chip().sources.join(' ')}</span>
          </p>
        )}
      </Show>
    </ChartPanel>
  )
}

export function LatencyPanel(props: {
  project: ProjectView
  model: NonNullable<ModelId>
  target: string
  before: Side
  after: Side
}) {
  const { api, catalogue, project } = useStudio()
  const [chosen, setChosen] = createSignal<string | null>(null)
  const chips = () => catalogue()?.chips ?? []
  const chip = () =>
    chips().find(({ id }) => id === chosen()) ??
    chips().find(({ targets }) => targets.includes(props.target)) ??
    chips()[0]
  const [costs] = createResource(
    () => JSON.stringify([props.project.id, props.model]),
    async key => {
      const [id, model] = JSON.parse(key) as [string, ModelId]
      const result = await api.costs(id, model)
      if (result.ok) return result.value
      project.setError(result.error)
      return null
    },
  )
  const job = createJob<Speed>(
    (door, id, variant) => door.speed(id, variant),
    (door, id, device, onProgress) => door.measureSpeed(id, device, onProgress),
  )
  const missing = () =>
    job.missing() === 'run'
      ? t().charts.roofline.needsRun
      : job.missing() === 'samples'
        ? t().charts.roofline.needsSamples
        : null
  return (
    <section class="section" data-testid="speed" aria-busy={job.busy()}>
      <div class="row apart">
        <h2>{t().charts.speed}</h2>
        <label class="row">
          <span class="soft">{words().chip}</span>
          <select data-testid="chip" value={chip()?.id} onChange={event => setChosen(event.currentTarget.value)}>
            <For each={chips()}>
              {known => (
                <option value={known.id} selected={known.id === chip()?.id}>
                  {known.label}
                </option>
              )}
            </For>
          </select>
        </label>
      </div>
      <Suspense>
        <div class="two-charts">
          <Latencies
            before={props.before}
            after={props.after}
            costs={costs.latest ?? null}
            chip={chip()}
            file={props.project.name}
          />
          <section class="section">
            <Show when={job.found.latest} fallback={<h3>{t().charts.roofline.title}</h3>}>
              {speed => <Roofline speed={speed()} chip={chip()} file={props.project.name} />}
            </Show>
            <div class="row apart">
              <p class="soft">{missing() ?? t().charts.roofline.ask}</p>
              <JobControl
                job={job}
                action={job.found.latest ? t().charts.roofline.again : t().charts.roofline.measure}
                doing={t().charts.roofline.measuring}
                testid="measure-speed"
              />
            </div>
          </section>
        </div>
      </Suspense>
    </section>
  )
}
