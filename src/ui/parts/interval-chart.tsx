// Two estimates with their 95 % intervals on one axis: whiskers for the interval, a tick for the value, round ticks below.
import { For } from 'solid-js'
import * as format from '../format.ts'
import { locale } from '../i18n/index.ts'
import { roundTicks } from './ticks.ts'

export interface Estimate {
  name: string
  value: number
  low: number
  high: number
}

const width = 320 // the narrowest that there is room for, so that letters are never drawn smaller than they are
const left = 72
const right = 28
const rowHeight = 26

export function IntervalChart(props: { label: string; rows: readonly Estimate[] }) {
  const ends = () => {
    const low = Math.min(...props.rows.map(row => row.low))
    const high = Math.max(...props.rows.map(row => row.high))
    const room = Math.max(0.5, (high - low) * 0.15)
    return { low: Math.max(0, low - room), high: Math.min(100, high + room) }
  }
  const x = (value: number) => left + ((value - ends().low) / (ends().high - ends().low)) * (width - left - right)
  const height = () => props.rows.length * rowHeight + 28
  return (
    <svg class="interval-chart" viewBox={`0 0 ${width} ${height()}`} role="img" aria-label={props.label}>
      <For each={roundTicks(ends().low, ends().high, 5)}>
        {tick => (
          <g>
            <line class="grid" x1={x(tick)} x2={x(tick)} y1="4" y2={height() - 22} />
            <text class="tick" x={x(tick)} y={height() - 7} text-anchor="middle">
              {format.decimal(tick, Number.isInteger(tick) ? 0 : 1, locale())} %
            </text>
          </g>
        )}
      </For>
      <For each={props.rows}>
        {(row, k) => {
          const y = () => k() * rowHeight + rowHeight / 2 + 4
          return (
            <g classList={{ last: k() === props.rows.length - 1 }}>
              <text class="name" x="0" y={y() + 4}>
                {row.name}
              </text>
              <line class="whisker" x1={x(row.low)} x2={x(row.high)} y1={y()} y2={y()} />
              <line class="whisker" x1={x(row.low)} x2={x(row.low)} y1={y() - 4} y2={y() + 4} />
              <line class="whisker" x1={x(row.high)} x2={x(row.high)} y1={y() - 4} y2={y() + 4} />
              <circle class="value" cx={x(row.value)} cy={y()} r="4.5" />
            </g>
          )
        }}
      </For>
    </svg>
  )
}
