// What a run of each result takes here.
import { createMemo, Show } from 'solid-js'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import type { Compared } from '../state/sides.ts'
import { useStudio } from '../state/studio.ts'
import { Bars } from './bars.tsx'
import { ChartPanel } from './chart-panel.tsx'
import type { Column } from './virtual-table.tsx'

export function CompareLatency(props: { compared: readonly Compared[]; file: string }) {
  const { variants } = useStudio()
  const words = () => t().charts.latency
  const ms = (value: number) => format.milliseconds(value, locale())
  const rows = createMemo(() =>
    props.compared.flatMap(({ name, variant, side }) => (side.latencyMs ? [{ name, variant, ...side.latencyMs }] : [])),
  )
  const columns = (): Column<ReturnType<typeof rows>[number]>[] => [
    { id: 'name', title: t().variants.variant, width: 200, key: row => row.name, cell: row => row.name },
    {
      id: 'medianMs',
      title: t().chart.latency,
      width: 110,
      key: row => row.median,
      cell: row => ms(row.median),
      figure: true,
    },
    { id: 'p90Ms', title: words().p90, width: 130, key: row => row.p90, cell: row => ms(row.p90), figure: true },
    {
      id: 'runs',
      title: words().runs,
      width: 90,
      key: row => row.runs,
      cell: row => format.whole(row.runs, locale()),
      figure: true,
    },
  ]
  return (
    <Show when={rows().length > 0}>
      <ChartPanel
        title={words().variants}
        about={words().variantsAbout}
        label={words().variants}
        testid="latencies"
        columns={columns()}
        rows={rows()}
        file={`${props.file}-latencies`}
      >
        <Bars
          label={words().variants}
          name={words().ms}
          bars={rows().map(({ name, variant, median, p90 }) => ({
            name,
            value: median,
            high: p90,
            accent: variant !== null && variant === variants.shown(),
            words: words().value(ms(median), ms(p90)),
          }))}
          show={ms}
        />
      </ChartPanel>
    </Show>
  )
}
