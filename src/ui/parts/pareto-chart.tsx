// Points of two figures, one to be small and one to be large, with the front of those that nothing else beats in both. Every
// point can be hovered, focused and chosen; what it says stands beside it then, and always in the table that goes with it.
import { createMemo, createSignal, For, onCleanup, Show } from 'solid-js'
import { type Measured, paretoFront } from '../state/pareto.ts'
import { roundTicks } from './ticks.ts'
import './pareto-chart.css'

export interface ChartPoint extends Measured {
  id: string
  name: string
  /** Bounds of y that are as likely, where they are known. */
  low?: number
  high?: number
  kind: 'original' | 'variant' | 'shown'
}

const height = 300
const margin = { left: 60, right: 24, top: 24, bottom: 44 }

export function ParetoChart(props: {
  label: string
  xName: string
  yName: string
  points: readonly ChartPoint[]
  showX: (value: number) => string
  showY: (value: number) => string
  onChoose: (id: string) => void
}) {
  const [over, setOver] = createSignal<string | null>(null)
  // Drawn as wide as there is room, so that letters keep their size.
  const [width, setWidth] = createSignal(640)
  const fit = (svg: SVGSVGElement) => {
    const watch = new ResizeObserver(([entry]) => entry.contentRect.width > 0 && setWidth(entry.contentRect.width))
    watch.observe(svg)
    onCleanup(() => watch.disconnect())
  }
  const front = createMemo(() => paretoFront(props.points))
  const ends = createMemo(() => {
    const ys = props.points.flatMap(({ y, low, high }) => [y, low ?? y, high ?? y])
    const [low, high] = [Math.min(...ys), Math.max(...ys)]
    const room = Math.max((high - low) * 0.12, Math.abs(high) * 0.002, 1e-6)
    return { right: Math.max(...props.points.map(({ x }) => x)) * 1.06, low: low - room, high: high + room }
  })
  const x = (value: number) => margin.left + (value / ends().right) * (width() - margin.left - margin.right)
  const y = (value: number) =>
    margin.top + ((ends().high - value) / (ends().high - ends().low)) * (height - margin.top - margin.bottom)
  const steps = () =>
    front()
      .map((point, k) => `${k === 0 ? 'M' : `H${x(point.x)} V`}${k === 0 ? `${x(point.x)} ${y(point.y)}` : y(point.y)}`)
      .join(' ')
  const said = createMemo(() => props.points.find(({ id }) => id === over()))
  // Beside the point, on the side where there is room.
  const aside = () => {
    const point = said()
    return point && x(point.x) > width() / 2
      ? { x: x(point.x) - 10, anchor: 'end' as const }
      : { x: x(point?.x ?? 0) + 10, anchor: 'start' as const }
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be a drawing
    <svg
      class="pareto-chart"
      ref={fit}
      viewBox={`0 0 ${width()} ${height}`}
      height={height}
      role="group"
      aria-label={props.label}
    >
      <For each={roundTicks(0, ends().right, Math.max(2, Math.floor(width() / 110)))}>
        {tick => (
          <g>
            <line class="grid" x1={x(tick)} x2={x(tick)} y1={margin.top} y2={height - margin.bottom} />
            <text class="tick" x={x(tick)} y={height - margin.bottom + 16} text-anchor="middle">
              {props.showX(tick)}
            </text>
          </g>
        )}
      </For>
      <For each={roundTicks(ends().low, ends().high, 5)}>
        {tick => (
          <g>
            <line class="grid" x1={margin.left} x2={width() - margin.right} y1={y(tick)} y2={y(tick)} />
            <text class="tick" x={margin.left - 8} y={y(tick) + 4} text-anchor="end">
              {props.showY(tick)}
            </text>
          </g>
        )}
      </For>
      <text class="axis" x={width() - margin.right} y={height - 6} text-anchor="end">
        {props.xName} →
      </text>
      <text class="axis" x={margin.left} y={12}>
        ↑ {props.yName}
      </text>
      <path class="front" d={steps()} />
      <For each={props.points}>
        {point => (
          // biome-ignore lint/a11y/useSemanticElements: a button cannot stand in a drawing
          <g
            class={`point ${point.kind}`}
            classList={{ best: front().includes(point) }}
            role="button"
            tabindex="0"
            aria-label={`${point.name}: ${props.yName} ${props.showY(point.y)}, ${props.xName} ${props.showX(point.x)}`}
            onPointerEnter={() => setOver(point.id)}
            onPointerLeave={() => setOver(null)}
            onFocus={() => setOver(point.id)}
            onBlur={() => setOver(null)}
            onClick={() => props.onChoose(point.id)}
            onKeyDown={event => {
              if (event.key !== 'Enter' && event.key !== ' ') return
              event.preventDefault()
              event.stopPropagation()
              props.onChoose(point.id)
            }}
          >
            <Show when={point.low !== undefined && point.high !== undefined}>
              <line class="whisker" x1={x(point.x)} x2={x(point.x)} y1={y(point.low!)} y2={y(point.high!)} />
            </Show>
            <circle class="room" cx={x(point.x)} cy={y(point.y)} r="12" />
            <circle class="dot" cx={x(point.x)} cy={y(point.y)} r="5" />
          </g>
        )}
      </For>
      <Show when={said()}>
        {point => (
          <g class="said">
            <text x={aside().x} y={y(point().y) - 10} text-anchor={aside().anchor}>
              <tspan class="name">{point().name}</tspan>
              <tspan x={aside().x} dy="15">
                {props.showY(point().y)} · {props.showX(point().x)}
              </tspan>
            </text>
          </g>
        )}
      </Show>
    </svg>
  )
}
