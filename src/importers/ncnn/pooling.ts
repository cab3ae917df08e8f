// Pooling, with ncnn's four ways to pad. Tencent/ncnn: src/layer/pooling.cpp.
// Mode 0, "full": the last window may reach past the padded end, and the end is padded further. Mode 1, "valid": it may not.
import { type NcnnLayer, paramInt } from '../../formats/ncnn-param.ts'
import { int, ints, string } from '../../ir/model.ts'
import type { AttrList } from '../layer-graph.ts'
import type { NcnnReader, NcnnReaders } from './types.ts'

const pooling =
  (axes: 1 | 2): NcnnReader =>
  (layer, { graph }) => {
    const [x] = layer.inputs
    const op = paramInt(layer, 0, 0) === 0 ? 'MaxPool' : 'AveragePool'
    if (paramInt(layer, 4, 0) !== 0) {
      // Of all that is left of a map, ncnn makes a vector.
      const pooled = graph.node(`Global${op}`, [x])
      graph.node('Flatten', [pooled], layer.outputs, { axis: int(1) })
      return
    }
    const window =
      paramInt(layer, 7, 0) !== 0 ? adaptive(layer, axes, graph.shape(x)) : fixed(layer, axes, graph.shape(x))
    if (window === 'whole') graph.node(`Global${op}`, [x], layer.outputs)
    else if (window === null)
      throw graph.refuse(
        'the size of its input is not known or no multiple of its output',
        'Give the shape of the input.',
      )
    else {
      // What SAME pads by is counted whatever is said.
      const counts = window.auto_pad ? 1 : paramInt(layer, 6, 0)
      const counted: AttrList = op === 'AveragePool' ? { count_include_pad: int(counts) } : {}
      graph.node(op, [x], layer.outputs, { ...window, ...counted })
    }
  }

type Shape = readonly (number | string | null)[] | null

/** The output's size is given; only where the input's is a multiple of it is it a pooling of one window. */
function adaptive(layer: NcnnLayer, axes: 1 | 2, shape: Shape): AttrList | 'whole' | null {
  const w = paramInt(layer, 8, 0)
  const wanted = axes === 2 ? [paramInt(layer, 18, w), w] : [w]
  if (wanted.every(size => size === 1)) return 'whole'
  const steps = wanted.map((size, i) => {
    const given = shape?.[2 + i]
    return typeof given !== 'number' ? Number.NaN : size === -233 ? 1 : given / size
  })
  return steps.every(Number.isInteger) ? { kernel_shape: ints(steps), strides: ints(steps) } : null
}

function fixed(layer: NcnnLayer, axes: 1 | 2, shape: Shape): AttrList {
  const of = (w: number, h: number, fallback: number): number[] => {
    const first = paramInt(layer, w, fallback)
    return axes === 2 ? [paramInt(layer, h, first), first] : [first]
  }
  const kernel = of(1, 11, 0)
  const strides = of(2, 12, 1)
  const left = paramInt(layer, 3, 0)
  const top = paramInt(layer, 13, left)
  const begins = axes === 2 ? [top, left] : [left]
  const ends = axes === 2 ? [paramInt(layer, 15, top), paramInt(layer, 14, left)] : [paramInt(layer, 14, left)]
  const attrs: AttrList = { kernel_shape: ints(kernel), strides: ints(strides) }
  const mode = paramInt(layer, 5, 0)
  if (mode === 2 || mode === 3) return { ...attrs, auto_pad: string(mode === 2 ? 'SAME_UPPER' : 'SAME_LOWER') }
  if (mode === 1) return { ...attrs, pads: ints([...begins, ...ends]) }
  const tails = kernel.map((k, i) => {
    const size = shape?.[2 + i]
    if (strides[i] === 1) return 0
    if (typeof size !== 'number') return null
    const tail = (size + begins[i] + ends[i] - k) % strides[i]
    return tail === 0 ? 0 : strides[i] - tail
  })
  // Where sizes are not known yet, ceil_mode says the same but for windows that lie in the padding alone.
  if (tails.includes(null)) return { ...attrs, pads: ints([...begins, ...ends]), ceil_mode: int(1) }
  return { ...attrs, pads: ints([...begins, ...ends.map((end, i) => end + (tails[i] ?? 0))]) }
}

export const poolings: NcnnReaders = { Pooling: pooling(2), Pooling1D: pooling(1) }
