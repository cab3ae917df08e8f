// The camera over a graph: screen = (world - origin) * zoom. Pure arithmetic, so that gestures can be tested.

export interface Camera {
  x: number // world coordinate at the left edge of the screen
  y: number
  zoom: number
}
export interface Size {
  width: number
  height: number
}

export const zoomLimits = { low: 0.001, high: 3 } as const

const clampZoom = (zoom: number, low: number = zoomLimits.low): number => Math.min(zoomLimits.high, Math.max(low, zoom))

/** Zooms by a factor with the point under the pointer held still. */
export function zoomAt(camera: Camera, factor: number, sx: number, sy: number): Camera {
  const zoom = clampZoom(camera.zoom * factor)
  return { x: camera.x + sx / camera.zoom - sx / zoom, y: camera.y + sy / camera.zoom - sy / zoom, zoom }
}

export const pan = (camera: Camera, dx: number, dy: number): Camera => ({
  ...camera,
  x: camera.x - dx / camera.zoom,
  y: camera.y - dy / camera.zoom,
})

/** The whole graph in view, never larger than life. */
export function fit(graph: Size, screen: Size, margin = 24): Camera {
  const zoom = clampZoom(
    Math.min(
      1,
      (screen.width - 2 * margin) / Math.max(1, graph.width),
      (screen.height - 2 * margin) / Math.max(1, graph.height),
    ),
  )
  return centred({ x: graph.width / 2, y: graph.height / 2 }, zoom, screen)
}

/** A point of the world in the middle of the screen. */
export const centred = (at: { x: number; y: number }, zoom: number, screen: Size): Camera => ({
  x: at.x - screen.width / zoom / 2,
  y: at.y - screen.height / zoom / 2,
  zoom,
})

/** A large graph at first sight: readable from the top, around `middle`, rather than a thread from end to end. */
export function opening(graph: Size, screen: Size, middle = graph.width / 2): Camera {
  const whole = fit(graph, screen)
  if (whole.zoom >= 0.5) return whole
  const zoom = Math.min(0.9, Math.max(0.64, (screen.width - 48) / Math.max(1, graph.width)))
  return { x: middle - screen.width / zoom / 2, y: -24 / zoom, zoom }
}

/** Moves only as far as needed to have a box in view, with some room around it. */
export function reveal(camera: Camera, box: Size & { x: number; y: number }, screen: Size, room = 56): Camera {
  const pad = room / camera.zoom
  const wide = screen.width / camera.zoom
  const high = screen.height / camera.zoom
  const within = (origin: number, extent: number, low: number, high: number): number =>
    low - pad < origin ? low - pad : high + pad > origin + extent ? high + pad - extent : origin
  return {
    ...camera,
    x: within(camera.x, wide, box.x, box.x + box.width),
    y: within(camera.y, high, box.y, box.y + box.height),
  }
}
