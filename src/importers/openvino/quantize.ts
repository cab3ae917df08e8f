// FakeQuantize as QuantizeLinear and DequantizeLinear where its levels are codes with a whole zero point, which is how tools write it;
// any other as the arithmetic that it stands for.
import { type DType, elementCount } from '../../base/dtype.ts'
import { packed } from '../../ir/tensor.ts'
import { type Attributes, type Layer, type Lowering, realTensor } from './layer.ts'

interface Grid {
  scale: number[]
  zero: number[] // the code of 0, counted from the lowest level
}

/** Numbers of each channel, along one axis; axis null for one number. */
interface Bounds {
  axis: number | null
  inLow: number[]
  inHigh: number[]
  outLow: number[]
  outHigh: number[]
}

export const fakeQuantize: Lowering = async layer => {
  const levels = layer.number('levels', 0)
  const mode = layer.text('auto_broadcast', 'numpy')
  if (mode !== 'numpy' && mode !== 'none') layer.refuse(`it broadcasts in the way of ${mode}`)
  if (!Number.isInteger(levels) || levels < 2) layer.refuse(`it has ${levels} levels`)
  const bounds = await boundsOf(layer)
  const input = bounds && gridOf(bounds.inLow, bounds.inHigh, levels)
  const output = bounds && gridOf(bounds.outLow, bounds.outHigh, levels)
  if (!bounds || !input || !output || levels > 65536) return byArithmetic(layer, levels)

  const bits = levels <= 16 ? 4 : levels <= 256 ? 8 : 16
  const middle = Math.floor(levels / 2)
  const signed = [...input.zero, ...output.zero].every(zero => zero === middle)
  const lowest = signed ? middle : 0
  const dtype: DType = `${signed ? 'int' : 'uint'}${bits}`
  const real = layer.dtype(0) === 'float16' ? 'float16' : 'float32'
  const shape = bounds.axis === null ? [] : [input.scale.length]
  const parameters = ({ scale, zero }: Grid): string[] => [
    layer.constant(realTensor(real, shape, scale)),
    layer.constant(
      packed(
        dtype,
        shape,
        zero.map(z => z - lowest),
      ),
    ),
  ]
  const attributes: Attributes = bounds.axis === null ? {} : { axis: bounds.axis }
  const fills = levels === 1 << bits // every code of the type is a level
  const x = fills ? layer.input(0) : clipped(layer, bounds)
  const quantised = layer.node('QuantizeLinear', [x, ...parameters(input)], attributes)
  layer.give('DequantizeLinear', [quantised, ...parameters(output)], attributes)
}

/** The four bounds over the one axis along which any of them differs; null where they are computed, or differ along several. */
async function boundsOf(layer: Layer): Promise<Bounds | null> {
  const rank = layer.dims(0).length
  const given: { numbers: number[]; shape: readonly number[] }[] = []
  for (const port of [1, 2, 3, 4]) {
    const numbers = await layer.numbers(port)
    if (!numbers) return null
    given.push({ numbers, shape: layer.dims(port).map(Number) })
  }
  const axes = new Set(
    given.flatMap(({ shape }) => shape.flatMap((n, i) => (n === 1 ? [] : [rank - shape.length + i]))),
  )
  if (axes.size > 1) return null
  const [axis = null] = axes
  const count = Math.max(...given.map(({ shape }) => elementCount(shape)))
  const [inLow, inHigh, outLow, outHigh] = given.map(({ numbers }) =>
    numbers.length === count ? numbers : new Array<number>(count).fill(numbers[0]),
  )
  return { axis, inLow, inHigh, outLow, outHigh }
}

/** Scale and zero point of levels from low to high; null where 0 is not one of them. */
function gridOf(low: readonly number[], high: readonly number[], levels: number): Grid | null {
  const scale = low.map((l, i) => (high[i] - l) / (levels - 1))
  const exact = low.map((l, i) => -l / scale[i])
  const zero = exact.map(Math.round)
  // As near as two float32 bounds can tell.
  const tolerance = Math.max(1e-3, levels * 1e-6)
  const whole = zero.every((z, i) => Math.abs(exact[i] - z) < tolerance && z >= 0 && z < levels)
  return whole && scale.every(s => s > 0 && s < Number.POSITIVE_INFINITY) ? { scale, zero } : null
}

function clipped(layer: Layer, { axis }: Bounds): string {
  if (axis === null) return layer.node('Clip', [layer.input(0), scalarOf(layer, 1), scalarOf(layer, 2)])
  return layer.node('Min', [layer.node('Max', [layer.input(0), layer.input(1)]), layer.input(2)])
}

const scalarOf = (layer: Layer, port: number): string =>
  layer.dims(port).length === 0 ? layer.input(port) : layer.node('Reshape', [layer.input(port), layer.whole64([])])

/** Clipped, counted in steps from the lower bound, rounded, and laid on the output's levels. */
function byArithmetic(layer: Layer, levels: number): void {
  const [x, inLow, inHigh, outLow, outHigh] = [0, 1, 2, 3, 4].map(port => layer.input(port))
  const steps = layer.scalar(levels - 1, layer.dtype(0))
  const from = layer.node('Min', [inLow, inHigh])
  const to = layer.node('Max', [inLow, inHigh])
  const inside = layer.node('Min', [layer.node('Max', [x, from]), to])
  const share = layer.node('Div', [layer.node('Sub', [inside, inLow]), layer.node('Sub', [inHigh, inLow])])
  const level = layer.node('Round', [layer.node('Mul', [share, steps])])
  const step = layer.node('Div', [layer.node('Sub', [outHigh, outLow]), steps])
  layer.give('Add', [layer.node('Mul', [level, step]), outLow])
}
