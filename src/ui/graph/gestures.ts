// Pointer and wheel as movements of the camera: drag, pinch, wheel, and a press that went nowhere.
export interface Moves {
  pan(dx: number, dy: number): void
  zoom(factor: number, x: number, y: number): void
  press(x: number, y: number): void
  hover(x: number, y: number): void
}

const still = 5 // px that a finger strays while it presses

export function watchGestures(canvas: HTMLCanvasElement, moves: Moves): void {
  const pointers = new Map<number, { x: number; y: number }>()
  let travelled = 0
  canvas.addEventListener('pointermove', event => {
    const before = pointers.get(event.pointerId)
    const now = { x: event.offsetX, y: event.offsetY }
    if (!before) {
      moves.hover(now.x, now.y)
      return
    }
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1]
    if (other) {
      const gap = (point: { x: number; y: number }) => Math.hypot(point.x - other.x, point.y - other.y)
      if (gap(before) > 0) moves.zoom(gap(now) / gap(before), other.x, other.y)
    } else moves.pan(now.x - before.x, now.y - before.y)
    travelled += Math.hypot(now.x - before.x, now.y - before.y)
    pointers.set(event.pointerId, now)
  })
  canvas.addEventListener('pointerdown', event => {
    canvas.setPointerCapture(event.pointerId)
    if (pointers.size === 0) travelled = 0
    pointers.set(event.pointerId, { x: event.offsetX, y: event.offsetY })
  })
  const up = (event: PointerEvent) => {
    if (pointers.delete(event.pointerId) && travelled < still && event.type === 'pointerup')
      moves.press(event.offsetX, event.offsetY)
  }
  canvas.addEventListener('pointerup', up)
  canvas.addEventListener('pointercancel', up)
  canvas.addEventListener(
    'wheel',
    event => {
      event.preventDefault()
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1
      // A pinch arrives as a wheel with Ctrl; a power of two makes equal turns equal factors.
      if (event.ctrlKey || event.metaKey) moves.zoom(2 ** (-event.deltaY * lines * 0.005), event.offsetX, event.offsetY)
      else moves.pan(-event.deltaX * lines, -event.deltaY * lines)
    },
    { passive: false },
  )
}
