// Pixels on a canvas; small pictures keep their squares.
import { createEffect } from 'solid-js'
import type { Pixels } from '../state/map-pixels.ts'

export function Picture(props: { pixels: Pixels; label: string }) {
  let canvas!: HTMLCanvasElement
  createEffect(() => {
    const { width, height, rgba } = props.pixels
    canvas.width = width
    canvas.height = height
    canvas.getContext('2d')!.putImageData(new ImageData(new Uint8ClampedArray(rgba), width, height), 0, 0)
  })
  return <canvas ref={canvas} role="img" aria-label={props.label} classList={{ pixelated: props.pixels.width < 200 }} />
}
