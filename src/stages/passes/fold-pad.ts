// A Pad with zeros along height and width becomes the padding of the convolution after it; of an AveragePool only where its own padding
// counts as zeros too (count_include_pad) or there is none. MaxPool pads with -infinity, so that it never can.
import type { Editor } from '../../ir/edit.ts'
import { attrFloat, attrInt, attrInts, attrString, int, ints, type Node } from '../../ir/model.ts'
import { intsOf, scalarOf } from './constant.ts'
import { shapeOf } from './known-shape.ts'
import { isOp, type Kept, kept, originOf, rule, sharedBecause } from './rule.ts'

export const foldPad = rule({
  id: 'fold-pad',
  label: 'Fold zero padding into the convolution after it',
  level: 'close',
  find(node, e, opset) {
    const x = node.inputs[0]
    const pad = isOp(node, 'Conv', 'AveragePool') && x !== null ? e.producer(x) : null
    if (x === null || !isOp(pad, 'Pad')) return null
    const shared = sharedBecause(e, x)
    if (shared) return kept(shared)
    const added = zeroPads(pad, e, opset)
    if ('why' in added) return added
    const spatial = added.length / 2 - 2
    if (spatial < 1) return kept('it pads no height or width')
    const [outside, inside] = [0, 1].map(side =>
      added.slice((side * added.length) / 2, ((side + 1) * added.length) / 2),
    )
    if (outside[0] || outside[1] || inside[0] || inside[1]) return kept('it pads batch or channels')
    const auto = attrString(node, 'auto_pad', 'NOTSET')
    if (auto !== 'NOTSET' && auto !== 'VALID') return kept(`${node.op} ${node.id} computes its padding by ${auto}`)
    const own = (auto === 'NOTSET' ? attrInts(node, 'pads') : null) ?? new Array<number>(2 * spatial).fill(0)
    const pads = own.map((n, i) => n + (i < spatial ? outside[i + 2] : inside[i - spatial + 2]))
    if (node.op === 'AveragePool') {
      const counted = attrInt(node, 'count_include_pad', 0) !== 0
      if (!counted && own.some(n => n !== 0)) return kept('its own padding does not count in the average')
      if (attrInt(node, 'ceil_mode', 0)) return kept('it rounds its size up')
      const kernel = attrInts(node, 'kernel_shape') ?? []
      if (opset < 7 || pads.some((n, i) => n >= kernel[i % spatial]))
        return kept('the padding is as large as the window')
    }
    return {
      apply() {
        const attrs = new Map(node.attrs)
        attrs.delete('auto_pad')
        attrs.set('pads', ints(pads))
        if (node.op === 'AveragePool') attrs.set('count_include_pad', int(1))
        e.updateNode(node.id, { inputs: [pad.inputs[0], ...node.inputs.slice(1)], attrs, origin: originOf(pad, node) })
        return `took over the padding of ${pad.id}`
      },
    }
  },
})

/** Begin and end of every axis, of a Pad with constant zeros. */
function zeroPads(pad: Node, e: Editor, opset: number): number[] | Kept {
  if (attrString(pad, 'mode', 'constant') !== 'constant') return kept('it does not pad with a constant')
  const filling = pad.inputs[2] ?? null
  const value = opset < 11 ? attrFloat(pad, 'value', 0) : filling === null ? 0 : scalarOf(e, filling)
  if (value !== 0) return kept('it does not pad with zeros')
  const pads = opset < 11 ? (attrInts(pad, 'pads') ?? attrInts(pad, 'paddings')) : intsOf(e, pad.inputs[1] ?? null)
  if (!pads) return kept('how much it pads is not constant')
  if (pads.some(n => n < 0)) return kept('it crops')
  const axesName = opset >= 18 ? (pad.inputs[3] ?? null) : null
  if (axesName === null) return pads
  const rank = shapeOf(e, pad.inputs[0])?.length ?? null
  const axes = intsOf(e, axesName)
  if (rank === null || !axes) return kept('the axes that it pads are not known')
  const all = new Array<number>(2 * rank).fill(0)
  for (const [i, axis] of axes.entries()) {
    const at = axis < 0 ? axis + rank : axis
    all[at] = pads[i]
    all[at + rank] = pads[i + axes.length]
  }
  return all
}
