// Packed weights: a constant of integers behind Convert, Subtract (of a zero point), Multiply (by a scale) and Reshape. The chain is
// followed without writing nodes, and becomes one DequantizeLinear when something else reads it.
import { type DType, elementCount } from '../../base/dtype.ts'
import type { ValueName } from '../../ir/model.ts'
import { packed } from '../../ir/tensor.ts'
import { type Attributes, type Compressed, type Layer, type Numbers, realTensor } from './layer.ts'

const codeTypes: readonly DType[] = ['int8', 'uint8', 'int4', 'uint4']

/** Takes the layer as part of a chain where it is one. */
export async function convertWeights(layer: Layer, dtype: DType): Promise<boolean> {
  if (dtype !== 'float32' && dtype !== 'float16') return false
  const weights = layer.compressed(0)
  const codes = layer.tensor(0)
  if (weights) layer.setCompressed({ ...weights, layer, dtype })
  else if (codes && codeTypes.includes(codes.dtype)) {
    const read = async (): Promise<number[]> => (await layer.numbers(0))!
    const name = layer.input(0)
    layer.setCompressed({ layer, codes, name, read, dtype, shape: codes.shape, zero: null, scale: null })
  } else return false
  return true
}

export async function shiftWeights(layer: Layer): Promise<boolean> {
  const weights = layer.compressed(0)
  if (!weights || weights.scale || weights.zero) return false
  const other = layer.compressed(1)
  if (other && (other.scale || other.zero)) return false
  const values = other ? await other.read() : await layer.numbers(1)
  if (!values || !fits(values, weights.codes.dtype)) return false
  const shape = other ? other.shape : layer.dims(1).map(Number)
  layer.setCompressed({ ...weights, layer, zero: { values, shape } })
  return true
}

const limits: Readonly<Partial<Record<DType, readonly [number, number]>>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int4: [-8, 7],
  uint4: [0, 15],
}
const fits = (values: readonly number[], dtype: DType): boolean => {
  const [low, high] = limits[dtype]!
  return values.every(v => Number.isInteger(v) && v >= low && v <= high)
}

export async function scaleWeights(layer: Layer): Promise<boolean> {
  for (const [port, other] of [
    [0, 1],
    [1, 0],
  ]) {
    const weights = layer.compressed(port)
    if (!weights || weights.scale || layer.compressed(other)) continue
    const values = await layer.numbers(other)
    if (!values) continue
    layer.setCompressed({ ...weights, layer, scale: { values, shape: layer.dims(other).map(Number) } })
    return true
  }
  return false
}

export async function reshapeWeights(layer: Layer): Promise<boolean> {
  const weights = layer.compressed(0)
  const shape = layer.outDims(0)
  if (!weights?.scale || !shape.every(dim => typeof dim === 'number')) return false
  if (elementCount(shape) !== elementCount(weights.shape)) return false
  layer.setCompressed({ ...weights, layer, shape })
  return true
}

/** The weights at an input with some neighbouring axes made one. */
export async function regroupWeights(
  layer: Layer,
  port: number,
  [first, last]: readonly [number, number],
): Promise<string> {
  const dims = layer.dims(port)
  if (!dims.every(dim => typeof dim === 'number')) return layer.refuse('the shape of its weights is not known')
  const shape = [...dims.slice(0, first), elementCount(dims.slice(first, last + 1)), ...dims.slice(last + 1)]
  const weights = layer.compressed(port)
  if (weights?.scale) return nodesOf({ ...weights, layer, shape }, (op, reads, attrs) => layer.node(op, reads, attrs))
  const tensor = layer.tensor(port)
  if (tensor) return layer.constant({ ...tensor, shape })
  return layer.node('Reshape', [layer.input(port), layer.whole64(shape)])
}

/** Writes the chain as nodes that give the last layer's output. */
export function write(weights: Compressed): void {
  nodesOf(weights, (op, reads, attrs) => {
    weights.layer.give(op, reads, attrs)
    return ''
  })
}

type Last = (op: string, reads: readonly ValueName[], attrs?: Attributes) => string

function nodesOf(weights: Compressed, last: Last): string {
  const { layer, codes, name, dtype, shape, zero, scale } = weights
  const to = { to: dtype === 'float32' ? 1 : 10 }
  const place = scale && placeOf(weights)
  if (scale && place) {
    const same = shape.length === codes.shape.length && shape.every((n, i) => n === codes.shape[i])
    const data = same ? name : layer.constant({ ...codes, shape })
    const reads = [data, layer.constant(realTensor(dtype, place.shape, place.scale))]
    if (place.zero) reads.push(layer.constant(packed(codes.dtype, place.shape, place.zero)))
    return last('DequantizeLinear', reads, place.attributes)
  }
  if (!scale && !zero) return last('Cast', [name], to)
  const real = ({ values, shape }: Numbers): string => layer.constant(realTensor(dtype, shape, values))
  let x = layer.node('Cast', [name], to)
  if (zero && !scale) return last('Sub', [x, real(zero)])
  if (zero) x = layer.node('Sub', [x, real(zero)])
  x = layer.node('Mul', [x, real(scale!)])
  return last('Reshape', [x, layer.whole64(shape)])
}

interface Place {
  shape: readonly number[]
  scale: readonly number[]
  zero: readonly number[] | null
  attributes: Attributes
}

/** Scales as DequantizeLinear takes them: one, one for each index of an axis, or one for each block of an axis. */
function placeOf({ codes, shape, zero, scale }: Compressed): Place | null {
  const rank = codes.shape.length
  const given = [scale!, ...(zero ? [zero] : [])].map(({ values, shape }) => ({
    values,
    shape: [...new Array<number>(Math.max(0, rank - shape.length)).fill(1), ...shape],
  }))
  if (given.some(g => g.shape.length !== rank)) return null
  const grid = codes.shape.map((_, i) => Math.max(...given.map(g => g.shape[i])))
  if (given.some(g => g.shape.some((n, i) => n !== 1 && n !== codes.shape[i]))) return null
  const [scales, zeros = null] = given.map(g => spread(g, grid))
  const place = (shape: readonly number[], attributes: Attributes): Place => ({
    shape,
    scale: scales,
    zero: zeros,
    attributes,
  })
  const split = grid.flatMap((n, i) => (n === 1 ? [] : [i]))
  if (split.length === 0) return place([], {})
  // A last axis without scales of its own is a block of the axis that both make after the reshape.
  const block = codes.shape[rank - 1]
  const whole = split.length === rank - 1 && rank === shape.length + 1 && grid[rank - 1] === 1
  if (whole && grid.slice(0, -1).every((n, i) => n === codes.shape[i]) && rank > 2) {
    const axis = shape.length - 1
    if (shape.slice(0, -1).every((n, i) => n === codes.shape[i]) && shape[axis] === codes.shape[axis] * block)
      return place([...shape.slice(0, -1), codes.shape[axis]], { axis, block_size: block })
  }
  const [first] = split
  const end = split[split.length - 1]
  if (end - first + 1 !== split.length) return null
  const before = elementCount(codes.shape.slice(0, first))
  const count = elementCount(codes.shape.slice(first, end + 1))
  for (let axis = 0; axis < shape.length; axis++)
    if (elementCount(shape.slice(0, axis)) === before && shape[axis] === count) return place([count], { axis })
  return null
}

/** Numbers repeated along the axes where they are one and the grid is more. */
function spread({ values, shape }: Numbers, grid: readonly number[]): number[] {
  let list = [0]
  let step = elementCount(shape)
  for (const [axis, n] of shape.entries()) {
    step /= n
    const move = n === 1 ? 0 : step
    list = list.flatMap(base => Array.from({ length: grid[axis] }, (_, i) => base + i * move))
  }
  return list.map(i => values[i])
}
