// The weights of each output channel beside the others': boxes where there is room for them, thin lines where there are many, and lines
// that stand for several channels where there are more than pixels.
import { createMemo, createSignal, For, onCleanup, Show } from 'solid-js'
import * as format from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import { columnsOf, perChannel } from './channel-columns.ts'
import { roundTicks, tickText } from './ticks.ts'

const height = 132
const margin = { left: 40, right: 12, top: 8, bottom: 20 }
export function LayerChannels(props: { channels: Float32Array }) {
  const [width, setWidth] = createSignal(300)
  const [over, setOver] = createSignal<number | null>(null)
  const fit = (svg: SVGSVGElement) => {
    const watch = new ResizeObserver(([entry]) => entry.contentRect.width > 0 && setWidth(entry.contentRect.width))
    watch.observe(svg)
    onCleanup(() => watch.disconnect())
  }
  const count = () => props.channels.length / perChannel
  const inner = () => width() - margin.left - margin.right
  const together = () => Math.max(1, Math.ceil((2 * count()) / inner()))
  const columns = createMemo(() => columnsOf(props.channels, together()))
  const pitch = () => inner() / columns().length
  const boxed = () => pitch() >= 7
  const bottom = height - margin.bottom
  const ends = createMemo(() => {
    let [low, high] = [0, 0]
    for (const value of props.channels) {
      low = Math.min(low, value)
      high = Math.max(high, value)
    }
    return { low, high: high > low ? high : low + 1 }
  })
  const x = (column: number) => margin.left + (column + 0.5) * pitch()
  const y = (value: number) => margin.top + ((ends().high - value) / (ends().high - ends().low)) * (bottom - margin.top)
  const said = () => {
    const at = over()
    if (at === null) return null
    const { first, figures } = columns()[at]
    const last = Math.min(first + together(), count()) - 1
    const name = last > first ? `${first}–${last}` : String(first)
    const [low, q1, mid, q3, high] = figures.map(value => format.real(value, locale()))
    return t().layer.channel(name, low, q1, mid, q3, high)
  }
  return (
    <figure class="layer-chart">
      <svg
        ref={fit}
        viewBox={`0 0 ${width()} ${height}`}
        height={height}
        role="img"
        aria-label={t().layer.channels(format.whole(count(), locale()))}
        onPointerMove={event => {
          const at = Math.floor(
            (event.clientX - event.currentTarget.getBoundingClientRect().left - margin.left) / pitch(),
          )
          setOver(at >= 0 && at < columns().length ? at : null)
        }}
        onPointerLeave={() => setOver(null)}
      >
        <For each={roundTicks(ends().low, ends().high, 3)}>
          {tick => (
            <g>
              <line class="grid" x1={margin.left} x2={width() - margin.right} y1={y(tick)} y2={y(tick)} />
              <text class="tick" x={margin.left - 6} y={y(tick) + 4} text-anchor="end">
                {tickText(tick, locale())}
              </text>
            </g>
          )}
        </For>
        <For each={roundTicks(0, count() - 1, 4).filter(Number.isInteger)}>
          {tick => (
            <text class="tick" x={x(Math.floor(tick / together()))} y={height - 4} text-anchor="middle">
              {tick}
            </text>
          )}
        </For>
        <For each={columns()}>
          {({ figures: [low, q1, mid, q3, high] }, k) => (
            <g class="channel" classList={{ over: over() === k() }}>
              <line class="whole" x1={x(k())} x2={x(k())} y1={y(low)} y2={y(high)} />
              <rect
                class="half"
                x={x(k()) - Math.max(0.8, Math.min(5, 0.32 * pitch()))}
                width={2 * Math.max(0.8, Math.min(5, 0.32 * pitch()))}
                y={y(q3)}
                height={Math.max(1, y(q1) - y(q3))}
              />
              <Show when={boxed()}>
                <line
                  class="middle"
                  x1={x(k()) - Math.min(5, 0.32 * pitch())}
                  x2={x(k()) + Math.min(5, 0.32 * pitch())}
                  y1={y(mid)}
                  y2={y(mid)}
                />
              </Show>
            </g>
          )}
        </For>
      </svg>
      <figcaption class="soft small">
        {said() ??
          [
            `${t().layer.channels(format.whole(count(), locale()))}.`,
            boxed() ? t().layer.boxes : t().layer.bars,
            ...(together() > 1 ? [t().layer.bundled(format.whole(together(), locale()))] : []),
          ].join(' ')}
      </figcaption>
    </figure>
  )
}
