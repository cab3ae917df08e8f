// Conv, ConvTranspose and Gemm as what they have in common: y[c] = W[c] * x + b[c] for each output channel c. What follows them and is
// affine per channel, k[c] y[c] + t[c], goes into the weights: W'[c] = k[c] W[c], b'[c] = k[c] b[c] + t[c], computed in float64, rounded once.
import { elementCount } from '../../base/dtype.ts'
import type { Editor } from '../../ir/edit.ts'
import { attrFloat, attrInt, type Node, type ValueName } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'
import { canCompute, fromNumbers, toNumbers } from './constant.ts'
import { isOp, type Kept, kept, originOf, type Read, sharedBecause } from './rule.ts'

export interface Linear {
  node: Node
  weight: Tensor
  bias: Tensor | null
  channels: number
  rank: number // of the output; the channel is axis 1
}

/** The linear node that makes `name`, if what follows may be folded into it; `Kept` says why not; null where it is something else. */
export function linearBefore(e: Editor, name: ValueName): Linear | Kept | null {
  const node = e.producer(name)
  if (!isOp(node, 'Conv', 'ConvTranspose', 'Gemm')) return null
  const shared = sharedBecause(e, name)
  if (shared) return kept(shared)
  const weight = e.constant(node.inputs[1])
  if (!weight) return kept(`the weights of ${node.id} are not constant`)
  if (!canCompute(weight.dtype)) return kept(`the weights of ${node.id} are ${weight.dtype}`)
  const biasName = node.inputs[2] ?? null
  const bias = e.constant(biasName)
  if (biasName !== null && !bias) return kept(`the bias of ${node.id} is not constant`)
  const { shape } = weight
  const channels =
    node.op === 'Conv'
      ? shape[0]
      : node.op === 'ConvTranspose'
        ? shape[1] * attrInt(node, 'group', 1)
        : shape[attrInt(node, 'transB', 0) ? 0 : 1]
  if (bias && !isPerChannel(bias.shape, channels, node.op === 'Gemm' ? 2 : 1, node.op === 'Gemm' ? 1 : 0))
    return kept(`the bias of ${node.id} is not one number per channel`)
  return { node, weight, bias, channels, rank: shape.length }
}

/** Whether a constant of `shape`, broadcast to a tensor of `rank`, gives each channel one number and enlarges nothing. */
export function isPerChannel(shape: readonly number[], channels: number, rank: number, axis = 1): boolean {
  if (shape.length > rank) return false
  const from = rank - shape.length
  return shape.every((dim, i) => dim === 1 || (i + from === axis && dim === channels))
}

/** One number per channel out of a constant that `isPerChannel`. */
export const perChannel = (values: Float64Array, channels: number): Float64Array =>
  values.length === channels ? values : new Float64Array(channels).fill(values[0])

/** The tensors that `foldAffine` will read. */
export const readsOf = (linear: Linear): Tensor[] => (linear.bias ? [linear.weight, linear.bias] : [linear.weight])

/** Puts k y + t into the linear node, which now makes what `after` made. */
export function foldAffine(
  e: Editor,
  linear: Linear,
  after: Node,
  k: Float64Array | null,
  t: Float64Array | null,
  read: Read,
): Kept | null {
  const { node, weight, channels } = linear
  const { dtype } = weight
  const beta = node.op === 'Gemm' ? attrFloat(node, 'beta', 1) : 1
  const b = new Float64Array(channels)
  if (linear.bias) {
    const old = perChannel(toNumbers(dtype, read(linear.bias), elementCount(linear.bias.shape)), channels)
    for (let c = 0; c < channels; c++) b[c] = beta * old[c]
  }
  for (let c = 0; c < channels; c++) b[c] = b[c] * (k ? k[c] : 1) + (t ? t[c] : 0)
  const newBias = t || linear.bias ? fromNumbers(dtype, [channels], b) : null
  const newWeight = k ? scaled(linear, k, read) : null
  for (const tensor of [newWeight, newBias])
    if (tensor && !toNumbers(dtype, tensor.data as Uint8Array, elementCount(tensor.shape)).every(Number.isFinite))
      return kept('the folded weights would not be finite')

  const [x, oldWeight] = node.inputs
  const inputs: (ValueName | null)[] = [x, newWeight ? put(e, node, oldWeight, 'weight', newWeight) : oldWeight]
  if (newBias) inputs.push(put(e, node, node.inputs[2] ?? null, 'bias', newBias))
  const attrs = new Map(node.attrs)
  if (newBias) attrs.delete('beta')
  e.removeNode(after.id)
  e.updateNode(node.id, { inputs, attrs, outputs: [after.outputs[0]], origin: originOf(node, after) })
  return null
}

function scaled({ node, weight, channels }: Linear, k: Float64Array, read: Read): Tensor {
  const { dtype, shape } = weight
  const w = toNumbers(dtype, read(weight), elementCount(shape))
  if (node.op === 'Conv' || (node.op === 'Gemm' && attrInt(node, 'transB', 0))) {
    const per = w.length / channels // [out, ...]
    for (let i = 0; i < w.length; i++) w[i] *= k[Math.floor(i / per)]
  } else if (node.op === 'Gemm') {
    for (let i = 0; i < w.length; i++) w[i] *= k[i % channels] // [in, out]
  } else {
    const [inner, perGroup] = shape // [in, out/groups, kh, kw]; inputs of a group make the outputs of that group
    const area = elementCount(shape.slice(2))
    const inputsPerGroup = inner / attrInt(node, 'group', 1)
    for (let i = 0; i < w.length; i++) {
      const input = Math.floor(i / (perGroup * area))
      const output = Math.floor(i / area) % perGroup
      w[i] *= k[Math.floor(input / inputsPerGroup) * perGroup + output]
    }
  }
  return fromNumbers(dtype, shape, w)
}

/** A changed initializer keeps its name where only this node reads it. */
function put(e: Editor, node: Node, name: ValueName | null, role: string, tensor: Tensor): ValueName {
  if (name === null) return e.addInitializer(`${node.name || node.id}.${role}`, tensor)
  const alone =
    !e.isOutput(name) && e.consumers(name).length === 1 && node.inputs.indexOf(name) === node.inputs.lastIndexOf(name)
  if (!alone) return e.addInitializer(name, tensor)
  e.setValue({ ...e.value(name), name, dtype: tensor.dtype, shape: tensor.shape, data: tensor })
  return name
}
