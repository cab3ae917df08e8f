// An image input fed as uint8 pixels, with no rounding before the first layer: value = (p s - mean) / std is folded into its weights,
// W'[o, c] = W[o, c] s / std[c], and with m[c] = mean[c] / s, the pixel that stands for 0, and one zero point z near all m,
//   W v = W' (p - m) = W' (p - z) + W' (z - m).
// The last term is a constant, so it goes into the bias; but not where the layer pads with zeros, which stand for p = m. Where the m
// differ, a channel that is constant inside the picture, and zero in the padding as all are, carries it instead.
//
// Until it is written, the model keeps the input that samples are prepared for, and turns it back into pixels (`fromPixels` cuts
// that off), so that it can be observed, repaired and judged as any other.

import { onnxCode, viewAs } from '../../base/dtype.ts'
import { readFloats } from '../../ir/bytes.ts'
import type { Bytes } from '../../ir/context.ts'
import { cutGraph } from '../../ir/cut.ts'
import { type Editor, edit } from '../../ir/edit.ts'
import { attrInt, attrInts, int, type Model, type Node, type ValueName } from '../../ir/model.ts'
import { elements, floats, type Tensor, tensorOf } from '../../ir/tensor.ts'
import { eachWeight, type Lane, reshaped, widthsOf } from './channel-ties.ts'
import { padsWithZeros } from './own-layers.ts'

/** How pixels become the values of an input: (pixel * scale - mean) / std, channels along `axis`. */
export interface Normalisation {
  axis: number
  scale: number
  mean: readonly number[]
  std: readonly number[]
}

/** An input that takes pixels: the value that holds them, and the one that the first layers read, pixels minus `zero`. */
export interface RawInput {
  input: ValueName
  pixels: ValueName
  centred: ValueName
  zero: number
}

/** The model with the normalisation of `input` in its first layers, or why that cannot be. */
export async function rawInput(
  model: Model,
  input: ValueName,
  how: Normalisation,
  bytes: Bytes,
): Promise<{ model: Model; raw: RawInput } | { why: string }> {
  let entry: Entry | { why: string } = { why: '' }
  edit(model.graph, e => {
    entry = entryOf(e, input, how)
  })
  if ('why' in entry) return entry
  const { layers, lane, moves } = entry as Entry
  const means = how.mean.map(mean => mean / how.scale)
  const zero = Math.min(255, Math.max(0, Math.round(means.reduce((sum, m) => sum + m, 0) / means.length)))
  // Half a code is what rounding costs anywhere.
  const bordered = layers.some(l => padsWithZeros(l.node)) && means.some(m => Math.abs(m - zero) > 0.5)
  if (bordered && !layers.every(l => l.node.op === 'Conv' && attrInt(l.node, 'group', 1) === 1))
    return { why: 'its first layer is padded and is no plain convolution' }

  const read = async (tensor: Tensor): Promise<Float32Array> => (await readFloats(bytes, tensor)).slice()
  const folded: Folded[] = []
  for (const layer of layers)
    folded.push(fold(layer.node, layer.weight, await read(layer.weight), lane, how, means, zero))
  const inside = bordered ? insideOf(folded, zero) : null
  const biases: (Float32Array | null)[] = []
  for (const { bias } of layers) biases.push(bias && (await read(bias)))

  const raw: RawInput = { input, zero, pixels: '', centred: '' }
  const graph = edit(model.graph, e => {
    raw.pixels = addPixels(e, input, how)
    let from = raw.pixels
    for (const { id } of moves) {
      const move = e.node(id)!
      e.updateNode(id, { inputs: [from, ...move.inputs.slice(1)] })
      from = move.outputs[0]!
      e.setValue({ ...e.value(from)!, dtype: 'uint8' })
    }
    raw.centred = addCentred(e, input, from, inside, zero)
    for (const [i, { node, weight }] of layers.entries()) {
      const inputs = [...node.inputs]
      inputs[0] = raw.centred
      const { w, shift } = folded[i]
      const data = inside === null ? tensorOf(floats(weight.shape, w)) : withChannel(weight, w, shift, inside)
      e.setValue({ ...e.value(inputs[1]!)!, shape: data.shape, data })
      if (inside === null) {
        const sum = tensorOf(
          floats(
            [shift.length],
            shift.map((taps, o) => taps.reduce((a, b) => a + b, biasAt(biases[i], o))),
          ),
        )
        if (inputs[2] != null) e.setValue({ ...e.value(inputs[2])!, shape: sum.shape, data: sum })
        else inputs[2] = e.addInitializer(`${node.id}.bias`, sum)
      }
      e.updateNode(node.id, { inputs })
    }
  })
  return { model: { ...model, graph }, raw }
}

const biasAt = (bias: Float32Array | null, o: number): number => (bias ? bias[bias.length === 1 ? 0 : o] : 0)

/** The model as it is written: it takes uint8 pixels, and nothing rounds them. One that is written already stays. */
export function fromPixels(model: Model, all: readonly RawInput[]): Model {
  const { graph } = model
  const raws = all.filter(({ pixels }) => graph.nodes.some(n => n.outputs.includes(pixels)))
  if (raws.length === 0) return model
  const pixelsOf = new Map(raws.map(r => [r.input, r.pixels]))
  const cut = cutGraph(
    model,
    graph.inputs.map(name => pixelsOf.get(name) ?? name),
    [],
  )
  const renamed = edit(cut.graph, e => {
    for (const { input, pixels, zero } of raws) {
      e.setValue({ ...graph.values.get(input)!, dtype: 'uint8' })
      // A file may list initializers as inputs; those that nothing reads went with the cut.
      e.setInputs(graph.inputs.filter(name => e.value(name)))
      e.replaceUses(pixels, input)
      e.dropValue(pixels)
      for (const node of e.nodes().filter(n => n.op === 'QuantizeLinear')) dropRounding(e, node, zero)
    }
  })
  return { ...cut, graph: renamed }
}

/** Codes that were pixels, cast, centred and rounded with scale 1 and that zero point, are the pixels themselves. */
function dropRounding(e: Editor, quantize: Node, zero: number): void {
  const number = (name: ValueName | null, dtype: 'float32' | 'uint8'): number | null => {
    const tensor = e.constant(name)
    return tensor?.dtype === dtype && tensor.data instanceof Uint8Array ? Number(viewAs(dtype, tensor.data)[0]) : null
  }
  const [x, scale, zeroPoint] = quantize.inputs
  if (number(scale, 'float32') !== 1 || number(zeroPoint, 'uint8') !== zero) return
  const last = e.producer(x!)
  const add = zero !== 0 && last?.op === 'Add' && number(last.inputs[1], 'float32') === -zero ? last : null
  const cast = add ? e.producer(add.inputs[0]!) : zero === 0 ? last : null
  const from = cast?.op === 'Cast' ? cast.inputs[0]! : null
  if (from === null || (e.value(from)?.dtype ?? null) !== 'uint8') return
  e.replaceUses(quantize.outputs[0]!, from)
  for (const node of [quantize, add, cast])
    if (node && e.consumers(node.outputs[0]!).length === 0 && !e.isOutput(node.outputs[0]!)) e.removeNode(node.id)
  const minus = add?.inputs[1] ?? null
  if (minus !== null && e.consumers(minus).length === 0) e.dropValue(minus)
}

interface Layer {
  node: Node
  weight: Tensor
  bias: Tensor | null
}

interface Entry {
  /** Nodes that only move the pixels, from the input on. */
  moves: Node[]
  layers: Layer[]
  /** Which colour each channel of what the layers read is. */
  lane: Lane
}

const movers = new Set(['Transpose', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity'])

function entryOf(e: Editor, input: ValueName, { axis, mean }: Normalisation): Entry | { why: string } {
  const shapeOf = (name: ValueName) => e.value(name)?.shape ?? null
  if (e.value(input)?.dtype !== 'float32' || !shapeOf(input)) return { why: 'it is not float32, or of any shape' }
  let name = input
  let lane: Lane | null = { axis, sets: Int32Array.from(mean.keys()) }
  const moves: Node[] = []
  for (;;) {
    if (e.isOutput(name)) return { why: 'it is an output too' }
    const readers = e.consumers(name)
    const [next] = readers
    if (readers.length !== 1 || next.domain !== '' || !movers.has(next.op) || next.inputs[0] !== name) break
    const to = next.outputs[0]!
    if (next.op === 'Transpose') {
      const perm = attrInts(next, 'perm') ?? [...(shapeOf(name) ?? []).keys()].reverse()
      lane = { ...lane, axis: perm.indexOf(lane.axis) }
    } else lane = next.op === 'Identity' ? lane : reshaped(lane, shapeOf(name), shapeOf(to))
    if (lane === null || !shapeOf(to)) return { why: 'its colours are mixed before the first layer' }
    moves.push(next)
    name = to
  }
  const layers: Layer[] = []
  const rank = shapeOf(name)?.length
  for (const node of e.consumers(name)) {
    const own = (of: ValueName | null | undefined): Tensor | null =>
      of != null && e.consumers(of).length === 1 && !e.isOutput(of) ? e.constant(of) : null
    const weight = own(node.inputs[1])
    const bias = own(node.inputs[2])
    const fits =
      node.domain === '' &&
      node.inputs.indexOf(name) === 0 &&
      node.inputs.lastIndexOf(name) === 0 &&
      weight?.dtype === 'float32' &&
      (node.inputs[2] == null || bias?.dtype === 'float32') &&
      (node.op === 'Conv' ? lane.axis === 1 : node.op === 'Gemm' && lane.axis === 1 && rank === 2 && plainGemm(node)) &&
      widthsOf(node, weight).from === lane.sets.length &&
      (bias === null || elements(bias) === 1 || elements(bias) === widthsOf(node, weight).to)
    if (!fits) return { why: `${node.op} ${node.id} reads it, into which nothing can be folded` }
    layers.push({ node, weight: weight!, bias })
  }
  return layers.length > 0 ? { moves, layers, lane } : { why: 'nothing reads it' }
}

const plainGemm = (node: Node): boolean =>
  attrInt(node, 'transA', 0) === 0 && !node.attrs.has('alpha') && !node.attrs.has('beta')

interface Folded {
  w: Float32Array
  /** Per output channel and tap: sum over the input's channels of W' (z - m). */
  shift: Float64Array[]
  largest: Float64Array // |W'| per output channel
}

function fold(
  node: Node,
  weight: Tensor,
  w: Float32Array,
  lane: Lane,
  { scale, std }: Normalisation,
  means: readonly number[],
  zero: number,
): Folded {
  const { to } = widthsOf(node, weight)
  const area = weight.shape.slice(2).reduce((n, d) => n * d, 1)
  const shift = Array.from({ length: to }, () => new Float64Array(area))
  const largest = new Float64Array(to)
  eachWeight(node, weight, (i, from, o) => {
    const colour = lane.sets[from]
    const folded = (w[i] * scale) / std[colour]
    w[i] = folded
    shift[o][i % area] += folded * (zero - means[colour])
    largest[o] = Math.max(largest[o], Math.abs(folded))
  })
  return { w, shift, largest }
}

/** What the constant channel holds: the least with which its weights stay within those of the other channels. */
function insideOf(folded: readonly Folded[], zero: number): number {
  let least = 1
  for (const { shift, largest } of folded)
    for (const [o, taps] of shift.entries())
      for (const tap of taps) if (largest[o] > 0) least = Math.max(least, Math.ceil(Math.abs(tap) / largest[o]))
  return zero < 128 ? Math.min(least, 255 - zero) : -Math.min(least, zero)
}

/** The weight of a convolution with one more input channel, which is `inside` wherever there is a picture. */
function withChannel({ shape }: Tensor, w: Float32Array, shift: readonly Float64Array[], inside: number): Tensor {
  const [to, from, ...window] = shape
  const area = shift[0].length
  const wide = new Float32Array(to * (from + 1) * area)
  for (let o = 0; o < to; o++) {
    wide.set(w.subarray(o * from * area, (o + 1) * from * area), o * (from + 1) * area)
    wide.set(
      shift[o].map(tap => tap / inside),
      (o * (from + 1) + from) * area,
    )
  }
  return tensorOf(floats([to, from + 1, ...window], wide))
}

/** Nodes that turn the prepared input back into the pixels that it was made of. */
function addPixels(e: Editor, input: ValueName, { axis, scale, mean, std }: Normalisation): ValueName {
  const rank = e.value(input)!.shape!.length
  const along = new Array<number>(rank - axis).fill(1)
  along[0] = mean.length
  const scalar = (part: string, value: number): ValueName =>
    e.addInitializer(`${input}_${part}`, tensorOf(floats([], [value])))
  const colours = (part: string, values: number[]): ValueName =>
    e.addInitializer(`${input}_${part}`, tensorOf(floats(along, values)))
  const step = (op: string, part: string, inputs: ValueName[], to: 'float32' | 'uint8' = 'float32'): ValueName => {
    const output = e.freshName(`${input}_${part}`)
    const attrs = op === 'Cast' ? ([['to', int(onnxCode(to))]] as const) : []
    e.addNode({ op, inputs, outputs: [output], attrs, origin: [] })
    e.setValue({ ...e.value(input)!, name: output, dtype: to })
    return output
  }
  const spread = step('Mul', 'spread', [
    input,
    colours(
      'std',
      std.map(s => s / scale),
    ),
  ])
  const shifted = step('Add', 'shifted', [
    spread,
    colours(
      'mean',
      mean.map(m => m / scale),
    ),
  ])
  const rounded = step('Round', 'rounded', [shifted])
  const clipped = step('Clip', 'clipped', [rounded, scalar('low', 0), scalar('high', 255)])
  const pixels = step('Cast', 'pixels', [clipped], 'uint8')
  return pixels
}

/** What the first layers read: pixels minus `zero`, with a channel more where `inside` says what it holds. */
function addCentred(e: Editor, input: ValueName, pixels: ValueName, inside: number | null, zero: number): ValueName {
  const known = e.value(pixels)!
  const step = (op: string, part: string, inputs: ValueName[], dtype: 'float32' | 'uint8', extra = 0): ValueName => {
    const output = e.freshName(`${input}_${part}`)
    const attrs = op === 'Cast' ? ([['to', int(onnxCode('float32'))]] as const) : []
    e.addNode({ op, inputs, outputs: [output], attrs, origin: [] })
    const shape = known.shape!.map((d, i) => (i === 1 && typeof d === 'number' ? d + extra : d))
    e.setValue({ ...known, name: output, dtype, shape })
    return output
  }
  let from = pixels
  const extra = inside === null ? 0 : 1
  if (inside !== null) {
    const rank = known.shape!.length
    const pads = BigInt64Array.from({ length: 2 * rank }, (_, i) => (i === rank + 1 ? 1n : 0n))
    const amounts = e.addInitializer(`${input}_pads`, tensorOf({ dtype: 'int64', shape: [2 * rank], data: pads }))
    const fill = tensorOf({ dtype: 'uint8', shape: [], data: Uint8Array.of(zero + inside) })
    from = step('Pad', 'padded', [pixels, amounts, e.addInitializer(`${input}_inside`, fill)], 'uint8', 1)
  }
  const cast = step('Cast', 'cast', [from], 'float32', extra)
  if (zero === 0) return cast
  const minus = e.addInitializer(`${input}_minus`, tensorOf(floats([], [-zero])))
  return step('Add', 'centred', [cast, minus], 'float32', extra)
}
