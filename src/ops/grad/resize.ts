// Resize to the nearest, linearly and by cubics: along each axis every place is a sum of few others, and its gradient goes back to them.
// https://onnx.ai/onnx/operators/onnx__Resize.html
import { attrFloat, attrInt, attrInts, attrString, type Node } from '../../ir/model.ts'
import { floats } from '../../ir/tensor.ts'
import { along, axisIn, floatsOf, type GradDef, type Inputs, numbersOf, single } from './types.ts'

/** What a place along an axis is made of. */
interface Part {
  from: number
  weight: number
}

interface Axis {
  axis: number
  places: Part[][]
}

const coordinates: Readonly<Record<string, (i: number, from: number, to: number, scale: number) => number>> = {
  half_pixel: (i, _, __, scale) => (i + 0.5) / scale - 0.5,
  pytorch_half_pixel: (i, _, to, scale) => (to > 1 ? (i + 0.5) / scale - 0.5 : 0),
  align_corners: (i, from, to) => (to > 1 ? (i * (from - 1)) / (to - 1) : 0),
  asymmetric: (i, _, __, scale) => i / scale,
}

const nearest: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: x => Math.ceil(x - 0.5),
  round_prefer_ceil: x => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
}

const modeOf = (node: Node): string => attrString(node, 'mode', 'nearest')
const placesOf = (node: Node): string =>
  attrString(node, 'coordinate_transformation_mode', node.op === 'Upsample' ? 'asymmetric' : 'half_pixel')
const roundingOf = (node: Node): string =>
  attrString(node, 'nearest_mode', node.op === 'Upsample' ? 'floor' : 'round_prefer_floor')

/** The axes whose size changes, or whose places move. */
function axesOf(node: Node, inputs: Inputs): Axis[] {
  const { shape } = inputs[0]!
  const axes = attrInts(node, 'axes')?.map(a => axisIn(a, shape)) ?? shape.map((_, i) => i)
  const sizes = inputs[3] && inputs[3].data.length > 0 ? numbersOf(inputs[3]) : null
  const scales = numbersOf(node.op === 'Upsample' ? inputs[1] : inputs[2])
  return axes.flatMap((axis, k) => {
    const from = shape[axis]
    const to = sizes ? sizes[k] : Math.floor(Math.fround(Math.fround(scales![k]) * from))
    const scale = sizes ? to / from : scales![k]
    if (to === from && scale === 1) return []
    return [{ axis, places: Array.from({ length: to }, (_, i) => partsAt(node, i, from, to, scale)) }]
  })
}

function partsAt(node: Node, i: number, from: number, to: number, scale: number): Part[] {
  const inside = (at: number): number => Math.min(from - 1, Math.max(0, at))
  const x = coordinates[placesOf(node)](i, from, to, scale)
  if (modeOf(node) === 'nearest') return [{ from: inside(nearest[roundingOf(node)](x)), weight: 1 }]
  const low = Math.floor(x)
  const part = x - low
  if (modeOf(node) === 'linear')
    return [
      { from: inside(low), weight: 1 - part },
      { from: inside(low + 1), weight: part },
    ]
  const a = attrFloat(node, 'cubic_coeff_a', -0.75)
  const around = [-1, 0, 1, 2].map(k => ({ at: low + k, weight: cubic(Math.abs(part - k), a) }))
  const kept = attrInt(node, 'exclude_outside', 0) === 0 ? around : around.filter(({ at }) => at === inside(at))
  const sum = kept.reduce((total, { weight }) => total + weight, 0)
  return kept.map(({ at, weight }) => ({ from: inside(at), weight: weight / sum }))
}

/** Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981, equation 15: the weight at a distance of less than 2. */
const cubic = (d: number, a: number): number =>
  d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

/** One axis after the other, each on what the one before left. */
function resized(x: Float32Array, shape: readonly number[], { axis, places }: Axis): Float32Array {
  const { outer, length, inner } = along(shape, axis)
  const y = new Float32Array(outer * places.length * inner)
  for (let o = 0, at = 0; o < outer; o++)
    for (const parts of places) {
      for (const { from, weight } of parts) {
        const start = (o * length + from) * inner
        for (let i = 0; i < inner; i++) y[at + i] += weight * x[start + i]
      }
      at += inner
    }
  return y
}

function back(dy: Float32Array, shape: readonly number[], { axis, places }: Axis): Float32Array {
  const { outer, length, inner } = along(shape, axis)
  const dx = new Float32Array(outer * length * inner)
  for (let o = 0, at = 0; o < outer; o++)
    for (const parts of places) {
      for (const { from, weight } of parts) {
        const start = (o * length + from) * inner
        for (let i = 0; i < inner; i++) dx[start + i] += weight * dy[at + i]
      }
      at += inner
    }
  return dx
}

function refuses(node: Node): string | null {
  if (!['nearest', 'linear', 'cubic'].includes(modeOf(node))) return `it is ${modeOf(node)}`
  if (attrInt(node, 'antialias', 0) !== 0) return 'it smooths while it shrinks'
  if (!(placesOf(node) in coordinates)) return `its coordinates are ${placesOf(node)}`
  if (attrString(node, 'keep_aspect_ratio_policy', 'stretch') !== 'stretch') return 'it keeps the ratio of the sides'
  return null
}

export const resizeGrad: GradDef = single({
  type: ['Resize', 'Upsample'],
  refuses,
  forward(node, inputs) {
    let x = floatsOf(inputs[0]!)
    const shape = [...inputs[0]!.shape]
    for (const axis of axesOf(node, inputs)) {
      x = resized(x, shape, axis)
      shape[axis.axis] = axis.places.length
    }
    return floats(shape, x)
  },
  backward(node, { inputs }, dy) {
    const axes = axesOf(node, inputs)
    const shapes = [[...inputs[0]!.shape]]
    for (const { axis, places } of axes) shapes.push(shapes.at(-1)!.map((d, i) => (i === axis ? places.length : d)))
    return [axes.reduceRight((given, axis, k) => back(given, shapes[k], axis), dy)]
  },
})
