// Activations that live at each node, before and after, with those named that make the peak or the node that is read.
import { createMemo, createResource, createSignal, For, Show, Suspense } from 'solid-js'
import type { BothCosts, ModelId, ProjectView } from '../../../workers/api.ts'
import type { Costs } from '../../jobs/costs.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { liveAt } from '../state/memory.ts'
import { useStudio } from '../state/studio.ts'
import { Chart } from './chart.tsx'
import { ChartPanel } from './chart-panel.tsx'
import { type Ends, linear } from './scale.ts'
import type { Column } from './virtual-table.tsx'
import './memory-panel.css'

const mostNamed = 6

function Side(props: { name: string; costs: Costs; most: number; accent: boolean }) {
  const { select } = useStudio()
  const [at, setAt] = createSignal<number | null>(null)
  const words = () => t().charts.memory
  const nodes = () => props.costs.nodes
  const shown = () => Math.min(at() ?? props.costs.peak, nodes().length - 1)
  const bytes = (value: number) => format.bytes(value, locale())
  const alive = createMemo(() => liveAt(props.costs, shown()))
  const x = (ends: Ends) => ({
    name: words().step,
    scale: linear(1, Math.max(2, nodes().length), ends, 'across'),
    show: (value: number) => (Number.isInteger(value) ? format.whole(value, locale()) : ''),
  })
  const y = (ends: Ends) => ({
    name: `${props.name}: ${words().bytes}`,
    scale: linear(0, props.most * 1.1, ends, 'upwards'),
    show: bytes,
  })
  const readings = createMemo(() =>
    nodes().map(({ node, op, live }, k) => ({
      x: k + 1,
      y: live,
      lines: [`${k + 1} ${node}`, `${op} · ${bytes(live)}`],
    })),
  )
  return (
    <div class="memory-side" classList={{ accent: props.accent }}>
      <Chart
        label={words().label(props.name)}
        height={190}
        x={x}
        y={y}
        readings={readings()}
        at={at()}
        onRead={setAt}
        onChoose={k => select(nodes()[k].node)}
        inOrder
      >
        {plot => {
          const half = () => (plot().x.scale.at(2) - plot().x.scale.at(1)) / 2
          const top = () =>
            nodes()
              .map(({ live }, k) => {
                const middle = plot().x.scale.at(k + 1)
                const from = Math.max(plot().left, middle - half())
                const to = Math.min(plot().right, middle + half())
                return `${k === 0 ? 'M' : 'L'}${from} ${plot().y.scale.at(live)}H${to}`
              })
              .join('')
          const peak = () => readings()[props.costs.peak]
          const middle = () => plot().x.scale.at(peak().x)
          const end = () => middle() > (plot().left + plot().right) / 2
          return (
            <>
              <path class="area" d={`${top()}V${plot().bottom}H${plot().left}Z`} />
              <path class="edge" d={top()} />
              <Show when={at() === null && peak()}>
                <circle class="peak" cx={middle()} cy={plot().y.scale.at(peak().y)} r="4" />
                <text
                  class="direct"
                  x={middle() + (end() ? -8 : 8)}
                  y={plot().y.scale.at(peak().y) - 6}
                  text-anchor={end() ? 'end' : 'start'}
                >
                  {words().peak(bytes(peak().y))}
                </text>
              </Show>
            </>
          )
        }}
      </Chart>
      <div class="alive" data-testid="alive">
        <h3>{words().during(nodes()[shown()]?.node ?? '', bytes(nodes()[shown()]?.live ?? 0))}</h3>
        <ul aria-label={words().tensors}>
          <For each={alive().slice(0, mostNamed)}>
            {value => (
              <li>
                <span class="length" aria-hidden="true">
                  <span style={{ width: `${(100 * value.bytes) / Math.max(1, alive()[0].bytes)}%` }} />
                </span>
                <span class="figure">{bytes(value.bytes)}</span>
                <span class="mono" title={value.value}>
                  {value.value}
                </span>
              </li>
            )}
          </For>
          <Show when={alive().length > mostNamed}>
            <li class="soft">{words().more(alive().length - mostNamed)}</li>
          </Show>
        </ul>
      </div>
    </div>
  )
}

interface Row {
  side: string
  position: number
  node: string
  op: string
  live: number
  largest: string
}

function Both(props: { costs: BothCosts; file: string }) {
  const { select, selected } = useStudio()
  const words = () => t().charts.memory
  const sides = () => [
    { name: t().before, costs: props.costs.before, accent: false },
    ...(props.costs.after ? [{ name: t().after, costs: props.costs.after, accent: true }] : []),
  ]
  const most = () => Math.max(1, ...sides().map(({ costs }) => costs.nodes[costs.peak]?.live ?? 0))
  const unknown = () => Math.max(...sides().map(({ costs }) => costs.unknown))
  const rows = createMemo(() =>
    sides().flatMap(({ name, costs }) =>
      costs.nodes.map(
        ({ node, op, live }, k): Row => ({
          side: name,
          position: k + 1,
          node,
          op,
          live,
          largest: liveAt(costs, k)[0]?.value ?? '',
        }),
      ),
    ),
  )
  const columns = (): Column<Row>[] => [
    {
      id: 'node',
      title: t().charts.node,
      width: 180,
      key: row => row.node,
      cell: row => <span class="mono">{row.node}</span>,
    },
    { id: 'side', title: words().side, width: 76, key: row => row.side, cell: row => row.side },
    {
      id: 'position',
      title: words().position,
      width: 80,
      key: row => row.position,
      cell: row => format.whole(row.position, locale()),
      figure: true,
    },
    { id: 'op', title: t().charts.operator, width: 150, key: row => row.op, cell: row => row.op },
    {
      id: 'liveBytes',
      title: words().alive,
      width: 100,
      key: row => row.live,
      cell: row => format.bytes(row.live, locale()),
      figure: true,
    },
    {
      id: 'largest',
      title: words().largest,
      width: 200,
      key: row => row.largest,
      cell: row => <span class="mono">{row.largest}</span>,
    },
  ]
  return (
    <ChartPanel
      title={words().title}
      about={words().about}
      label={words().title}
      testid="memory"
      columns={columns()}
      rows={rows()}
      file={`${props.file}-memory`}
      selected={row => row.node === selected()}
      onSelect={row => select(row.node)}
    >
      <div class="memory-sides">
        <For each={sides()}>{side => <Side {...side} most={most()} />}</For>
      </div>
      <Show when={unknown() > 0}>
        <p class="soft small">{words().open(unknown())}</p>
      </Show>
    </ChartPanel>
  )
}

/** Of the model as it came, or of a bundle beside it. */
export function MemoryPanel(props: { project: ProjectView; model: ModelId }) {
  const { api, project, run } = useStudio()
  const [costs] = createResource(
    () => {
      const cuts = props.model ? null : props.project.recipe.steps.filter(step => step.do === 'cut')
      return run.running() ? null : JSON.stringify([props.project.id, props.model, cuts])
    },
    async key => {
      const [id, model] = JSON.parse(key) as [string, ModelId]
      const result = await api.costs(id, model)
      if (result.ok) return result.value
      project.setError(result.error)
      return null
    },
  )
  return (
    <Suspense>
      <Show
        when={costs.latest}
        fallback={
          <Show when={props.model && costs.state === 'ready'}>{<p class="soft">{t().charts.memory.none}</p>}</Show>
        }
      >
        {both => <Both costs={both()} file={props.project.name} />}
      </Show>
    </Suspense>
  )
}
