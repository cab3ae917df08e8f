// Operators that pick, place and sort by index.
import type { Data } from './net.ts'
import { constantOf, type Lowering, type NodeWriter } from './node.ts'

const reductions: Readonly<Record<string, string>> = { none: 'none', add: 'sum', mul: 'prod', min: 'min', max: 'max' }

function reductionOf(n: NodeWriter): string {
  const given = n.string('reduction', 'none')
  return Object.hasOwn(reductions, given) ? reductions[given] : n.refuse(`it joins by ${given}`)
}

/** A count that is kept as a vector of one. */
function count(n: NodeWriter, input: number) {
  const tensor = n.tensor(input)
  if (tensor) return constantOf(n.name(input), tensor, n.writing, [])
  return n.layer('Squeeze', [n.port(input)], {}, 1, { dims: [] })
}

const topK: Lowering = n => {
  const k = n.has(1) ? count(n, 1) : n.whole(n.int('k', 1))
  const data = {
    axis: n.int('axis', -1),
    mode: n.int('largest', 1) === 1 ? 'max' : 'min',
    sort: n.int('sorted', 1) === 1 ? 'value' : 'none',
    index_element_type: 'i64',
    stable: false,
  }
  const values = n.output(0)
  n.give('TopK', [n.port(0), k], data, 11, [values, { ...values, dtype: 'int64' }])
}

const argReduce =
  (mode: 'max' | 'min'): Lowering =>
  n => {
    if (n.int('select_last_index', 0) === 1) n.refuse('it selects the last of equals')
    const axis = n.int('axis', 0)
    const data: Data = { axis, mode, sort: 'value', index_element_type: 'i64', stable: true }
    const keeps = n.int('keepdims', 1) === 1
    const dims = n.dims(0).map((dim, i, { length }) => (i === (axis < 0 ? axis + length : axis) ? 1 : dim))
    const { net } = n.writing
    const [, places] = net.layer({
      name: keeps ? n.node.id : `${n.node.id}/TopK`,
      type: 'TopK',
      version: 11,
      data,
      inputs: [n.port(0), n.whole(1)],
      outputs: [
        { dtype: n.port(0).dtype, dims },
        { dtype: 'int64', dims },
      ],
    })
    if (keeps) return n.set(places)
    n.give('Squeeze', [places, n.whole([axis])])
  }

const oneHot: Lowering = n => {
  const values = n.must(2, 'values')
  const dtype = n.port(2).dtype
  const value = (v: number) => {
    const real = n.real(v)
    return dtype === 'float32' ? real : n.layer('ConvertLike', [real, n.port(2)], {}, 1, { dtype })
  }
  n.give('OneHot', [n.port(0), count(n, 1), value(values[1]), value(values[0])], { axis: n.int('axis', -1) })
}

export const selection: Readonly<Record<string, Lowering>> = {
  ArgMax: argReduce('max'),
  ArgMin: argReduce('min'),
  Gather: n => n.give('Gather', [n.port(0), n.port(1), n.whole(n.int('axis', 0))], { batch_dims: 0 }, 8),
  GatherElements: n => n.give('GatherElements', [n.port(0), n.port(1)], { axis: n.int('axis', 0) }, 6),
  GatherND: n => n.give('GatherND', [n.port(0), n.port(1)], { batch_dims: n.int('batch_dims', 0) }, 8),
  NonZero: n => n.give('NonZero', [n.port(0)], { output_type: 'i64' }, 3),
  OneHot: oneHot,
  ScatterElements: n =>
    n.give(
      'ScatterElementsUpdate',
      [n.port(0), n.port(1), n.port(2), n.whole(n.int('axis', 0))],
      { reduction: reductionOf(n), use_init_val: true },
      12,
    ),
  ScatterND: n => n.give('ScatterNDUpdate', [n.port(0), n.port(1), n.port(2)], { reduction: reductionOf(n) }, 15),
  TopK: topK,
}
