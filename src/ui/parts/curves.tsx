// Many lines in one drawing, of which the few that matter most are named at their ends; any is read point by point, and stands out then.
import { createMemo, createSignal, For } from 'solid-js'
import type { Axis } from './axes.tsx'
import { Chart } from './chart.tsx'
import type { Ends } from './scale.ts'
import './curves.css'

export interface Curve {
  id: string
  points: readonly { x: number; y: number; lines: readonly string[] }[]
}

/** So many are named and told apart by stroke. */
export const mostNamed = 4
const lineHeight = 15

export function Curves(props: {
  label: string
  /** Those that matter most first. */
  curves: readonly Curve[]
  x: (ends: Ends) => Axis
  y: (ends: Ends) => Axis
  selected: string | null
  onChoose: (id: string) => void
}) {
  const [at, setAt] = createSignal<number | null>(null)
  const readings = createMemo(() => props.curves.flatMap(({ id, points }) => points.map(point => ({ id, ...point }))))
  const read = () => (at() === null ? null : (readings()[at()!]?.id ?? null))
  /** The chosen one is named wherever it stands. */
  const named = () => props.curves.filter((curve, k) => k < mostNamed || curve.id === props.selected)
  return (
    <Chart
      label={props.label}
      height={320}
      right={180}
      x={props.x}
      y={props.y}
      readings={readings()}
      at={at()}
      onRead={setAt}
      onChoose={k => props.onChoose(readings()[k].id)}
    >
      {plot => {
        const place = (curve: Curve) =>
          curve.points.map(({ x, y }) => [plot().x.scale.at(x), plot().y.scale.at(y)] as const)
        // From top to bottom, each at least a line below the one before.
        const names = createMemo(() => {
          const ends = named().map(curve => ({
            id: curve.id,
            k: Math.min(props.curves.indexOf(curve), mostNamed),
            y: place(curve).at(-1)![1],
          }))
          ends.sort((a, b) => a.y - b.y)
          let last = Number.NEGATIVE_INFINITY
          const down = ends.map(end => ({ ...end, y: (last = Math.max(end.y, last + lineHeight)) }))
          const over = Math.max(0, last - plot().bottom)
          return down.map(end => ({ ...end, y: end.y - over }))
        })
        return (
          <>
            <For each={[...props.curves].reverse()}>
              {curve => {
                const rank = () => props.curves.indexOf(curve)
                return (
                  <path
                    class={`curve rank-${Math.min(rank(), mostNamed)}`}
                    classList={{ out: curve.id === read() || curve.id === props.selected }}
                    d={place(curve)
                      .map(([x, y], k) => `${k === 0 ? 'M' : 'L'}${x} ${y}`)
                      .join('')}
                  />
                )
              }}
            </For>
            <For each={names()}>
              {({ id, k, y }) => (
                <g class={`curve-name rank-${k}`}>
                  <line x1={plot().right + 6} x2={plot().right + 22} y1={y} y2={y} />
                  <text x={plot().right + 27} y={y + 4}>
                    {short(id, Math.floor((plot().width - plot().right - 30) / 7.4))}
                  </text>
                </g>
              )}
            </For>
          </>
        )
      }}
    </Chart>
  )
}

/** The end of a name says more than its beginning. */
const short = (name: string, most: number): string => (name.length <= most ? name : `…${name.slice(1 - most)}`)
