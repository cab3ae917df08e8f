// The roofline: what a device allows by how much is computed for each byte, and every layer under it (Williams, Waterman, Patterson, 2009).
import { createMemo, createSignal, For, Show } from 'solid-js'
import type { Speed } from '../../jobs/speed.ts'
import type { Chip } from '../../targets/chips.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { attainable, intensityOf, type Roof, type RoofFormat, roofFormats } from '../state/roofline.ts'
import { useStudio } from '../state/studio.ts'
import { Chart } from './chart.tsx'
import { ChartPanel } from './chart-panel.tsx'
import { type Ends, logarithmic } from './scale.ts'
import { Segmented } from './segmented.tsx'
import type { Column } from './virtual-table.tsx'
import './roofline.css'

interface Point {
  node: string
  op: string
  format: RoofFormat
  intensity: number
  throughput: number
  ms: number
  roof: number
}

const words = () => t().charts.roofline
const perSecond = (value: number) => `${format.count(value, locale())}/s`

export function Roofline(props: { speed: Speed; chip: Chip | undefined; file: string }) {
  const { select, selected } = useStudio()
  const [wanted, setDevice] = createSignal<'here' | 'chip'>('here')
  const [at, setAt] = createSignal<number | null>(null)
  const device = () => (props.chip ? wanted() : 'here')
  const estimated = () => device() === 'chip'
  const roofs = createMemo((): { format: RoofFormat; roof: Roof }[] => {
    const { macsPerSecond, bytesPerSecond } = estimated() ? props.chip! : props.speed.machine
    return roofFormats.flatMap(name => {
      const peak = (macsPerSecond as Chip['macsPerSecond'])[name]
      return peak === undefined ? [] : [{ format: name, roof: { macsPerSecond: peak, bytesPerSecond } }]
    })
  })
  const points = createMemo((): Point[] =>
    props.speed.layers.flatMap(({ node, op, macs, moved, ms }) =>
      roofs().flatMap(({ format: name, roof: limits }) => {
        if (macs === 0) return []
        const intensity = intensityOf({ macs, moved }, name)
        const roof = attainable(limits, intensity)
        const measured = estimated() ? null : name === 'float16' ? null : ms[name]
        if (!estimated() && measured === null) return []
        const throughput = measured === null ? roof : (1000 * macs) / measured
        return [{ node, op, format: name, intensity, throughput, roof, ms: measured ?? (1000 * macs) / roof }]
      }),
    ),
  )
  const ends = createMemo(() => {
    const xs = points().map(({ intensity }) => intensity)
    const ys = [...points().map(({ throughput }) => throughput), ...roofs().map(({ roof }) => roof.macsPerSecond)]
    // The corner of the lowest roof is to be seen.
    const corners = roofs().flatMap(({ roof: { macsPerSecond, bytesPerSecond } }) =>
      bytesPerSecond === null ? [] : [macsPerSecond / bytesPerSecond],
    )
    return {
      x: [Math.min(...xs, ...corners) / 2, Math.max(...xs, ...corners) * 3] as const,
      y: [Math.min(...ys) / 2, Math.max(...ys) * 2] as const,
    }
  })
  const readings = createMemo(() =>
    points().map(point => ({
      x: point.intensity,
      y: point.throughput,
      lines: [
        point.node,
        `${point.op} · ${point.format} · ${format.milliseconds(point.ms, locale())}`,
        perSecond(point.throughput),
        estimated() ? words().onRoof : words().of(format.percent((100 * point.throughput) / point.roof, 0, locale())),
      ],
    })),
  )
  const columns = (): Column<Point>[] => [
    {
      id: 'node',
      title: t().charts.node,
      width: 170,
      key: row => row.node,
      cell: row => <span class="mono">{row.node}</span>,
    },
    { id: 'op', title: t().charts.operator, width: 76, key: row => row.op, cell: row => row.op },
    { id: 'format', title: t().charts.latency.format, width: 80, key: row => row.format, cell: row => row.format },
    {
      id: 'macsPerByte',
      title: words().intensity,
      width: 110,
      key: row => row.intensity,
      cell: row => format.decimal(row.intensity, 2, locale()),
      figure: true,
    },
    {
      id: 'macsPerSecond',
      title: words().throughput,
      width: 110,
      key: row => row.throughput,
      cell: row => perSecond(row.throughput),
      figure: true,
    },
    {
      id: 'ms',
      title: words().ms,
      width: 90,
      key: row => row.ms,
      cell: row => format.milliseconds(row.ms, locale()),
      figure: true,
    },
    {
      id: 'shareOfRoof',
      title: words().share,
      width: 80,
      key: row => row.throughput / row.roof,
      cell: row => format.percent((100 * row.throughput) / row.roof, 0, locale()),
      figure: true,
    },
  ]
  return (
    <ChartPanel
      title={words().title}
      about={words().about}
      label={words().title}
      testid="roofline"
      nested
      columns={columns()}
      rows={points()}
      file={`${props.file}-roofline`}
      selected={row => row.node === selected()}
      onSelect={row => select(row.node)}
      controls={
        <Show when={props.chip}>
          {chip => (
            <Segmented
              label={words().device}
              value={device()}
              choices={[
                { value: 'here' as const, label: t().charts.latency.here },
                { value: 'chip' as const, label: `${chip().label} (${t().charts.latency.estimate})` },
              ]}
              onChange={setDevice}
            />
          )}
        </Show>
      }
    >
      <Chart
        label={words().title}
        height={320}
        left={72}
        right={64}
        x={(across: Ends) => ({
          name: words().intensity,
          scale: logarithmic(...ends().x, across, 'across'),
          show: value => format.count(value, locale()),
        })}
        y={(upwards: Ends) => ({
          name: words().throughput,
          scale: logarithmic(...ends().y, upwards, 'upwards'),
          show: perSecond,
        })}
        readings={readings()}
        at={at()}
        onRead={setAt}
        onChoose={k => select(points()[k].node)}
      >
        {plot => (
          <>
            <For each={roofs()}>
              {({ format: name, roof }) => {
                const [low, high] = ends().x
                const corner = () =>
                  roof.bytesPerSecond === null
                    ? low
                    : Math.min(high, Math.max(low, roof.macsPerSecond / roof.bytesPerSecond))
                const place = (intensity: number) =>
                  `${plot().x.scale.at(intensity)} ${Math.min(plot().bottom, plot().y.scale.at(attainable(roof, intensity)))}`
                // Where the slope comes in at the foot.
                const from = () =>
                  roof.bytesPerSecond === null
                    ? low
                    : Math.max(low, Math.min(corner(), ends().y[0] / roof.bytesPerSecond))
                return (
                  <g classList={{ roof: true, [name]: true, estimate: estimated() }}>
                    <path d={`M${place(from())}L${place(corner())}L${place(high)}`} />
                    <text x={plot().right + 6} y={plot().y.scale.at(roof.macsPerSecond) + 4}>
                      {name}
                    </text>
                  </g>
                )
              }}
            </For>
            <For each={points()}>
              {point => (
                <circle
                  classList={{
                    layer: true,
                    [point.format]: true,
                    estimate: estimated(),
                    chosen: point.node === selected(),
                  }}
                  cx={plot().x.scale.at(point.intensity)}
                  cy={plot().y.scale.at(point.throughput)}
                  r="4"
                />
              )}
            </For>
          </>
        )}
      </Chart>
      <p class="soft small">{words().legend}</p>
    </ChartPanel>
  )
}
