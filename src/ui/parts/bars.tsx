// Amounts as bars from zero, each with its value beside it; what was not measured is hatched.
import { createUniqueId, For, Show } from 'solid-js'
import { createWidth } from './axes.tsx'
import { linear } from './scale.ts'
import './bars.css'

export interface Bar {
  name: string
  value: number
  /** Where the whisker ends. */
  high?: number
  estimate?: boolean
  accent?: boolean
  words: string
}

// Chinese letters are as wide as they are high.
const widthOf = (words: string): number => [...words].reduce((sum, letter) => sum + (letter > '\u2e80' ? 12 : 7), 0)

const rowHeight = 28
const top = 4
const bottom = 40

export function Bars(props: { label: string; name: string; bars: readonly Bar[]; show: (value: number) => string }) {
  const hatch = createUniqueId()
  const [width, fit] = createWidth()
  const left = () => Math.min(220, 0.36 * width())
  const most = () => Math.max(1e-9, ...props.bars.map(({ value, high }) => Math.max(value, high ?? value)))
  // Room for the words beside the longest bar, as wide as they are about.
  const room = () => Math.max(...props.bars.map(({ words }) => widthOf(words))) + 12
  const scale = () => linear(0, most(), [left(), Math.max(left() + 40, width() - room())], 'across')
  const height = () => top + props.bars.length * rowHeight + bottom
  const foot = () => height() - bottom
  const short = (name: string) => {
    const most = Math.floor(left() / 6.8)
    return name.length <= most ? name : `${name.slice(0, most - 1)}…`
  }
  return (
    <svg
      ref={fit}
      class="bar-chart"
      viewBox={`0 0 ${width()} ${height()}`}
      height={height()}
      role="img"
      aria-label={`${props.label}: ${props.bars.map(({ name, words }) => `${name} ${words}`).join('; ')}`}
    >
      <defs>
        <pattern id={hatch} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <line class="hatch" x1="0" x2="0" y1="0" y2="6" />
        </pattern>
      </defs>
      <For each={scale().ticks}>
        {tick => (
          <>
            <line class="grid" x1={scale().at(tick)} x2={scale().at(tick)} y1={top} y2={foot()} />
            <text class="tick" x={scale().at(tick)} y={foot() + 16} text-anchor="middle">
              {props.show(tick)}
            </text>
          </>
        )}
      </For>
      <text class="tick name" x={scale().at(most())} y={height() - 6} text-anchor="end">
        {props.name} →
      </text>
      <For each={props.bars}>
        {(bar, k) => {
          const y = () => top + k() * rowHeight
          const end = () => scale().at(Math.max(bar.value, bar.high ?? bar.value))
          return (
            <g classList={{ bar: true, accent: bar.accent, estimate: bar.estimate }}>
              <text x="0" y={y() + 18}>
                {short(bar.name)}
                <title>{bar.name}</title>
              </text>
              <rect
                x={scale().at(0)}
                y={y() + 6}
                width={Math.max(1, scale().at(bar.value) - scale().at(0))}
                height={rowHeight - 12}
                fill={bar.estimate ? `url(#${hatch})` : undefined}
              />
              <Show when={bar.high !== undefined && bar.high > bar.value}>
                <path
                  class="whisker"
                  d={`M${scale().at(bar.value)} ${y() + rowHeight / 2}H${scale().at(bar.high!)}m0 -4v8`}
                />
              </Show>
              <text class="value" x={end() + 8} y={y() + 18}>
                {bar.words}
              </text>
            </g>
          )
        }}
      </For>
    </svg>
  )
}
