// Draws a laid-out graph on a canvas. Detail follows the zoom: boxes, then operators, then shapes and figures; what is
// outside the screen is not drawn.
import type { LayerReport } from '../../jobs/report.ts'
import type { Camera, Size } from './camera.ts'
import { css, inkOn, sqnrColour } from './colour.ts'
import { nodeHeight, type Scene, type SceneNode } from './scene.ts'
import type { GraphLayout } from './types.ts'

export interface Palette {
  paper: string
  raised: string
  ink: string
  soft: string
  line: string
  strong: string
  accent: string
  bad: string
  font: string
}
export interface Picture {
  scene: Scene
  layout: GraphLayout
  layers: ReadonlyMap<number, LayerReport>
  figure(layer: LayerReport): string
  selected: number
  hovered: number
  found: ReadonlySet<number>
  /** Where a board first differs, or -1. */
  marked: number
}

const namesFrom = 0.38
const figuresFrom = 0.62
const corner = 6

/** The colour that a layer's error gives its node; null where there is no figure. */
export const sqnrOf = (layer: LayerReport | undefined): number | null =>
  layer ? (layer.cumulativeSqnrDb ?? layer.sqnrDb) : null

/** Edges lead downwards, so their ends bound them. */
function edgeVisible(layout: GraphLayout, edge: number, view: { top: number; bottom: number }): boolean {
  const first = layout.points[2 * layout.start[edge] + 1]
  const last = layout.points[2 * layout.start[edge + 1] - 1]
  return last >= view.top && first <= view.bottom
}

function trace(ctx: CanvasRenderingContext2D, { points, start }: GraphLayout, edge: number, round: boolean): void {
  const [from, until] = [start[edge], start[edge + 1]]
  ctx.moveTo(points[2 * from], points[2 * from + 1])
  for (let k = from + 1; k < until; k++) {
    const [x, y] = [points[2 * k], points[2 * k + 1]]
    if (!round || k === until - 1) {
      ctx.lineTo(x, y)
      continue
    }
    const [nx, ny] = [points[2 * k + 2], points[2 * k + 3]]
    const reach = Math.min(
      Math.hypot(x - points[2 * k - 2], y - points[2 * k - 1]) / 2,
      Math.hypot(nx - x, ny - y) / 2,
      corner,
    )
    ctx.arcTo(x, y, nx, ny, reach)
  }
}

function outline(ctx: CanvasRenderingContext2D, item: SceneNode, x: number, y: number, width: number): void {
  const pill = item.family === 'activate' || item.family === 'join' || item.family === 'terminal'
  ctx.beginPath()
  ctx.roundRect(x, y, width, nodeHeight, pill ? nodeHeight / 2 : 4)
}

/** Text cut to a width with an ellipsis. */
function cut(ctx: CanvasRenderingContext2D, text: string, width: number): string {
  if (width <= 0) return ''
  if (ctx.measureText(text).width <= width) return text
  let low = 0
  let high = text.length
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (ctx.measureText(`${text.slice(0, middle)}…`).width <= width) low = middle
    else high = middle - 1
  }
  return low === 0 ? '' : `${text.slice(0, low)}…`
}

function drawNode(ctx: CanvasRenderingContext2D, picture: Picture, palette: Palette, zoom: number, k: number): void {
  const { scene, layout } = picture
  const item = scene.nodes[k]
  const width = scene.widths[k]
  const x = layout.x[k] - width / 2
  const y = layout.y[k]
  const layer = picture.layers.get(k)
  const db = sqnrOf(layer)
  const colour = db === null ? null : sqnrColour(db)
  const fill = colour ? css(colour) : item.family === 'terminal' ? palette.soft : palette.raised
  ctx.fillStyle = fill
  if (zoom < namesFrom) {
    ctx.fillRect(x, y, width, nodeHeight)
    if (!colour && item.family !== 'terminal') {
      ctx.strokeStyle = palette.line
      ctx.strokeRect(x, y, width, nodeHeight)
    }
  } else {
    outline(ctx, item, x, y, width)
    ctx.fill()
    if (!colour) {
      ctx.strokeStyle = item.family === 'compute' ? palette.strong : palette.line
      ctx.setLineDash(item.family === 'move' ? [3, 3] : [])
      ctx.stroke()
      ctx.setLineDash([])
    }
    const ink = colour ? css(inkOn(colour)) : item.family === 'terminal' ? palette.paper : palette.ink
    const middle = y + nodeHeight / 2 + 0.5
    const pad = item.family === 'compute' || item.family === 'move' ? 9 : 12
    ctx.fillStyle = ink
    ctx.font = `600 12px ${palette.font}`
    const full = zoom >= figuresFrom
    const figure = full && layer && db !== null ? picture.figure(layer) : ''
    ctx.font = `12px ${palette.font}`
    const figureWidth = figure ? ctx.measureText(figure).width + 8 : 0
    ctx.font = `600 12px ${palette.font}`
    const name = cut(ctx, item.op, width - 2 * pad - figureWidth)
    ctx.fillText(name, x + pad, middle)
    if (full) {
      const taken = ctx.measureText(name).width + 8
      ctx.font = `12px ${palette.font}`
      if (!colour) ctx.fillStyle = item.family === 'terminal' ? palette.paper : palette.soft
      const room = width - 2 * pad - figureWidth - taken
      if (room > 24) ctx.fillText(cut(ctx, item.detail, room), x + pad + taken, middle)
      if (figure) {
        ctx.fillStyle = ink
        ctx.textAlign = 'right'
        ctx.fillText(figure, x + width - pad, middle)
        ctx.textAlign = 'left'
      }
    }
  }
  if (k === picture.marked) {
    const away = 6 / Math.min(1, zoom)
    ctx.strokeStyle = palette.bad
    ctx.lineWidth = 3 / Math.min(1, zoom)
    ctx.setLineDash([6, 4])
    ctx.strokeRect(x - away, y - away, width + 2 * away, nodeHeight + 2 * away)
    ctx.setLineDash([])
    ctx.lineWidth = 1 / Math.min(1, zoom)
  }
  const ring = k === picture.selected ? palette.accent : picture.found.has(k) ? palette.ink : null
  if (ring || k === picture.hovered) {
    ctx.strokeStyle = ring ?? palette.strong
    ctx.lineWidth = (ring ? 2.5 : 1.5) / Math.min(1, zoom)
    const away = 2 / Math.min(1, zoom)
    ctx.beginPath()
    ctx.roundRect(x - away, y - away, width + 2 * away, nodeHeight + 2 * away, 6)
    ctx.stroke()
    ctx.lineWidth = 1 / Math.min(1, zoom)
  }
}

export function draw(
  ctx: CanvasRenderingContext2D,
  picture: Picture,
  palette: Palette,
  camera: Camera,
  size: Size,
  ratio: number,
): void {
  const { layout, scene } = picture
  const { zoom } = camera
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0)
  ctx.clearRect(0, 0, size.width, size.height)
  ctx.setTransform(ratio * zoom, 0, 0, ratio * zoom, -camera.x * zoom * ratio, -camera.y * zoom * ratio)
  ctx.textBaseline = 'middle'
  const view = { top: camera.y - nodeHeight, bottom: camera.y + size.height / zoom + nodeHeight }
  const sides = { left: camera.x, right: camera.x + size.width / zoom }

  ctx.lineWidth = 1 / Math.min(1, zoom)
  ctx.strokeStyle = palette.strong
  ctx.beginPath()
  const chosen: number[] = []
  for (let edge = 0; edge + 1 < layout.start.length; edge++) {
    if (!edgeVisible(layout, edge, view)) continue
    if (scene.edges[2 * edge] === picture.selected || scene.edges[2 * edge + 1] === picture.selected) chosen.push(edge)
    else trace(ctx, layout, edge, zoom >= namesFrom)
  }
  ctx.stroke()
  if (chosen.length > 0) {
    ctx.strokeStyle = palette.accent
    ctx.lineWidth = 2 / Math.min(1, zoom)
    ctx.beginPath()
    for (const edge of chosen) trace(ctx, layout, edge, zoom >= namesFrom)
    ctx.stroke()
    ctx.lineWidth = 1 / Math.min(1, zoom)
  }
  for (let k = 0; k < scene.nodes.length; k++) {
    if (layout.y[k] < view.top || layout.y[k] > view.bottom) continue
    const half = scene.widths[k] / 2
    if (layout.x[k] + half < sides.left || layout.x[k] - half > sides.right) continue
    drawNode(ctx, picture, palette, zoom, k)
  }
}

/** The node under a point of the world, or -1. */
export function nodeAt(scene: Scene, layout: GraphLayout, x: number, y: number): number {
  for (let k = 0; k < scene.nodes.length; k++)
    if (y >= layout.y[k] && y <= layout.y[k] + nodeHeight && Math.abs(x - layout.x[k]) <= scene.widths[k] / 2) return k
  return -1
}
