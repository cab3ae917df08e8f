// Operators that move elements and compute nothing: Reshape, Transpose, Slice, Pad, ... Where each element goes is asked of the
// runtime, by feeding it their indices in place of the codes; the answer is kept for inputs of the same shape.
import { elementCount } from '../../../base/dtype.ts'
import { StudioError } from '../../../base/errors.ts'
import type { Session } from '../../../ir/context.ts'
import { attrString, type Model, type Node, type Value } from '../../../ir/model.ts'
import { floats, type NdArray, tensorOf } from '../../../ir/tensor.ts'
import { codeArray } from '../constants.ts'
import { clamp } from '../rounding.ts'
import type { CodeArray, IntegerOp } from '../types.ts'

// float32 counts exactly so far.
const most = 16777216

export const layout: IntegerOp = {
  types: [
    ...['Flatten', 'Reshape', 'Squeeze', 'Unsqueeze', 'Transpose', 'Slice', 'Gather', 'Tile', 'Expand', 'Pad'],
    ...['DepthToSpace', 'SpaceToDepth', 'Identity'],
  ],
  data: [0],
  moves: true,
  prepare(unit, _, lent, model) {
    const { qmin, qmax, zeroPoint } = unit.output.affine!
    let session: Promise<Session> | null = null
    let known: { key: string; shape: readonly number[]; from: Int32Array } | null = null
    return async inputs => {
      const { shape, data } = inputs[0]!
      const others = inputs.slice(1).flatMap((array, i) => (array ? [[unit.node.inputs[i + 1]!, array] as const] : []))
      const key = `${shape.join()};${others.map(([, array]) => `${array.shape.join()}:${array.data.join()}`).join(';')}`
      if (known?.key !== key) {
        const count = elementCount(shape)
        if (count > most)
          throw new StudioError('unsupported', `${unit.node.op} ${unit.node.id} moves more than ${most} elements`, {
            where: { node: unit.node.id },
            hint: 'Run the preview on fewer samples at a time.',
          })
        session ??= lent.runner.open(aloneWith(unit.node, shape.length, model))
        const feeds = {
          ...Object.fromEntries(others),
          [indices]: floats(
            shape,
            Float32Array.from({ length: count }, (_, i) => i),
          ),
        }
        const moved = (await (await session).run(feeds))[unit.node.outputs[0]!]
        known = { key, shape: moved.shape, from: Int32Array.from(moved.data as Float32Array) }
      }
      const y = codeArray(unit.output.dtype, known.from.length)
      const x = data as CodeArray
      for (let i = 0; i < y.length; i++) {
        const from = known.from[i]
        y[i] = from === padding ? zeroPoint : clamp(x[from] as number, qmin, qmax)
      }
      return { dtype: unit.output.dtype, shape: known.shape, data: y } as NdArray
    }
  },
  refuses: (unit, model) =>
    unit.node.op === 'Pad' && !padsWithZero(unit.node, model) ? 'it pads with something else than zero' : null,
}

function padsWithZero(node: Node, model: Model): boolean {
  const name = node.inputs[2]
  if (attrString(node, 'mode', 'constant') !== 'constant' || name == null) return true
  const value = model.graph.inputs.includes(name) ? null : model.graph.values.get(name)?.data
  return value?.data instanceof Uint8Array && value.data.every(byte => byte === 0)
}

// Stands for an element of the padding.
const padding = -1
const indices = 'indices'

/** The node as a model of its own, its first input being `indices`. */
function aloneWith(node: Node, rank: number, model: Model): Model {
  const values = new Map<string, Value>()
  const inputs = [indices]
  values.set(indices, { name: indices, dtype: 'float32', shape: Array(rank).fill(null), data: null })
  const names = [indices, ...node.inputs.slice(1)]
  if (node.op === 'Pad' && attrString(node, 'mode', 'constant') === 'constant') {
    names[2] = 'padding'
    values.set('padding', { name: 'padding', dtype: 'float32', shape: [], data: tensorOf(floats([], [padding])) })
  }
  for (const name of names.slice(1)) {
    const value = name === null ? undefined : model.graph.values.get(name)
    if (!value) continue
    values.set(value.name, value)
    if (!value.data) inputs.push(value.name)
  }
  const output = node.outputs[0]!
  values.set(output, { name: output, dtype: 'float32', shape: null, data: null })
  const alone: Node = { ...node, inputs: names }
  return { ...model, functions: [], graph: { name: 'layout', inputs, outputs: [output], nodes: [alone], values } }
}
