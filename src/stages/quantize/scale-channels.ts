// Channels divided by t: v' = v / t for every value of a set, W'[o, i] = W[o, i] t_i / t_o, b'[o] = b[o] / t_o. In float64, rounded once.
import { readFloats } from '../../ir/bytes.ts'
import type { Bytes } from '../../ir/context.ts'
import { edit } from '../../ir/edit.ts'
import type { Model, ValueName } from '../../ir/model.ts'
import { elements, floats, type Tensor, tensorOf } from '../../ir/tensor.ts'
import { type Addend, eachWeight, type Scalable, type Ties } from './channel-ties.ts'
import type { Normals } from './repairs/types.ts'

/** The same function; `t` has a number for each set, 1 for set 0. */
export async function scaleChannels(model: Model, ties: Ties, t: Float64Array, bytes: Bytes): Promise<Model> {
  const changed = new Map<ValueName, Tensor>()
  const read = async (tensor: Tensor): Promise<Float32Array> => (await readFloats(bytes, tensor)).slice()
  const moves = (...sets: Int32Array[]): boolean => sets.some(of => of.some(set => t[set] !== 1))

  for (const layer of ties.layers.filter(l => moves(l.input, l.output))) {
    const { name, tensor } = layer.weight
    changed.set(name, tensorOf(floats(tensor.shape, scaledWeight(layer, await read(tensor), t))))
    if (layer.bias === null) continue
    const bias = model.graph.values.get(layer.bias)!.data!
    const old = await read(bias)
    const scaled = Float32Array.from(layer.output, (set, o) => old[old.length === 1 ? 0 : o] / t[set])
    changed.set(layer.bias, tensorOf(floats(old.length === scaled.length ? bias.shape : [scaled.length], scaled)))
  }
  for (const addend of ties.addends.filter(a => moves(a.lane.sets)))
    changed.set(addend.node.inputs[addend.input]!, scaledAddend(addend, await read(addend.tensor), t))
  if (changed.size === 0) return model

  const graph = edit(model.graph, e => {
    for (const [name, data] of changed) e.setValue({ ...e.value(name)!, shape: data.shape, data })
  })
  return { ...model, graph }
}

/** What is known of values, once their channels are divided so. */
export function scaledNormals(normals: Normals, { lanes }: Pick<Ties, 'lanes'>, t: Float64Array): Normals {
  const scaled = new Map(normals)
  for (const [name, { axis, sets }] of lanes) {
    const known = normals.get(name)
    if (!known || sets.every(set => t[set] === 1)) continue
    const by = (of: Float64Array): Float64Array => of.map((v, c) => v / t[sets[c]])
    if (axis !== known.axis || sets.length !== known.mean.length) scaled.delete(name)
    else
      scaled.set(name, {
        axis,
        mean: by(known.mean),
        deviation: by(known.deviation),
        low: by(known.low),
        high: by(known.high),
      })
  }
  return scaled
}

function scaledWeight({ node, weight, input, output }: Scalable, w: Float32Array, t: Float64Array): Float32Array {
  eachWeight(node, weight.tensor, (i, from, to) => {
    w[i] *= t[input[from]] / t[output[to]]
  })
  return w
}

/** A constant that was one number for all channels becomes one for each. */
function scaledAddend({ tensor, lane, rank }: Addend, c: Float32Array, t: Float64Array): Tensor {
  const fromEnd = rank - lane.axis
  const shape = [...new Array<number>(Math.max(0, fromEnd - tensor.shape.length)).fill(1), ...tensor.shape]
  const axis = shape.length - fromEnd
  const wide = shape[axis] === 1
  const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1)
  const spread = shape.map((d, i) => (i === axis ? lane.sets.length : d))
  const scaled = Float32Array.from({ length: elements({ shape: spread }) }, (_, i) => {
    const channel = Math.floor(i / inner) % lane.sets.length
    const outer = Math.floor(i / (inner * lane.sets.length))
    return (wide ? c[outer * inner + (i % inner)] : c[i]) / t[lane.sets[channel]]
  })
  return tensorOf(floats(spread, scaled))
}
