// The graph as a picture that can be panned, zoomed, clicked and walked through by keys; the drawing itself is in draw.ts.
import { createEffect, createMemo, createSignal, onCleanup, onMount } from 'solid-js'
import { decibel } from '../format.ts'
import { locale, t } from '../i18n/index.ts'
import type { Drawing } from '../state/graphs.ts'
import { theme } from '../state/settings.ts'
import { useStudio } from '../state/studio.ts'
import { type Camera, fit, opening, pan, reveal, type Size, zoomAt } from './camera.ts'
import { draw, nodeAt, type Palette, sqnrOf } from './draw.ts'
import { type Direction, neighbour } from './keys.ts'
import { keyOf, layersByNode, nodeHeight } from './scene.ts'

const arrows: Record<string, Direction> = { ArrowUp: 'up', ArrowDown: 'down', ArrowLeft: 'left', ArrowRight: 'right' }

function readPalette(element: Element): Palette {
  const style = getComputedStyle(element)
  const token = (name: string) => style.getPropertyValue(name).trim()
  return {
    paper: token('--paper'),
    raised: token('--raised'),
    ink: token('--ink'),
    soft: token('--soft'),
    line: token('--line'),
    strong: token('--line-strong'),
    accent: token('--accent'),
    bad: token('--bad'),
    font: style.fontFamily,
  }
}

export interface GraphControls {
  fit(): void
  zoom(factor: number): void
  show(node: number): void
}

export function GraphCanvas(props: {
  drawing: Drawing
  found: readonly number[]
  controls: (controls: GraphControls) => void
}) {
  const studio = useStudio()
  let canvas!: HTMLCanvasElement
  const [size, setSize] = createSignal<Size>({ width: 0, height: 0 })
  const [camera, setCamera] = createSignal<Camera | null>(null)
  const [hovered, setHovered] = createSignal(-1)
  const [palette, setPalette] = createSignal<Palette | null>(null)
  const layers = createMemo(() => layersByNode(props.drawing.scene, studio.layers()))
  const selected = createMemo(() => props.drawing.scene.index.get(studio.selected() ?? '') ?? -1)
  const found = createMemo(() => new Set(props.found))
  const marked = createMemo(() => {
    const name = studio.dumps.dump()?.firstDifference
    return name ? props.drawing.scene.nodes.findIndex(item => item.node?.outputs.includes(name)) : -1
  })
  const dark = matchMedia('(prefers-color-scheme: dark)')

  const choose = (node: number) => studio.select(node < 0 ? null : keyOf(props.drawing.scene.nodes[node]))
  const box = (node: number) => {
    const { layout, scene } = props.drawing
    const width = scene.widths[node]
    return { x: layout.x[node] - width / 2, y: layout.y[node], width, height: nodeHeight }
  }
  const show = (node: number) =>
    setCamera(now => {
      if (!now || node < 0) return now
      const near = now.zoom < 0.4 ? zoomAt(now, 0.7 / now.zoom, size().width / 2, size().height / 2) : now
      return reveal(near, box(node), size())
    })
  const move = (change: (camera: Camera) => Camera) => setCamera(now => now && change(now))
  const zoomMiddle = (factor: number) => move(now => zoomAt(now, factor, size().width / 2, size().height / 2))

  onMount(() => {
    const repaint = () => setPalette(readPalette(canvas))
    const watch = new ResizeObserver(([entry]) => {
      const { width, height } = entry.contentRect
      const before = size().width
      // What was in the middle stays there when the frame grows narrower or wider.
      if (before > 0 && width > 0) move(view => pan(view, (width - before) / 2, 0))
      setSize({ width, height })
      repaint() // colours are known of what is in the page, which it may not have been before
    })
    watch.observe(canvas)
    dark.addEventListener('change', repaint)
    onCleanup(() => {
      watch.disconnect()
      dark.removeEventListener('change', repaint)
    })
    props.controls({ fit: () => setCamera(fit(props.drawing.layout, size())), zoom: zoomMiddle, show })
  })
  createEffect(() => {
    theme()
    setPalette(readPalette(canvas))
  })

  // The camera starts anew for another drawing, and once the canvas has a size.
  let shown: Drawing | null = null
  createEffect(() => {
    if (size().width === 0 || shown === props.drawing) return
    shown = props.drawing
    setCamera(opening(props.drawing.layout, size(), props.drawing.layout.x[0]))
    if (selected() >= 0) show(selected())
  })
  createEffect(() => {
    if (selected() >= 0 && size().width > 0) show(selected())
  })

  let frame = 0
  createEffect(() => {
    const view = camera()
    const colours = palette()
    const { width, height } = size()
    const picture = {
      scene: props.drawing.scene,
      layout: props.drawing.layout,
      layers: layers(),
      figure: (layer: Parameters<typeof sqnrOf>[0]) => decibel(sqnrOf(layer), locale()),
      selected: selected(),
      hovered: hovered(),
      found: found(),
      marked: marked(),
    }
    cancelAnimationFrame(frame)
    if (!view || !colours || width === 0) return
    frame = requestAnimationFrame(() => {
      const ratio = devicePixelRatio
      if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio)
      if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio)
      draw(canvas.getContext('2d')!, picture, colours, view, { width, height }, ratio)
    })
  })
  onCleanup(() => cancelAnimationFrame(frame))

  const pointers = new Map<number, { x: number; y: number }>()
  let travelled = 0
  const at = (event: MouseEvent) => {
    const view = camera()
    if (!view) return -1
    const { layout, scene } = props.drawing
    return nodeAt(scene, layout, view.x + event.offsetX / view.zoom, view.y + event.offsetY / view.zoom)
  }
  const pointerMove = (event: PointerEvent) => {
    const before = pointers.get(event.pointerId)
    if (!before) {
      setHovered(at(event))
      return
    }
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1]
    const now = { x: event.offsetX, y: event.offsetY }
    if (other) {
      const gap = (point: { x: number; y: number }) => Math.hypot(point.x - other.x, point.y - other.y)
      if (gap(before) > 0) move(view => zoomAt(view, gap(now) / gap(before), other.x, other.y))
    } else move(view => pan(view, now.x - before.x, now.y - before.y))
    travelled += Math.hypot(now.x - before.x, now.y - before.y)
    pointers.set(event.pointerId, now)
  }
  const pointerDown = (event: PointerEvent) => {
    canvas.setPointerCapture(event.pointerId)
    if (pointers.size === 0) travelled = 0
    pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY })
  }
  const pointerUp = (event: PointerEvent) => {
    if (pointers.delete(event.pointerId) && travelled < 5 && event.type === 'pointerup') choose(at(event))
  }
  const wheel = (event: WheelEvent) => {
    event.preventDefault()
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1
    // A pinch arrives as a wheel with Ctrl; exp2 makes equal turns equal factors.
    if (event.ctrlKey || event.metaKey)
      move(view => zoomAt(view, 2 ** (-event.deltaY * lines * 0.005), event.offsetX, event.offsetY))
    else move(view => pan(view, -event.deltaX * lines, -event.deltaY * lines))
  }
  onMount(() => canvas.addEventListener('wheel', wheel, { passive: false }))

  const key = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const arrow = arrows[event.key]
    if (arrow) choose(neighbour(props.drawing.scene, props.drawing.layout, selected(), arrow))
    else if (event.key === '+' || event.key === '=') zoomMiddle(1.25)
    else if (event.key === '-') zoomMiddle(0.8)
    else if (event.key === 'f' || event.key === 'F') setCamera(fit(props.drawing.layout, size()))
    else if (event.key === 'Escape') choose(-1)
    else if (event.key === 'Home') choose(0)
    else if (event.key === 'End') choose(props.drawing.scene.nodes.length - 1)
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  const spoken = () => {
    const node = props.drawing.scene.nodes[selected()]
    const figure = decibel(sqnrOf(layers().get(selected())), locale())
    return node ? `${t().graph.selected(node.name, node.op)}, ${figure}` : ''
  }

  return (
    <>
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: the graph has keys of its own, and a table beside it */}
      <canvas
        ref={canvas}
        class="graph-canvas"
        classList={{ 'over-node': hovered() >= 0 }}
        tabindex="0"
        role="application"
        aria-label={`${t().graph.label}. ${t().graph.help}`}
        onPointerMove={pointerMove}
        onPointerDown={pointerDown}
        onPointerUp={pointerUp}
        onPointerCancel={pointerUp}
        onPointerLeave={() => setHovered(-1)}
        onKeyDown={key}
      />
      <p class="unseen" aria-live="polite">
        {spoken()}
      </p>
    </>
  )
}
