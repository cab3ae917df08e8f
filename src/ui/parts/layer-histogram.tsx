// A histogram on axes of its own: bars, round ticks, counts linear or logarithmic; what lies beyond a range is tinted, and the range's ends
// are handles that pointer, finger and keys move.
import { createSignal, For, Index, type JSX, onCleanup, Show } from 'solid-js'
import type { Range } from '../../ir/quant.ts'
import type { Bins } from '../../jobs/bins.ts'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { roundTicks, tickText } from './ticks.ts'

export type Counting = 'linear' | 'log'
export type End = 'min' | 'max'

export interface Handles {
  range: Range
  /** What the codes reach: beyond it is tinted. */
  reach: Range
  ends: readonly End[]
  disabled: boolean
  /** Moved, but not let go. */
  onMove(end: End, value: number): void
  onDone(): void
  /** Back to where it was taken up. */
  onCancel(): void
}

const height = 148
const margin = { left: 40, right: 12, top: 18, bottom: 22 }
// Of the span, beyond the bars on each side: a range may be wider than what was seen.
const room = 0.08

export function LayerHistogram(props: { label: string; bins: Bins; counting: Counting; handles?: Handles }) {
  // Drawn as wide as there is room, so that letters keep their size.
  const [width, setWidth] = createSignal(300)
  const [over, setOver] = createSignal<number | null>(null)
  const fit = (svg: SVGSVGElement) => {
    const watch = new ResizeObserver(([entry]) => entry.contentRect.width > 0 && setWidth(entry.contentRect.width))
    watch.observe(svg)
    onCleanup(() => watch.disconnect())
  }
  const ends = () => {
    const { low, high } = props.bins
    const span = high > low ? high - low : 1
    const extra = (end: End) => (props.handles?.ends.includes(end) ? room * span : 0)
    return { low: low - extra('min'), high: low + span + extra('max') }
  }
  const right = () => width() - margin.right
  const bottom = height - margin.bottom
  const x = (value: number) =>
    margin.left + ((value - ends().low) / (ends().high - ends().low)) * (right() - margin.left)
  const valueAt = (px: number) =>
    ends().low + ((px - margin.left) / (right() - margin.left)) * (ends().high - ends().low)
  const scaled = (count: number) => (props.counting === 'log' ? Math.log10(1 + count) : count)
  const largest = () => props.bins.counts.reduce((most, count) => Math.max(most, count), 1)
  const y = (count: number) => bottom - (scaled(count) / scaled(largest())) * (bottom - margin.top)
  const binWidth = () => (props.bins.high - props.bins.low) / props.bins.counts.length
  const bars = () => {
    let path = ''
    for (const [k, count] of props.bins.counts.entries()) {
      if (count === 0) continue
      const from = x(props.bins.low + k * binWidth())
      path += `M${from.toFixed(1)} ${bottom}V${Math.min(bottom - 1, y(count)).toFixed(1)}h${Math.max(1, x(props.bins.low + (k + 1) * binWidth()) - from - 0.5).toFixed(1)}V${bottom}z`
    }
    return path
  }
  const countTicks = () => {
    if (props.counting === 'linear') return roundTicks(0, largest(), 3).filter(Number.isInteger)
    const every = largest() >= 10_000 ? 100 : largest() >= 30 ? 10 : 3
    return [0, 1, 2, 3, 4, 5].map(k => every ** k).filter(tick => tick <= largest())
  }
  const said = () => {
    const k = over()
    if (k === null) return null
    const low = props.bins.low + k * binWidth()
    const real = (value: number) => format.real(value, locale())
    return t().layer.bin(real(low), real(low + binWidth()), format.whole(props.bins.counts[k], locale()))
  }
  const look = (event: PointerEvent & { currentTarget: SVGSVGElement }) => {
    const at = valueAt(event.clientX - event.currentTarget.getBoundingClientRect().left)
    const k = Math.floor((at - props.bins.low) / binWidth())
    setOver(k >= 0 && k < props.bins.counts.length ? k : null)
  }
  return (
    <figure class="layer-chart">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be a drawing */}
      <svg
        ref={fit}
        viewBox={`0 0 ${width()} ${height}`}
        height={height}
        role="group"
        aria-label={props.label}
        onPointerMove={look}
        onPointerLeave={() => setOver(null)}
      >
        <For each={countTicks()}>
          {tick => (
            <g>
              <line class="grid" x1={margin.left} x2={right()} y1={y(tick)} y2={y(tick)} />
              <text class="tick" x={margin.left - 6} y={y(tick) + 4} text-anchor="end">
                {format.count(tick, locale())}
              </text>
            </g>
          )}
        </For>
        <For each={roundTicks(props.bins.low, props.bins.high, Math.max(2, Math.floor(width() / 60)))}>
          {tick => (
            <g>
              <line class="mark" x1={x(tick)} x2={x(tick)} y1={bottom} y2={bottom + 4} />
              <text class="tick" x={x(tick)} y={height - 4} text-anchor="middle">
                {tickText(tick, locale())}
              </text>
            </g>
          )}
        </For>
        <text class="tick" x={0} y={11}>
          {props.counting === 'log' ? t().layer.logAxis : t().layer.countsAxis}
        </text>
        <path class="bars" d={bars()} />
        <line class="base" x1={margin.left} x2={right()} y1={bottom} y2={bottom} />
        <Show when={said()}>
          {words => (
            <text class="said" x={right()} y={11} text-anchor="end">
              {words()}
            </text>
          )}
        </Show>
        <Show when={props.handles}>
          {handles => (
            <>
              <Beyond from={margin.left} to={x(handles().reach.min)} top={margin.top} bottom={bottom} />
              <Beyond from={x(handles().reach.max)} to={right()} top={margin.top} bottom={bottom} />
              <Index each={handles().ends}>
                {end => (
                  <Handle
                    handles={handles()}
                    end={end()}
                    at={Math.min(right(), Math.max(margin.left, x(handles().range[end()])))}
                    bounds={ends()}
                    valueAt={valueAt}
                  />
                )}
              </Index>
            </>
          )}
        </Show>
      </svg>
    </figure>
  )
}

const Beyond = (props: { from: number; to: number; top: number; bottom: number }): JSX.Element => (
  <Show when={props.to > props.from}>
    <rect
      class="beyond"
      x={props.from}
      y={props.top}
      width={props.to - props.from}
      height={props.bottom - props.top}
      data-testid="beyond"
    />
  </Show>
)

function Handle(props: {
  handles: Handles
  end: End
  at: number
  bounds: { low: number; high: number }
  valueAt: (px: number) => number
}) {
  let origin = 0
  const bottom = height - margin.bottom
  const value = () => props.handles.range[props.end]
  /** The ends keep to their sides of zero, which every range holds. */
  const move = (to: number) =>
    props.handles.onMove(
      props.end,
      props.end === 'min' ? Math.max(props.bounds.low, Math.min(0, to)) : Math.min(props.bounds.high, Math.max(0, to)),
    )
  const step = () => (props.bounds.high - props.bounds.low) / 200
  let moving: ReturnType<typeof setTimeout> | undefined
  const done = () => {
    if (moving === undefined) return
    clearTimeout(moving)
    moving = undefined
    props.handles.onDone()
  }
  const byKeys = (to: number) => {
    clearTimeout(moving)
    // Keys are let go one by one: the range is taken when no other comes.
    moving = setTimeout(done, 700)
    move(to)
  }
  onCleanup(() => clearTimeout(moving))
  const keys = (event: KeyboardEvent) => {
    const by = (event.shiftKey ? 10 : 1) * step()
    const to: Record<string, () => void> = {
      ArrowLeft: () => byKeys(value() - by),
      ArrowDown: () => byKeys(value() - by),
      ArrowRight: () => byKeys(value() + by),
      ArrowUp: () => byKeys(value() + by),
      PageDown: () => byKeys(value() - 10 * step()),
      PageUp: () => byKeys(value() + 10 * step()),
      Home: () => byKeys(props.end === 'min' ? props.bounds.low : 0),
      End: () => byKeys(props.end === 'min' ? 0 : props.bounds.high),
      Enter: done,
      Escape: () => {
        clearTimeout(moving)
        moving = undefined
        props.handles.onCancel()
      },
    }
    const act = to[event.key]
    if (!act || props.handles.disabled) return
    event.preventDefault()
    event.stopPropagation()
    act()
  }
  return (
    <g
      class="handle"
      classList={{ disabled: props.handles.disabled }}
      role="slider"
      tabindex={props.handles.disabled ? undefined : 0}
      data-testid={`handle-${props.end}`}
      aria-label={props.end === 'min' ? t().layer.lower : t().layer.upper}
      aria-disabled={props.handles.disabled}
      aria-valuemin={props.end === 'min' ? props.bounds.low : 0}
      aria-valuemax={props.end === 'min' ? 0 : props.bounds.high}
      aria-valuenow={value()}
      aria-valuetext={format.real(value(), locale())}
      onKeyDown={keys}
      onBlur={done}
      onPointerDown={event => {
        if (props.handles.disabled || event.button !== 0) return
        origin = event.clientX - props.at
        event.currentTarget.setPointerCapture(event.pointerId)
      }}
      onPointerMove={event => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) move(props.valueAt(event.clientX - origin))
      }}
      onPointerUp={event => {
        if (!event.currentTarget.hasPointerCapture(event.pointerId)) return
        event.currentTarget.releasePointerCapture(event.pointerId)
        props.handles.onDone()
      }}
      onPointerCancel={() => props.handles.onCancel()}
    >
      <rect class="grip-room" x={props.at - 16} y={margin.top - 2} width="32" height={bottom - margin.top + 6} />
      <line x1={props.at} x2={props.at} y1={margin.top} y2={bottom} />
      <rect class="grip" x={props.at - 5} y={margin.top - 1} width="10" height="16" rx="3" />
    </g>
  )
}
