// The graph as a picture that can be panned, zoomed, clicked, folded and walked through by keys; the drawing itself is in draw.ts.
import { createEffect, createMemo, createSignal, onCleanup, onMount, Show } from 'solid-js'
import { locale, t } from '../i18n/index.ts'
import type { Drawing } from '../state/graphs.ts'
import { theme } from '../state/settings.ts'
import { useStudio } from '../state/studio.ts'
import { type Camera, centred, fit, opening, pan, reveal, type Size, zoomAt } from './camera.ts'
import { css } from './colour.ts'
import { type Colours, removedLine } from './colouring.ts'
import { draw, type Palette } from './draw.ts'
import { facesOf } from './faces.ts'
import { watchGestures } from './gestures.ts'
import { GraphPath } from './graph-path.tsx'
import { around } from './groups.ts'
import { frameAt, itemAt, onPlus } from './hit.ts'
import { type Direction, neighbour } from './keys.ts'
import { Minimap } from './minimap.tsx'
import { nodeHeight } from './scene.ts'
import { groupKey, itemOf, keyOfItem, timesOf } from './shown.ts'

const arrows: Record<string, Direction> = { ArrowUp: 'up', ArrowDown: 'down', ArrowLeft: 'left', ArrowRight: 'right' }

function readPalette(element: Element): Palette {
  const style = getComputedStyle(element)
  const token = (name: string) => style.getPropertyValue(name).trim()
  return {
    paper: token('--paper'),
    raised: token('--raised'),
    sunk: token('--sunk'),
    ink: token('--ink'),
    soft: token('--soft'),
    line: token('--line'),
    strong: token('--line-strong'),
    accent: token('--accent'),
    bad: token('--bad'),
    removed: css(removedLine),
    font: style.fontFamily,
  }
}

export interface GraphControls {
  fit(): void
  actual(): void
  zoom(factor: number): void
  toSelection(): void
}

export function GraphCanvas(props: {
  drawing: Drawing
  colours: Colours | null
  found: readonly number[] // nodes of the scene
  controls: (controls: GraphControls) => void
}) {
  const studio = useStudio()
  const { graphs } = studio
  let canvas!: HTMLCanvasElement
  const [size, setSize] = createSignal<Size>({ width: 0, height: 0 })
  const [camera, setCamera] = createSignal<Camera | null>(null)
  const [hovered, setHovered] = createSignal(-1)
  const [hoveredFrame, setHoveredFrame] = createSignal(-1)
  const [palette, setPalette] = createSignal<Palette | null>(null)
  const selected = createMemo(() => {
    const { scene, groups, shown } = props.drawing
    return itemOf(scene, groups, shown, studio.selected())
  })
  const found = createMemo(() => new Set(props.found.map(node => props.drawing.shown.of[node])))
  const marked = createMemo(() => {
    const name = studio.dumps.dump()?.firstDifference
    const node = name ? props.drawing.scene.nodes.findIndex(item => item.node?.outputs.includes(name)) : -1
    return node < 0 ? -1 : props.drawing.shown.of[node]
  })
  const faces = createMemo(() => {
    const { scene, groups, shown } = props.drawing
    const { nodes, change } = t().graph
    return facesOf(scene, groups, shown, props.colours, { nodes, change }, locale())
  })
  const titles = createMemo(() =>
    props.drawing.shown.open.map(group => {
      const { label, times } = props.drawing.groups.list[group]
      return `${label} ${timesOf(times)}`.trim()
    }),
  )
  const dark = matchMedia('(prefers-color-scheme: dark)')

  const choose = (item: number) =>
    studio.select(item < 0 ? null : keyOfItem(props.drawing.scene, props.drawing.shown.items[item]))
  const show = (item: number) =>
    setCamera(now => {
      if (!now || item < 0) return now
      const { layout, shown } = props.drawing
      const width = shown.widths[item]
      const near = now.zoom < 0.4 ? zoomAt(now, 0.7 / now.zoom, size().width / 2, size().height / 2) : now
      const box = { x: layout.x[item] - width / 2, y: layout.y[item], width, height: nodeHeight }
      return reveal(near, box, size())
    })
  const move = (change: (camera: Camera) => Camera) => setCamera(now => now && change(now))
  const zoomMiddle = (factor: number) => move(now => zoomAt(now, factor, size().width / 2, size().height / 2))
  const controls: GraphControls = {
    fit: () => setCamera(fit(props.drawing.layout, size())),
    actual: () => move(now => zoomAt(now, 1 / now.zoom, size().width / 2, size().height / 2)),
    zoom: zoomMiddle,
    toSelection: () => {
      const { x, y } = props.drawing.layout
      if (selected() >= 0)
        move(({ zoom }) =>
          centred({ x: x[selected()], y: y[selected()] + nodeHeight / 2 }, Math.max(zoom, 0.7), size()),
        )
    },
  }

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
    props.controls(controls)
  })
  createEffect(() => {
    theme()
    setPalette(readPalette(canvas))
  })

  // The camera starts anew for another graph; folding leaves what was folded or opened where it is on the screen.
  let shown: Drawing | null = null
  let anchor = -1 // a node of the scene
  createEffect(() => {
    const now = props.drawing
    if (size().width === 0 || shown === now) return
    const before = shown
    shown = now
    if (before?.scene !== now.scene) {
      setCamera(opening(now.layout, size(), now.layout.x[0]))
      if (selected() >= 0) show(selected())
    } else {
      const held = anchor >= 0 ? anchor : selected() >= 0 ? now.shown.items[selected()].node : 0
      const [was, is] = [before.shown.of[held], now.shown.of[held]]
      move(view => ({
        ...view,
        x: view.x + now.layout.x[is] - before.layout.x[was],
        y: view.y + now.layout.y[is] - before.layout.y[was],
      }))
      if (anchor < 0) show(selected())
    }
    anchor = -1
  })
  createEffect(() => {
    if (selected() >= 0 && size().width > 0) show(selected())
  })

  const open = (group: number) => {
    anchor = props.drawing.groups.list[group].first
    graphs.open([...around(props.drawing.groups, anchor)].slice(0, props.drawing.groups.list[group].depth + 1))
    // The selection goes on with what was in it.
    if (studio.selected() === groupKey(group))
      studio.select(keyOfItem(props.drawing.scene, { node: anchor, group: -1 }))
  }
  const fold = (group: number) => {
    anchor = props.drawing.groups.list[group].first
    graphs.fold(group)
  }

  let frame = 0
  createEffect(() => {
    const view = camera()
    const colours = palette()
    const { width, height } = size()
    const picture = {
      shown: props.drawing.shown,
      layout: props.drawing.layout,
      faces: faces(),
      titles: titles(),
      selected: selected(),
      hovered: hovered(),
      hoveredFrame: hoveredFrame(),
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

  /** A point of the screen in the world, and the item and the frame's title there. */
  const under = (sx: number, sy: number) => {
    const view = camera() ?? { x: 0, y: 0, zoom: 1 }
    const [x, y] = [view.x + sx / view.zoom, view.y + sy / view.zoom]
    const { shown, layout } = props.drawing
    const item = itemAt(shown, layout, x, y)
    return { x, item, frame: item < 0 ? frameAt(layout, x, y) : -1 }
  }
  const press = (sx: number, sy: number) => {
    const { x, item, frame } = under(sx, sy)
    const { shown, layout } = props.drawing
    if (frame >= 0) fold(shown.open[frame])
    else if (item >= 0 && shown.items[item].group >= 0 && (item === selected() || onPlus(shown, layout, item, x)))
      open(shown.items[item].group)
    else choose(item)
  }
  onMount(() =>
    watchGestures(canvas, {
      pan: (dx, dy) => move(view => pan(view, dx, dy)),
      zoom: (factor, x, y) => move(view => zoomAt(view, factor, x, y)),
      press,
      hover: (x, y) => {
        const { item, frame } = under(x, y)
        setHovered(item)
        setHoveredFrame(frame)
      },
    }),
  )

  const foldAround = () => {
    const item = props.drawing.shown.items[selected()]
    const group = item
      ? around(props.drawing.groups, item.node)
          .filter(at => props.drawing.opened.has(at) && at !== item.group)
          .at(-1)
      : undefined
    if (group === undefined) return
    fold(group)
    studio.select(groupKey(group))
  }
  const key = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const arrow = arrows[event.key]
    const { shown, layout } = props.drawing
    const group = shown.items[selected()]?.group ?? -1
    if (arrow) choose(neighbour(shown, layout, selected(), arrow))
    else if (event.key === '+' || event.key === '=') zoomMiddle(1.25)
    else if (event.key === '-') zoomMiddle(0.8)
    else if (event.key === '0') controls.actual()
    else if (event.key === 'f' || event.key === 'F') controls.fit()
    else if (event.key === 'c' || event.key === 'C') controls.toSelection()
    else if (event.key === 'Enter' && group >= 0) open(group)
    else if (event.key === 'Backspace') foldAround()
    else if (event.key === '[') graphs.foldAll()
    else if (event.key === ']') graphs.openAll()
    else if (event.key === 'Escape') choose(-1)
    else if (event.key === 'Home') choose(0)
    else if (event.key === 'End') choose(shown.items.length - 1)
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  const spoken = () => {
    const item = props.drawing.shown.items[selected()]
    if (!item) return ''
    const { title, detail, figure } = faces()[selected()]
    const name = item.group >= 0 ? detail : props.drawing.scene.nodes[item.node].name
    return [t().graph.selected(name, title), figure].filter(Boolean).join(', ')
  }

  return (
    <>
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: the graph has keys of its own, and a table beside it */}
      <canvas
        ref={canvas}
        class="graph-canvas"
        classList={{ 'over-node': hovered() >= 0 || hoveredFrame() >= 0 }}
        tabindex="0"
        role="application"
        aria-label={`${t().graph.label}. ${t().graph.help}`}
        onPointerLeave={() => {
          setHovered(-1)
          setHoveredFrame(-1)
        }}
        onKeyDown={key}
      />
      <p class="unseen" aria-live="polite" data-testid="graph-spoken">
        {spoken()}
      </p>
      <GraphPath drawing={props.drawing} onFold={fold} onOpen={open} />
      <Show when={camera() && palette()}>
        <Minimap
          drawing={props.drawing}
          faces={faces()}
          selected={selected()}
          palette={palette()!}
          camera={camera()!}
          size={size()}
          onMove={setCamera}
        />
      </Show>
    </>
  )
}
