// What attention takes out of one joint product: Reshape and Transpose to five dimensions with queries, keys and values in front, and a
// part of them. It is a part of the product's own rows, for runtimes whose arrays have no more than three dimensions beside the batch.
import type { Editor } from '../../ir/edit.ts'
import { attrInt, attrInts, ints, type Node } from '../../ir/model.ts'
import { int64s } from '../../ir/tensor.ts'
import { intsOf } from './constant.ts'
import { sameDim } from './known-shape.ts'
import { isOp, originOf, rule } from './rule.ts'
import { sliceOf } from './slice.ts'

export const splitHeads = rule({
  id: 'split-heads',
  label: 'Take queries, keys and values out of their product one by one',
  level: 'exact',
  onRequest: true,
  find(node, e, opset) {
    const part = partOf(node, e, opset)
    const transpose = part && e.producer(part.from)
    const reshape = isOp(transpose, 'Transpose') ? e.producer(transpose.inputs[0]!) : null
    if (!part || !isOp(transpose, 'Transpose') || !isOp(reshape, 'Reshape') || opset < 13) return null
    const [x, wide] = [reshape.inputs[0]!, reshape.outputs[0]!].map(name => e.value(name)?.shape ?? null)
    const perm = attrInts(transpose, 'perm')
    if (!x || !wide || !perm) return null
    const last = x.length - 1
    const length = x[last]
    const inner = wide.slice(last)
    // Only the last dimension is divided, and the parts are its first division.
    if (
      !x.slice(0, last).every((d, i) => sameDim(d, wide[i])) ||
      perm[0] !== last ||
      typeof length !== 'number' ||
      !inner.every(d => typeof d === 'number')
    )
      return null
    const [count, ...rest] = inner as number[]
    if (part.index < 0 || part.index >= count) return null
    return {
      apply() {
        const [y] = node.outputs
        const origin = originOf(reshape, transpose, ...part.nodes)
        const add = (op: string, inputs: string[]): string => {
          const output = e.freshName(`${y}.${op.toLowerCase()}`)
          e.addNode({ op, inputs, outputs: [output], origin })
          return output
        }
        const numbers = (wish: string, values: number[]): string => e.addInitializer(`${y}.${wish}`, int64s(values))
        const size = length / count
        const bounds = [part.index * size, (part.index + 1) * size]
        const [from, to] = [numbers('from', [bounds[0]]), numbers('to', [bounds[1]])]
        const own = add('Slice', [reshape.inputs[0]!, from, to, numbers('axis', [last])])
        // 0 keeps a dimension as it is.
        const shaped = add('Reshape', [own, numbers('shape', [...x.slice(0, last).map(() => 0), ...rest])])
        const order = perm.slice(1).map(axis => (axis > last ? axis - 1 : axis))
        e.updateNode(node.id, { op: 'Transpose', inputs: [shaped], attrs: new Map([['perm', ints(order)]]), origin })
        return `became a part of ${reshape.inputs[0]}`
      },
    }
  },
})

/** A node that takes one of what lies along the first dimension, without it. */
function partOf(node: Node, e: Editor, opset: number): { from: string; index: number; nodes: Node[] } | null {
  if (isOp(node, 'Gather') && node.inputs[0] && attrInt(node, 'axis', 0) === 0) {
    const index = e.constant(node.inputs[1] ?? null)
    const [at, ...others] = index?.shape.length === 0 ? (intsOf(e, node.inputs[1]!) ?? []) : []
    return at !== undefined && others.length === 0 ? { from: node.inputs[0], index: at, nodes: [node] } : null
  }
  if (!isOp(node, 'Squeeze') || !node.inputs[0]) return null
  const axes = opset < 13 ? attrInts(node, 'axes') : intsOf(e, node.inputs[1] ?? null)
  const slice = e.producer(node.inputs[0])
  if (axes?.join() !== '0' || !isOp(slice, 'Slice') || !slice.inputs[0]) return null
  const cut = sliceOf(slice, e, opset)
  const one = cut?.axes.join() === '0' && cut.steps[0] === 1 && cut.ends[0] === cut.starts[0] + 1
  return one ? { from: slice.inputs[0], index: cut.starts[0], nodes: [slice, node] } : null
}
