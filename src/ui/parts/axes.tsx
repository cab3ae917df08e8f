// The frame that charts are drawn in: as wide as there is room, a grid at round figures, the name of each axis with its unit.
import { createSignal, For, onCleanup } from 'solid-js'
import type { Scale } from './scale.ts'
import './axes.css'

export interface Axis {
  name: string
  scale: Scale
  show(value: number): string
}

export interface Plot {
  width: number
  height: number
  left: number
  right: number
  top: number
  bottom: number
  x: Axis
  y: Axis
}

/** The width of a drawing in pixels, so that letters keep their size whatever the screen. */
export function createWidth(): [() => number, (svg: SVGSVGElement) => void] {
  const [width, setWidth] = createSignal(640)
  const fit = (svg: SVGSVGElement) => {
    const watch = new ResizeObserver(([entry]) => entry.contentRect.width > 0 && setWidth(entry.contentRect.width))
    watch.observe(svg)
    onCleanup(() => watch.disconnect())
  }
  return [width, fit]
}

export function Axes(props: { plot: Plot }) {
  const plot = () => props.plot
  return (
    <g class="axes">
      <For each={plot().x.scale.ticks}>
        {tick => (
          <g>
            <line x1={plot().x.scale.at(tick)} x2={plot().x.scale.at(tick)} y1={plot().top} y2={plot().bottom} />
            <text x={plot().x.scale.at(tick)} y={plot().bottom + 16} text-anchor="middle">
              {plot().x.show(tick)}
            </text>
          </g>
        )}
      </For>
      <For each={plot().y.scale.ticks}>
        {tick => (
          <g>
            <line x1={plot().left} x2={plot().right} y1={plot().y.scale.at(tick)} y2={plot().y.scale.at(tick)} />
            <text x={plot().left - 8} y={plot().y.scale.at(tick) + 4} text-anchor="end">
              {plot().y.show(tick)}
            </text>
          </g>
        )}
      </For>
      <text class="name" x={plot().right} y={plot().height - 6} text-anchor="end">
        {plot().x.name} →
      </text>
      <text class="name" x={0} y={12}>
        ↑ {plot().y.name}
      </text>
    </g>
  )
}
