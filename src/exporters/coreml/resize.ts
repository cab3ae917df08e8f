// Resizing: the nearest pixel by its index along each axis, or between pixels on the grid that the program has a name for.
import type { Lowering, NodeWriter } from './node.ts'
import { int, ints, type Val, word } from './program.ts'

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** Where a pixel of the output lies in the input; `scale` is the output's size over the input's. */
const places: Readonly<Record<string, (i: number, scale: number, from: number, to: number) => number>> = {
  half_pixel: (i, scale) => (i + 0.5) / scale - 0.5,
  pytorch_half_pixel: (i, scale, _, to) => (to > 1 ? (i + 0.5) / scale - 0.5 : 0),
  asymmetric: (i, scale) => i / scale,
  align_corners: (i, _, from, to) => (to > 1 ? (i * (from - 1)) / (to - 1) : 0),
}

const roundings: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: x => Math.ceil(x - 0.5),
  round_prefer_ceil: x => Math.floor(x + 0.5),
  floor: x => Math.floor(x),
  ceil: x => Math.ceil(x),
}

// apple/coremltools: mil/ops/defs/iOS15/image_resizing.py, resize_bilinear, "Notes".
const grids: Readonly<Record<string, string>> = {
  half_pixel: 'UNALIGN_CORNERS',
  pytorch_half_pixel: 'UNALIGN_CORNERS',
  asymmetric: 'DEFAULT',
  align_corners: 'STRICT_ALIGN_CORNERS',
}

export const resize: Lowering = n => {
  const single = n.node.op === 'Upsample' || n.writing.opset < 11 // scales at input 1, coordinates not scaled by halves
  const mode = n.string('mode', 'nearest')
  const way = n.string('coordinate_transformation_mode', single ? 'asymmetric' : 'half_pixel')
  const nearest = n.string('nearest_mode', single ? 'floor' : 'round_prefer_floor')
  if (!Object.hasOwn(places, way)) n.refuse(`its coordinate_transformation_mode is ${way}`)
  if (n.int('antialias', 0) === 1) n.refuse('it averages where it shrinks')
  const [from, to] = [n.shape(0), n.outShape()]
  const axes = range(from.length).filter(i => from[i] !== to[i])
  const scales = scalesOf(n, single, from, to)
  if (axes.length === 0) return n.set(n.val(0))
  if (mode === 'nearest') return byIndex(n, axes, from, to, scales, places[way], roundings[nearest])
  if (mode !== 'linear') n.refuse(`its mode is ${mode}`)
  if (axes.some(axis => axis < from.length - 2)) n.refuse('it resizes more than height and width')
  // The program knows sizes alone; others than their ratio lay the grid otherwise.
  if (axes.some(axis => Math.abs(scales[axis] * from[axis] - to[axis]) > 1e-4))
    n.refuse('its scale is not the ratio of its sizes')
  if (axes.some(axis => to[axis] === 1)) n.refuse('it resizes to a single pixel')
  const [height, width] = to.slice(-2)
  n.give('resize_bilinear', {
    x: n.val(0),
    target_size_height: int(height),
    target_size_width: int(width),
    sampling_mode: word(grids[way]),
  })
}

function scalesOf(n: NodeWriter, single: boolean, from: readonly number[], to: readonly number[]): number[] {
  const attribute = n.node.attrs.get('scales')
  const at = single ? 1 : 2
  const given =
    attribute?.kind === 'floats' ? attribute.value : n.has(at) && n.shape(at)[0] !== 0 ? n.must(at, 'scales') : null
  const axes = n.ints('axes') ?? range(from.length)
  return from.map((size, axis) => given?.[axes.indexOf(axis)] ?? to[axis] / size)
}

function byIndex(
  n: NodeWriter,
  axes: readonly number[],
  from: readonly number[],
  to: readonly number[],
  scales: readonly number[],
  place: (i: number, scale: number, from: number, to: number) => number,
  rounding: ((x: number) => number) | undefined,
): void {
  if (!rounding) n.refuse('its nearest_mode is not known')
  const indices = (axis: number): number[] =>
    range(to[axis]).map(i =>
      Math.min(from[axis] - 1, Math.max(0, rounding(place(i, scales[axis], from[axis], to[axis])))),
    )
  const whole = (axis: number): boolean => {
    const scale = to[axis] / from[axis]
    return Number.isInteger(scale) && indices(axis).every((index, i) => index === Math.floor(i / scale))
  }
  const last = from.length - 1
  if (from.length >= 3 && axes.every(axis => axis >= last - 1 && whole(axis))) {
    n.give('upsample_nearest_neighbor', {
      x: n.val(0),
      scale_factor_height: int(to[last - 1] / from[last - 1]),
      scale_factor_width: int(to[last] / from[last]),
    })
    return
  }
  let x: Val = n.val(0)
  for (const axis of axes) {
    const picked = { x, indices: ints(indices(axis)), axis: int(axis), batch_dims: int(0) }
    if (axis === axes.at(-1)) n.give('gather', picked)
    else
      x = n.step(
        'gather',
        picked,
        x.shape.map((size, i) => (i === axis ? to[axis] : size)),
      )
  }
}
