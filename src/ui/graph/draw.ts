// Draws a laid-out graph on a canvas. Detail follows the zoom: boxes, then operators, then shapes and figures; what is
// outside the screen is not drawn.
import type { Camera, Size } from './camera.ts'
import { cut, type Face, fontOf, nodeText } from './faces.ts'
import { titleHeight } from './frames.ts'
import { nodeHeight } from './scene.ts'
import type { Shown } from './shown.ts'
import type { GraphLayout } from './types.ts'

export interface Palette {
  paper: string
  raised: string
  sunk: string
  ink: string
  soft: string
  line: string
  strong: string
  accent: string
  bad: string
  removed: string
  font: string
}
export interface Picture {
  shown: Shown
  layout: GraphLayout
  faces: readonly Face[]
  titles: readonly string[] // of the frames
  selected: number // items; -1 for none
  hovered: number
  hoveredFrame: number
  found: ReadonlySet<number>
  /** Where a board first differs, or -1. */
  marked: number
}

const outlinesFrom = 0.12 // below, what has no colour is a grey box
const namesFrom = 0.38
const figuresFrom = 0.62
const corner = 6
const titlePad = 6
// One path of all edges takes the rasteriser longer than several short ones.
const edgesInPath = 256

interface View {
  left: number
  right: number
  top: number
  bottom: number
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

function drawFrames(ctx: CanvasRenderingContext2D, picture: Picture, palette: Palette, view: View, zoom: number): void {
  const { frames } = picture.layout
  const thin = 1 / Math.min(1, zoom)
  for (let frame = 0; 4 * frame < frames.length; frame++) {
    const [x, y, width, height] = frames.subarray(4 * frame, 4 * frame + 4)
    if (width === 0 || y > view.bottom || y + height < view.top || x > view.right || x + width < view.left) continue
    const hovered = frame === picture.hoveredFrame
    ctx.fillStyle = palette.sunk
    ctx.globalAlpha = 0.5
    ctx.fillRect(x, y, width, height)
    ctx.globalAlpha = 1
    ctx.strokeStyle = hovered ? palette.strong : palette.line
    ctx.lineWidth = thin
    ctx.strokeRect(x, y, width, height)
  }
}

/** Titles stand over the edges that pass them. */
function drawTitles(ctx: CanvasRenderingContext2D, picture: Picture, palette: Palette, view: View): void {
  const { frames } = picture.layout
  ctx.font = fontOf(palette.font, false)
  for (let frame = 0; 4 * frame < frames.length; frame++) {
    const [x, y, width] = frames.subarray(4 * frame, 4 * frame + 3)
    if (width === 0 || y > view.bottom || y + titleHeight < view.top || x > view.right || x + width < view.left)
      continue
    const hovered = frame === picture.hoveredFrame
    const text = cut(ctx, `− ${picture.titles[frame]}`, width - 2 * titlePad)
    ctx.fillStyle = palette.raised
    ctx.strokeStyle = hovered ? palette.strong : palette.line
    ctx.fillRect(x, y, text.width + 2 * titlePad, titleHeight - 4)
    ctx.strokeRect(x, y, text.width + 2 * titlePad, titleHeight - 4)
    ctx.fillStyle = hovered ? palette.ink : palette.soft
    ctx.fillText(text.text, x + titlePad, y + titleHeight / 2 - 1)
  }
}

function drawEdges(ctx: CanvasRenderingContext2D, picture: Picture, palette: Palette, view: View, zoom: number): void {
  const { layout, shown } = picture
  const { points, start } = layout
  const thin = 1 / Math.min(1, zoom)
  const round = zoom >= namesFrom
  const shortest = zoom < outlinesFrom ? 3 / zoom : 0
  const chosen: number[] = []
  let inPath = 0
  ctx.lineWidth = thin
  ctx.strokeStyle = palette.strong
  ctx.beginPath()
  for (let edge = 0; edge + 1 < start.length; edge++) {
    // Edges lead downwards, so their ends bound them.
    const first = points[2 * start[edge] + 1]
    const last = points[2 * start[edge + 1] - 1]
    if (last < view.top || first > view.bottom || last - first < shortest) continue
    if (shown.edges[2 * edge] === picture.selected || shown.edges[2 * edge + 1] === picture.selected) {
      chosen.push(edge)
      continue
    }
    trace(ctx, layout, edge, round)
    if (++inPath % edgesInPath === 0) {
      ctx.stroke()
      ctx.beginPath()
    }
  }
  ctx.stroke()
  if (chosen.length === 0) return
  ctx.strokeStyle = palette.accent
  ctx.lineWidth = 2 * thin
  ctx.beginPath()
  for (const edge of chosen) trace(ctx, layout, edge, round)
  ctx.stroke()
}

function outline(ctx: CanvasRenderingContext2D, face: Face, x: number, y: number, width: number): void {
  const pill = face.family === 'activate' || face.family === 'join' || face.family === 'terminal'
  ctx.beginPath()
  ctx.roundRect(x, y, width, nodeHeight, pill ? nodeHeight / 2 : 4)
}

/** A group's box has two more edges behind it: there is more in it. */
function drawStack(ctx: CanvasRenderingContext2D, palette: Palette, x: number, y: number, width: number): void {
  ctx.strokeStyle = palette.strong
  ctx.beginPath()
  for (const by of [3, 6]) {
    ctx.moveTo(x + by, y + nodeHeight + by / 1.5)
    ctx.lineTo(x + width - by, y + nodeHeight + by / 1.5)
  }
  ctx.stroke()
}

function drawItem(ctx: CanvasRenderingContext2D, picture: Picture, palette: Palette, zoom: number, k: number): void {
  const face = picture.faces[k]
  const width = picture.shown.widths[k]
  const x = picture.layout.x[k] - width / 2
  const y = picture.layout.y[k]
  const { family } = face
  const terminal = family === 'terminal'
  const plain = face.removed ? palette.paper : palette.raised
  const far = zoom < outlinesFrom
  ctx.fillStyle = face.fill ?? (terminal ? palette.soft : far ? palette.strong : plain)
  if (zoom < namesFrom) {
    ctx.fillRect(x, y, width, nodeHeight)
    if (!face.fill && !terminal && !far) {
      ctx.strokeStyle = face.removed ? palette.removed : family === 'group' ? palette.strong : palette.line
      ctx.strokeRect(x, y, width, nodeHeight)
    }
    return
  }
  outline(ctx, face, x, y, width)
  ctx.fill()
  if (!face.fill || face.removed) {
    ctx.strokeStyle = face.removed
      ? palette.removed
      : family === 'compute' || family === 'group'
        ? palette.strong
        : palette.line
    ctx.setLineDash(family === 'move' || face.removed ? [3, 3] : [])
    ctx.stroke()
    ctx.setLineDash([])
  }
  if (family === 'group') drawStack(ctx, palette, x, y, width)
  const ink = face.ink ?? (terminal ? palette.paper : palette.ink)
  const soft = face.ink ?? (terminal ? palette.paper : palette.soft)
  const middle = y + nodeHeight / 2 + 0.5
  const pad = family === 'compute' || family === 'move' || family === 'group' ? 9 : 12
  let left = x + pad
  let right = x + width - pad
  if (family === 'group') {
    ctx.strokeStyle = ink
    ctx.beginPath()
    ctx.moveTo(left, middle)
    ctx.lineTo(left + 8, middle)
    ctx.moveTo(left + 4, middle - 4)
    ctx.lineTo(left + 4, middle + 4)
    ctx.stroke()
    left += 15
  }
  const full = zoom >= figuresFrom
  ctx.fillStyle = ink
  if (full && face.figure) {
    ctx.font = fontOf(palette.font, false)
    ctx.textAlign = 'right'
    right -= nodeText(ctx, face.figure, right, middle, right - left) + 8
    ctx.textAlign = 'left'
  }
  ctx.font = fontOf(palette.font, true)
  left += nodeText(ctx, face.title, left, middle, right - left) + 8
  if (!full || !face.detail || right - left < 24) return
  ctx.font = fontOf(palette.font, false)
  ctx.fillStyle = soft
  nodeText(ctx, face.detail, left, middle, right - left)
}

function drawMarks(ctx: CanvasRenderingContext2D, picture: Picture, palette: Palette, zoom: number, k: number): void {
  const width = picture.shown.widths[k]
  const x = picture.layout.x[k] - width / 2
  const y = picture.layout.y[k]
  const thin = 1 / Math.min(1, zoom)
  if (k === picture.marked) {
    ctx.strokeStyle = palette.bad
    ctx.lineWidth = 3 * thin
    ctx.setLineDash([6, 4])
    ctx.strokeRect(x - 6 * thin, y - 6 * thin, width + 12 * thin, nodeHeight + 12 * thin)
    ctx.setLineDash([])
  }
  const ring = k === picture.selected ? palette.accent : picture.found.has(k) ? palette.ink : null
  if (ring || k === picture.hovered) {
    ctx.strokeStyle = ring ?? palette.strong
    ctx.lineWidth = (k === picture.selected ? 2.5 : 1.5) * thin
    ctx.beginPath()
    ctx.roundRect(x - 2 * thin, y - 2 * thin, width + 4 * thin, nodeHeight + 4 * thin, 6)
    ctx.stroke()
  }
  ctx.lineWidth = thin
}

const viewOf = ({ x, y, zoom }: Camera, { width, height }: Size): View => ({
  left: x,
  right: x + width / zoom,
  top: y,
  bottom: y + height / zoom,
})

export function draw(
  ctx: CanvasRenderingContext2D,
  picture: Picture,
  palette: Palette,
  camera: Camera,
  size: Size,
  ratio: number,
): void {
  const { layout, shown } = picture
  const { zoom } = camera
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0)
  ctx.clearRect(0, 0, size.width, size.height)
  ctx.setTransform(ratio * zoom, 0, 0, ratio * zoom, -camera.x * zoom * ratio, -camera.y * zoom * ratio)
  ctx.textBaseline = 'middle'
  const view = viewOf(camera, size)
  drawFrames(ctx, picture, palette, view, zoom)
  drawEdges(ctx, picture, palette, view, zoom)
  ctx.lineWidth = 1 / Math.min(1, zoom)
  if (zoom >= namesFrom) drawTitles(ctx, picture, palette, view)
  const above = view.top - nodeHeight
  for (let k = 0; k < shown.items.length; k++) {
    if (layout.y[k] < above || layout.y[k] > view.bottom) continue
    const half = shown.widths[k] / 2
    if (layout.x[k] + half < view.left || layout.x[k] - half > view.right) continue
    drawItem(ctx, picture, palette, zoom, k)
    if (k === picture.marked || k === picture.selected || k === picture.hovered || picture.found.has(k))
      drawMarks(ctx, picture, palette, zoom, k)
  }
}
