// A drawing in axes that is read point by point: the pointer takes the nearest, the arrow keys go through all of them, and what is read
// stands beside it in words.
import { createMemo, For, type JSX, Show } from 'solid-js'
import { Axes, type Axis, createWidth, type Plot } from './axes.tsx'
import type { Ends } from './scale.ts'
import './chart.css'

export interface Reading {
  x: number
  y: number
  /** A name, and the exact values. */
  lines: readonly string[]
}

const margin = { right: 20, top: 24, bottom: 42 }

export function Chart(props: {
  label: string
  height: number
  left?: number
  /** Room for names at the right; less where the screen is narrow. */
  right?: number
  x: (ends: Ends) => Axis
  y: (ends: Ends) => Axis
  readings: readonly Reading[]
  /** What is read now; null: nothing. */
  at: number | null
  onRead: (index: number | null) => void
  onChoose?: (index: number) => void
  /** Readings stand one after the other, so that only the place across counts. */
  inOrder?: boolean
  children: (plot: () => Plot) => JSX.Element
}) {
  const [width, fit] = createWidth()
  const plot = createMemo((): Plot => {
    const edges = {
      left: props.left ?? 64,
      right: width() - Math.min(props.right ?? margin.right, Math.max(margin.right, width() * 0.32)),
      top: margin.top,
      bottom: props.height - margin.bottom,
    }
    const x = props.x([edges.left, edges.right])
    const y = props.y([edges.bottom, edges.top])
    return { width: width(), height: props.height, ...edges, x, y }
  })
  const place = ({ x, y }: Reading) => ({ x: plot().x.scale.at(x), y: plot().y.scale.at(y) })
  const nearest = (event: PointerEvent & { currentTarget: Element }): number | null => {
    const box = event.currentTarget.getBoundingClientRect()
    const [px, py] = [event.clientX - box.left, event.clientY - box.top]
    let best: number | null = null
    let least = Number.POSITIVE_INFINITY
    for (const [k, reading] of props.readings.entries()) {
      const at = place(reading)
      const far = (at.x - px) ** 2 + (props.inOrder ? 0 : (at.y - py) ** 2)
      if (far < least) [best, least] = [k, far]
    }
    return best
  }
  const said = () => (props.at === null ? null : (props.readings[props.at] ?? null))
  return (
    <div class="chart">
      <input
        type="range"
        class="unseen"
        aria-label={props.label}
        min="0"
        max={Math.max(0, props.readings.length - 1)}
        value={props.at ?? 0}
        aria-valuetext={said()?.lines.join(', ') ?? ''}
        onInput={event => props.onRead(Number(event.currentTarget.value))}
        onFocus={() => props.onRead(props.at ?? 0)}
        onBlur={() => props.onRead(null)}
        onKeyDown={event => {
          if (event.key !== 'Enter' || props.at === null) return
          event.preventDefault()
          props.onChoose?.(props.at)
        }}
      />
      <svg
        ref={fit}
        viewBox={`0 0 ${width()} ${props.height}`}
        height={props.height}
        aria-hidden="true"
        classList={{ choosable: props.onChoose !== undefined }}
        onPointerMove={event => props.onRead(nearest(event))}
        onPointerLeave={() => props.onRead(null)}
        onClick={() => props.at !== null && props.onChoose?.(props.at)}
      >
        <Axes plot={plot()} />
        {props.children(plot)}
        <Show when={said()}>{reading => <Said reading={reading()} plot={plot()} inOrder={props.inOrder} />}</Show>
      </svg>
    </div>
  )
}

/** Beside the point, on the side and at the height where there is room. */
function Said(props: { reading: Reading; plot: Plot; inOrder?: boolean }) {
  const x = () => props.plot.x.scale.at(props.reading.x)
  const y = () => props.plot.y.scale.at(props.reading.y)
  const leftwards = () => x() > (props.plot.left + props.plot.right) / 2
  const first = () =>
    Math.max(props.plot.top + 12, Math.min(y() - 10, props.plot.bottom - 15 * (props.reading.lines.length - 1) - 6))
  return (
    <g class="said">
      <Show when={props.inOrder}>
        <line class="hair" x1={x()} x2={x()} y1={props.plot.top} y2={props.plot.bottom} />
      </Show>
      <circle class="read" cx={x()} cy={y()} r="5" />
      <text text-anchor={leftwards() ? 'end' : 'start'}>
        <For each={props.reading.lines}>
          {(line, k) => (
            <tspan classList={{ name: k() === 0 }} x={x() + (leftwards() ? -12 : 12)} y={first() + 15 * k()}>
              {line}
            </tspan>
          )}
        </For>
      </text>
    </g>
  )
}
