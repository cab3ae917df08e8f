// The weights of one layer by least squares from moments, and the model with them.
import { bytesOf } from '../../base/dtype.ts'
import type { Context } from '../../ir/context.ts'
import { edit } from '../../ir/edit.ts'
import { optimumTask, ridgeTask } from '../../ir/least-squares.ts'
import { inLots } from '../../ir/lots.ts'
import type { Model, Node, ValueName } from '../../ir/model.ts'
import { biasFor, type Moments } from '../../ir/moments.ts'
import type { Tensor } from '../../ir/tensor.ts'
import type { LayerShape } from '../../ops/patches.ts'

/** New weights, as their tensor lies; and the bias to them, where the operator takes one. */
export interface Fit {
  weights: Float32Array
  bias: Float32Array | null
}

/** The more columns to a row, the stronger the pull towards the weights as they were, as in the refit of quantised layers. */
const ridgeShare = ({ n, k }: Moments): number => 1e-3 + (0.1 * k) / n

/** Weights of least squared error, drawn towards `old`. */
export async function fitted(
  { shape, hasBias }: { shape: LayerShape; hasBias: boolean },
  moments: readonly Moments[],
  old: Float32Array,
  { perform }: Pick<Context, 'perform'>,
): Promise<Fit> {
  const { columns: k, channels, groups } = shape
  const squares = (item: { k: number }): number => item.k * item.k
  const requests = moments.map(m => ({ h: m.h, k, hasBias, share: ridgeShare(m) }))
  const ridges = await inLots(ridgeTask, requests, squares, perform)
  const optima = await inLots(
    optimumTask,
    ridges.map((ridge, group) => {
      const weights = new Float64Array(channels * k)
      for (let c = 0; c < channels; c++) for (let j = 0; j < k; j++) weights[c * k + j] = old[shape.at(group, c, j)]
      return { ridge, r: moments[group].r, weights }
    }),
    ({ ridge }) => squares(ridge),
    perform,
  )
  const weights = old.slice()
  const bias = hasBias ? new Float32Array(groups * channels) : null
  for (const [group, optimum] of optima.entries()) {
    for (let c = 0; c < channels; c++) for (let j = 0; j < k; j++) weights[shape.at(group, c, j)] = optimum[c * k + j]
    bias?.set(biasFor(moments[group], optimum), group * channels)
  }
  return { weights, bias }
}

interface Fitting {
  node: Node
  weight: ValueName
  bias: { input: number; name: ValueName | null } | null
}

/** The model with a layer's new weights; a bias that was not there, or that others read too, is a new one. */
export function withFit(model: Model, { node, weight, bias }: Fitting, fit: Fit): Model {
  const graph = edit(model.graph, editor => {
    const value = editor.value(weight)!
    editor.setValue({ ...value, data: { ...value.data!, data: bytesOf(fit.weights) } })
    if (!bias || !fit.bias) return
    const data: Tensor = { dtype: 'float32', shape: [fit.bias.length], data: bytesOf(fit.bias) }
    const old = bias.name === null ? null : editor.value(bias.name)
    if (old?.data && old.data.shape.join() === data.shape.join() && editor.consumers(old.name).length === 1) {
      editor.setValue({ ...old, data })
      return
    }
    const inputs = [...editor.node(node.id)!.inputs]
    inputs[bias.input] = editor.addInitializer(old?.name ?? `${node.id}_bias`, data)
    editor.updateNode(node.id, { inputs })
    if (old?.data && editor.consumers(old.name).length === 0 && !editor.isOutput(old.name)) editor.dropValue(old.name)
  })
  return { ...model, graph }
}
