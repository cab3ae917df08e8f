// The whole graph in a corner, each axis stretched on its own, for networks are tall; its window is dragged to move the camera.
import { createEffect, Show } from 'solid-js'
import type { Drawing } from '../state/graphs.ts'
import type { Camera, Size } from './camera.ts'
import type { Palette } from './draw.ts'
import type { Face } from './faces.ts'
import { nodeHeight } from './scene.ts'

const width = 64 // px, as graph.css has it: a style that is known beforehand would stand in the markup, which the policy stops
const tallest = 260
/** Smaller graphs are seen whole anyway. */
const itemsFrom = 40

export function Minimap(props: {
  drawing: Drawing
  faces: readonly Face[]
  selected: number
  palette: Palette
  camera: Camera
  size: Size
  onMove: (camera: Camera) => void
}) {
  let canvas!: HTMLCanvasElement
  const layout = () => props.drawing.layout
  const height = () => Math.min(tallest, props.size.height - 64)
  const across = () => width / Math.max(1, layout().width)
  const down = () => height() / Math.max(1, layout().height)
  const wanted = () => props.drawing.shown.items.length >= itemsFrom && height() > 80

  createEffect(() => {
    if (!wanted() || !canvas) return
    const ratio = devicePixelRatio
    canvas.width = Math.round(width * ratio)
    canvas.height = Math.round(height() * ratio)
    const ctx = canvas.getContext('2d')!
    ctx.scale(ratio, ratio)
    const { x, y } = layout()
    const { widths } = props.drawing.shown
    const high = Math.max(1, nodeHeight * down())
    const put = (k: number, fill: string, more: number) => {
      const wide = Math.max(3, widths[k] * across())
      ctx.fillStyle = fill
      ctx.fillRect(x[k] * across() - wide / 2 - more, y[k] * down() - more, wide + 2 * more, high + 2 * more)
    }
    for (let k = 0; k < x.length; k++) put(k, props.faces[k].fill ?? props.palette.strong, 0)
    if (props.selected >= 0) put(props.selected, props.palette.accent, 2)
  })

  const window = () => {
    const { x, y, zoom } = props.camera
    const clamp = (value: number, high: number) => Math.min(high, Math.max(0, value))
    const [left, top] = [clamp(x * across(), width - 4), clamp(y * down(), height() - 4)]
    const right = clamp((x + props.size.width / zoom) * across(), width)
    const bottom = clamp((y + props.size.height / zoom) * down(), height())
    return {
      transform: `translate(${left}px, ${top}px)`,
      width: `${Math.max(4, right - left)}px`,
      height: `${Math.max(4, bottom - top)}px`,
    }
  }
  /** The middle of the screen goes where the pointer is. */
  const go = (event: PointerEvent) => {
    if (event.type === 'pointerdown') (event.currentTarget as Element).setPointerCapture(event.pointerId)
    else if (event.buttons === 0) return
    const { zoom } = props.camera
    const { width: wide, height: high } = props.size
    const inView = wide / zoom >= layout().width
    const box = (event.currentTarget as Element).getBoundingClientRect()
    props.onMove({
      x: inView ? props.camera.x : (event.clientX - box.left) / across() - wide / zoom / 2,
      y: (event.clientY - box.top) / down() - high / zoom / 2,
      zoom,
    })
  }
  return (
    <Show when={wanted()}>
      <div class="minimap" aria-hidden="true" style={{ height: `${height()}px` }} onPointerDown={go} onPointerMove={go}>
        <canvas ref={canvas} />
        <div class="window" style={window()} />
      </div>
    </Show>
  )
}
