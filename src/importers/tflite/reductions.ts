// Reductions, products of matrices, and what picks by value.
import { elementCount, onnxCode } from '../../base/dtype.ts'
import { int, ints } from '../../ir/model.ts'
import type { Translate } from './convolutions.ts'
import { toNchw } from './graph.ts'

const reduce =
  (operator: string): Translate =>
  (g, op) => {
    const [x, axesIndex] = op.inputs
    const y = op.outputs[0]
    const rank = g.rank(x)
    const keep = Boolean(op.options.keepDims)
    const axes = g.needNumbers(axesIndex, 'axes')
    // What is left of an image must come out in the file's order.
    const gone = axes.map(axis => g.axisIn(axis, rank, 'plain'))
    const left = toNchw.filter(axis => !gone.includes(axis))
    const inOrder = keep || left.every((axis, i) => i === 0 || left[i - 1] < axis)
    const form = g.home(x) === 'nchw' && inOrder ? 'nchw' : 'plain'
    const mapped = gone.map(axis => g.axisIn(axis, rank, form)).sort((a, b) => a - b)
    if (operator === 'ReduceMean' && form === 'nchw' && keep && mapped.join() === '2,3') {
      g.give(y, 'nchw', 'GlobalAveragePool', [g.real(x, 'nchw')])
      return
    }
    const inputs = [g.real(x, form), g.int64('axes', mapped)]
    g.give(y, keep ? form : 'plain', operator, inputs, { keepdims: int(keep ? 1 : 0) })
  }

const argument =
  (operator: string): Translate =>
  (g, op) => {
    const [x, axisIndex] = op.inputs
    const [axis] = g.needNumbers(axisIndex, 'axis')
    const attrs = { axis: int(g.axisIn(axis, g.rank(x), 'plain')), keepdims: int(0) }
    const index = g.step(operator, [g.real(x)], attrs)
    g.give(op.outputs[0], 'plain', 'Cast', [index], { to: int(onnxCode(g.tensor(op.outputs[0]).dtype)) })
  }

const topK: Translate = (g, op) => {
  const [x, k] = op.inputs
  const [values, indices] = op.outputs
  const count = g.int64('k', g.needNumbers(k, 'count').slice(0, 1))
  const places = g.fresh(`${op.id}_places`)
  const found = g.fresh(`${op.id}_values`)
  g.add('TopK', [g.real(x), count], [found, places])
  g.give(values, 'plain', 'Identity', [found])
  if (indices !== undefined) g.give(indices, 'plain', 'Cast', [places], { to: int(onnxCode(g.tensor(indices).dtype)) })
}

const batchMatMul: Translate = (g, op) => {
  const swapped = (index: number, swap: boolean): string => {
    const rank = g.rank(index)
    const perm = Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i))
    if (!swap) return g.real(index)
    return g.isConstant(index) ? g.weight(index, perm) : g.step('Transpose', [g.real(index)], { perm: ints(perm) })
  }
  const [a, b] = op.inputs
  const inputs = [swapped(a, Boolean(op.options.adjX)), swapped(b, Boolean(op.options.adjY))]
  g.give(op.outputs[0], 'plain', 'MatMul', inputs)
}

const cumulative: Translate = (g, op) => {
  const [x, axis] = op.inputs
  const along = g.int64('axis', g.needNumbers(axis, 'axis').slice(0, 1), [])
  const attrs = { exclusive: int(Number(op.options.exclusive ?? 0)), reverse: int(Number(op.options.reverse ?? 0)) }
  g.give(op.outputs[0], 'plain', 'CumSum', [g.real(x), along], attrs)
}

const oneHot: Translate = (g, op) => {
  const [indices, depth, on, off] = op.inputs
  if (elementCount(g.tensor(depth).shape) !== 1) throw g.refused('has more than one depth')
  const scalar = (index: number): string => g.step('Reshape', [g.real(index), g.int64('one', [1])])
  const values = g.step('Concat', [scalar(off), scalar(on)], { axis: int(0) })
  const axis = Number(op.options.axis ?? 0)
  g.give(op.outputs[0], 'plain', 'OneHot', [g.real(indices), g.real(depth), values], { axis: int(axis) })
}

export const reductions: Readonly<Record<string, Translate>> = {
  MEAN: reduce('ReduceMean'),
  SUM: reduce('ReduceSum'),
  REDUCE_MAX: reduce('ReduceMax'),
  REDUCE_MIN: reduce('ReduceMin'),
  REDUCE_PROD: reduce('ReduceProd'),
  ARG_MAX: argument('ArgMax'),
  ARG_MIN: argument('ArgMin'),
  TOPK_V2: topK,
  BATCH_MATMUL: batchMatMul,
  CUMSUM: cumulative,
  ONE_HOT: oneHot,
}
