// Points of two figures, one to be small and one to be large, with the front of those that nothing else beats in both. Every
// point can be hovered, focused and chosen; what it says stands beside it then, and always in the table that goes with it.
import { createMemo, createSignal, For, Show } from 'solid-js'
import { type Measured, paretoFront } from '../state/pareto.ts'
import { Axes, createWidth, type Plot } from './axes.tsx'
import { linear } from './scale.ts'
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
  const [width, fit] = createWidth()
  const front = createMemo(() => paretoFront(props.points))
  const ends = createMemo(() => {
    const ys = props.points.flatMap(({ y, low, high }) => [y, low ?? y, high ?? y])
    const [low, high] = [Math.min(...ys), Math.max(...ys)]
    // Points and decibels alike are written with one digit: ends that are nearer would be written the same.
    const room = Math.max((high - low) * 0.12, 0.5)
    return { right: Math.max(...props.points.map(({ x }) => x)) * 1.06, low: low - room, high: high + room }
  })
  const plot = createMemo((): Plot => {
    const edges = {
      left: margin.left,
      right: width() - margin.right,
      top: margin.top,
      bottom: height - margin.bottom,
    }
    const { right, low, high } = ends()
    return {
      width: width(),
      height,
      ...edges,
      x: { name: props.xName, scale: linear(0, right, [edges.left, edges.right], 'across'), show: props.showX },
      y: { name: props.yName, scale: linear(low, high, [edges.bottom, edges.top], 'upwards'), show: props.showY },
    }
  })
  const x = (value: number) => plot().x.scale.at(value)
  const y = (value: number) => plot().y.scale.at(value)
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
      <Axes plot={plot()} />
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
