// Bias correction by BatchNorm statistics (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction",
// section 4.2.1): rounding shifts the mean of a layer's output by sum of (Wq - W) E[x], with E[x] of each input channel the mean of a
// clipped normal variable; the bias takes that back, and what repairs before this one moved it by. Nothing is run; borders that are
// padded are taken for inner ones.
import { readFloats } from '../../../ir/bytes.ts'
import { momentsOf } from '../../../ir/channel-normals.ts'
import type { Bytes } from '../../../ir/context.ts'
import type { Model, Node, NodeId } from '../../../ir/model.ts'
import { roundTripTensor } from '../../../ir/quant.ts'
import { eachWeight, widthsOf } from '../channel-ties.ts'
import { correctable, shifted } from './biases.ts'
import type { WeightRepair } from './types.ts'

async function biasOf({ id }: Node, { graph }: Model, bytes: Bytes): Promise<Float32Array | null> {
  const name = graph.nodes.find(n => n.id === id)?.inputs[2]
  const tensor = name == null ? null : graph.values.get(name)?.data
  return tensor ? readFloats(bytes, tensor) : null
}

const layersWithWeights = new Set(['Conv', 'Gemm', 'MatMul', 'ConvTranspose'])

export const correctBiasAnalytic = {
  id: 'correct-bias-analytic',
  label: 'Correct biases by BatchNorm statistics',
  when: 'after-plan',
  needsData: false,
  async run({ float, model, plan, normals }, _samples, ctx) {
    const shifts = new Map<NodeId, Float64Array>()
    const layers = correctable(model, plan).filter(node => layersWithWeights.has(node.op))
    for (const node of layers) {
      const x = normals?.get(node.inputs[0]!)
      const name = node.inputs[1]!
      const params = plan.weights.get(name)!
      const rounded = model.graph.values.get(name)!.data!
      const exact = float.graph.values.get(name)?.data
      const { from, to } = widthsOf(node, rounded)
      if (!x || !exact || x.mean.length !== from) continue
      const { mean } = momentsOf(x)
      const w = await readFloats(ctx.bytes, exact)
      const q = roundTripTensor(await readFloats(ctx.bytes, rounded), rounded.shape, params)
      const [bias, before] = [await biasOf(node, model, ctx.bytes), await biasOf(node, float, ctx.bytes)]
      const at = (b: Float32Array | null, o: number): number => b?.[b.length === 1 ? 0 : o] ?? 0
      const shift = Float64Array.from({ length: to }, (_, o) => at(bias, o) - at(before, o))
      eachWeight(node, rounded, (i, input, output) => {
        shift[output] += (q[i] - w[i]) * mean[input]
      })
      shifts.set(node.id, shift)
    }
    const left = layers.length - shifts.size
    const notes =
      left === 0
        ? []
        : [`${left} of ${layers.length} biases were not corrected: BatchNorm statistics do not reach their layers.`]
    return { ...(await shifted(model, plan, shifts, ctx)), notes }
  },
} as const satisfies WeightRepair
