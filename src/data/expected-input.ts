// What is expected of an input before anything is fed: by the input spec, or where there is none, by the weights that read it.
import { readFloats } from '../ir/bytes.ts'
import { type ChannelNormals, unclipped } from '../ir/channel-normals.ts'
import type { Bytes } from '../ir/context.ts'
import { attrInt, type Model, requiredInputs, type ValueName } from '../ir/model.ts'
import type { InputSpec } from './input-spec.ts'
import { resolveInput } from './resolve-input.ts'

// Of photographs, whose pixels go from 0 to 255.
const [pixelMean, pixelDeviation] = [127.5, 64]

/** Channels of each input of floats; none of an input whose channels are not known. */
export async function expectedInputs(
  model: Model,
  spec: InputSpec,
  bytes: Pick<Bytes, 'read'>,
): Promise<Map<ValueName, ChannelNormals>> {
  const resolved = resolveInput(spec, model)
  const expected = new Map<ValueName, ChannelNormals>()
  for (const name of requiredInputs(model.graph)) {
    const { shape, dtype } = model.graph.values.get(name)!
    const image = resolved[name]
    if (dtype !== 'float32' || !shape) continue
    if (image) {
      const { layout, scale, mean, std } = image
      const axis = layout === 'NCHW' ? shape.length - 3 : shape.length - 1
      const of = (pixel: number): Float64Array => Float64Array.from(mean, (m, c) => (pixel * scale - m) / std[c])
      const [dark, light] = [of(0), of(255)]
      expected.set(name, {
        axis,
        mean: of(pixelMean),
        deviation: Float64Array.from(std, s => Math.abs((pixelDeviation * scale) / s)),
        low: dark.map((v, c) => Math.min(v, light[c])),
        high: light.map((v, c) => Math.max(v, dark[c])),
      })
      continue
    }
    const width = shape[1]
    if (typeof width !== 'number' || width <= 0) continue
    const deviation = await expectedDeviation(model, name, bytes)
    expected.set(name, unclipped(1, new Float64Array(width), new Float64Array(width).fill(deviation)))
  }
  return expected
}

const through = new Set(['Reshape', 'Transpose', 'Squeeze', 'Unsqueeze', 'Flatten', 'Identity', 'Pad'])

/**
 * The deviation of white noise at which the layers that read an input give values of deviation 1, as networks are normalised to; 1 where no
 * layer with constant weights reads it.
 */
export async function expectedDeviation(
  { graph }: Model,
  name: ValueName,
  bytes: Pick<Bytes, 'read'>,
): Promise<number> {
  let [squares, outputs] = [0, 0]
  const waiting = [name]
  for (const value of waiting)
    for (const node of graph.nodes.filter(n => n.inputs[0] === value)) {
      if (through.has(node.op)) waiting.push(...node.outputs.filter(o => o !== null))
      if (node.op !== 'Conv' && node.op !== 'Gemm' && node.op !== 'MatMul') continue
      const weight = graph.values.get(node.inputs[1] ?? '')?.data
      if (weight?.dtype !== 'float32' || weight.shape.length < 2) continue
      const outFirst = node.op === 'Conv' || attrInt(node, 'transB', 0) !== 0
      for (const w of await readFloats(bytes, weight)) squares += w * w
      outputs += outFirst ? weight.shape[0] : weight.shape[1]
    }
  return squares > 0 ? Math.sqrt(outputs / squares) : 1
}
