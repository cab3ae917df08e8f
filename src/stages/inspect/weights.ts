// Weights that spoil everything: NaN and infinities; and channels that are all zero, which compute nothing.
import { type DType, isFloat, viewAs } from '../../base/dtype.ts'
import type { Bytes } from '../../ir/context.ts'
import type { Model, NodeId, ValueName } from '../../ir/model.ts'
import type { Tensor } from '../../ir/tensor.ts'
import { isElementwise, isLayoutOnly, weightOf } from '../../ops/facts.ts'
import { eachConstantRead } from './constants.ts'

export interface BadWeights {
  value: ValueName
  node: NodeId
  nan: number
  inf: number
}

export interface ZeroChannels {
  value: ValueName
  node: NodeId
  channels: readonly number[] // along the axis of the output channels
}

/** Constants that hold NaN, or infinities where they are multiplied with. Masks and bounds may well be infinite. */
export async function checkWeights(model: Model, bytes: Bytes): Promise<BadWeights[]> {
  const reads = new Map<ValueName, { node: NodeId; tensor: Tensor; multiplied: boolean }>()
  eachConstantRead(model.graph, ({ node, value, tensor }) => {
    if (!isFloat(tensor.dtype)) return
    const multiplied = !isElementwise(node) && !isLayoutOnly(node)
    const known = reads.get(value)
    if (known) known.multiplied ||= multiplied
    else reads.set(value, { node: node.id, tensor, multiplied })
  })
  const bad: BadWeights[] = []
  for (const [value, { node, tensor, multiplied }] of reads) {
    const { nan, inf } = countBad(tensor.dtype, await bytes.read(tensor))
    if (nan > 0 || (inf > 0 && multiplied)) bad.push({ value, node, nan, inf })
  }
  return bad
}

/** Exponent masks of the formats: all exponent bits set means NaN with, infinity without, mantissa bits. */
function countBad(dtype: DType, data: Uint8Array): { nan: number; inf: number } {
  let nan = 0
  let inf = 0
  if (dtype === 'float64') {
    for (const x of viewAs(dtype, data)) {
      if (Number.isNaN(x)) nan++
      else if (!Number.isFinite(x)) inf++
    }
    return { nan, inf }
  }
  const single = dtype === 'float32'
  const bits = viewAs(single ? 'uint32' : 'uint16', data)
  const exponent = single ? 0x7f800000 : dtype === 'float16' ? 0x7c00 : 0x7f80
  const magnitude = single ? 0x7fffffff : 0x7fff
  for (let i = 0; i < bits.length; i++) {
    const m = Number(bits[i]) & magnitude
    if (m > exponent) nan++
    else if (m === exponent) inf++
  }
  return { nan, inf }
}

/** Output channels whose weights are all zero. */
export async function zeroChannels(model: Model, bytes: Bytes): Promise<ZeroChannels[]> {
  const found: ZeroChannels[] = []
  for (const node of model.graph.nodes) {
    const weight = weightOf(node, model.graph)
    const tensor = weight && model.graph.values.get(weight.name)?.data
    if (!weight || weight.lookup || !tensor || weight.axis === null || !isFloat(tensor.dtype)) continue
    const channels = zeroAlong(tensor, weight.axis, await bytes.read(tensor))
    if (channels.length > 0) found.push({ value: weight.name, node: node.id, channels })
  }
  return found
}

/** Indices along an axis at which every element is a zero (all bits but the sign). */
function zeroAlong(tensor: Tensor, axis: number, data: Uint8Array): number[] {
  const count = tensor.shape[axis]
  const inner = tensor.shape.slice(axis + 1).reduce((a, b) => a * b, 1)
  const width = tensor.dtype === 'float64' ? 8 : tensor.dtype === 'float32' ? 4 : 2
  const used = new Uint8Array(count)
  const elements = Math.floor(data.length / width)
  for (let i = 0; i < elements; i++) {
    const channel = Math.floor(i / inner) % count
    if (used[channel]) continue
    const at = i * width
    let any = data[at + width - 1] & 0x7f
    for (let b = 0; b < width - 1; b++) any |= data[at + b]
    if (any !== 0) used[channel] = 1
  }
  return elements === 0 ? [] : [...used.keys()].filter(c => !used[c])
}
