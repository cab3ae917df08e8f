// int8 layers of ncnn as Q/DQ. Scales are multipliers there: code = round(real * scale), of -127..127, so that an ONNX scale is 1 / scale.
// A layer quantises what it is given unless it comes as int8 already; with 100 added to its code it gives int8 itself.
// Tencent/ncnn: src/layer/convolution.cpp, convolutiondepthwise.cpp, innerproduct.cpp (load_model, forward_int8).
import { type NcnnLayer, paramInt } from '../../formats/ncnn-param.ts'
import { int } from '../../ir/model.ts'
import { elements, packed, type Tensor } from '../../ir/tensor.ts'
import type { LayerGraph } from '../layer-graph.ts'
import type { NcnnContext, NcnnWeights } from './types.ts'

export interface Int8Scales {
  weight: Float32Array // one for each output channel, or group, or one
  input: number
  output: number | null
}

/** The scales that stand after weight and bias; null for a float layer. `channels` says how many scales the weight has. */
export async function int8Scales(
  layer: NcnnLayer,
  weights: NcnnWeights,
  graph: LayerGraph,
  channels: (code: number) => number,
): Promise<Int8Scales | null> {
  const term = paramInt(layer, 8, 0)
  if (term === 0) return null
  const code = term % 100
  if (code !== 1 && code !== 2)
    throw graph.refuse(`its int8 scales are of the kind ${term}`, 'Quantise the model again with ncnn2int8.')
  const weight = await weights.floats(channels(code))
  const [input] = await weights.floats(1)
  const [output = null] = term > 100 ? await weights.floats(1) : []
  const sound = (scale: number): boolean => scale > 0 && Number.isFinite(scale)
  // A channel of zeros has no scale: ncnn writes 0 or infinity for it.
  if (!sound(input) || (output !== null && !sound(output)) || weight.some(Number.isNaN))
    throw graph.refuse('an int8 scale is not a number above zero', 'Quantise the model again with ncnn2int8.')
  return { weight, input, output }
}

/** The unit of codes whose reals are multiplied by `scale`. */
export const inverse = (scale: number): number => (scale > 0 && Number.isFinite(scale) ? Math.fround(1 / scale) : 1)

/** Quantises and dequantises an activation; codes go from -127. */
function throughInt8(graph: LayerGraph, x: string, what: string, multiplier: number, output?: string): string {
  const scale = graph.floats(`${what}_scale`, [inverse(multiplier)], [])
  const zero = graph.constant(`${what}_zero_point`, packed('int8', [], [0]))
  const codes = graph.node('QuantizeLinear', [x, scale, zero])
  return graph.node('DequantizeLinear', [codes, scale, zero], output === undefined ? undefined : [output])
}

/** The input of an int8 layer: as it is where the layer before gave int8. */
export function quantizedInput({ graph, int8 }: NcnnContext, x: string, { input }: Int8Scales): string {
  const given = int8.get(graph.resolve(x))
  if (given === undefined) return throughInt8(graph, x, 'input', input)
  if (Math.abs(given - input) > 1e-6 * given)
    throw graph.refuse(
      `it takes int8 at the scale ${input}, and the layer before gives it at ${given}`,
      'Quantise the model again with ncnn2int8.',
    )
  return x
}

/** The output of an int8 layer that gives int8. */
export function requantized({ graph, int8 }: NcnnContext, x: string, output: string, multiplier: number): void {
  throughInt8(graph, x, 'output', multiplier, output)
  int8.set(output, multiplier)
}

/** The weight of an int8 layer behind DequantizeLinear: codes as they lie in the file, or made of floats as ncnn does when it loads them. */
export async function quantizedWeight(
  { graph, weights }: NcnnContext,
  weight: Tensor,
  shape: readonly number[],
  scales: Float32Array,
): Promise<string> {
  const [channels] = shape
  const perScale = elements({ shape }) / scales.length
  const codes =
    weight.dtype === 'int8'
      ? { ...weight, shape }
      : packed(
          'int8',
          shape,
          (await weights.read(weight)).map((w, i) => {
            const scaled = Math.fround(w * scales[Math.floor(i / perScale)])
            return Math.max(-127, Math.min(127, Math.sign(scaled) * Math.floor(Math.abs(scaled) + 0.5)))
          }),
        )
  const name = graph.constant('weight', codes)
  const each = channels / scales.length
  const list = Array.from({ length: channels }, (_, i) => inverse(scales[Math.floor(i / each)]))
  const scale = graph.floats('weight_scale', list)
  const zero = graph.constant('weight_zero_point', packed('int8', [channels], new Int8Array(channels)))
  return graph.node('DequantizeLinear', [name, scale, zero], undefined, { axis: int(0) })
}
