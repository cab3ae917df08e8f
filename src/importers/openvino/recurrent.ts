// Recurrent layers over whole sequences. OpenVINO has the batch first, one bias for input and state together, and the gates of an
// LSTM in the order forget, input, cell, output; ONNX has input, output, forget, cell.
import { type Attr, float } from '../../ir/model.ts'
import type { Attributes, Layer, Lowering } from './layer.ts'

/** Parts of axis 1, put together in another order. */
function reordered(layer: Layer, name: string, parts: number, order: readonly number[]): string {
  const cut = layer.nodes('Split', [name], parts, { axis: 1, num_outputs: parts })
  return layer.node(
    'Concat',
    order.map(i => cut[i]),
    { axis: 1 },
  )
}

function common(layer: Layer, activations: number): Attributes {
  const direction = layer.text('direction', 'forward').toLowerCase()
  const words = layer
    .text('activations', '')
    .split(',')
    .map(word => word.trim())
    .filter(Boolean)
  const known: Readonly<Record<string, string>> = { sigmoid: 'Sigmoid', tanh: 'Tanh', relu: 'Relu' }
  const names = words.map(word =>
    Object.hasOwn(known, word) ? known[word] : layer.refuse(`its activation is ${word}`),
  )
  const both = direction === 'bidirectional' ? [...names, ...names] : names
  const encoder = new TextEncoder()
  const strings: Attr = { kind: 'strings', value: both.map(name => encoder.encode(name)) }
  const clip = layer.number('clip', 0)
  if (names.length > 0 && names.length !== activations) layer.refuse(`it has ${names.length} activations`)
  return {
    direction: { kind: 'string', value: encoder.encode(direction) },
    hidden_size: layer.number('hidden_size', 0),
    ...(names.length > 0 ? { activations: strings } : {}),
    ...(clip > 0 ? { clip: float(clip) } : {}),
  }
}

/** [batch, a, ...] and [a, batch, ...]. */
const turned = (layer: Layer, name: string): string => layer.node('Transpose', [name], { perm: [1, 0, 2] })

/** Lengths of one sequence each; left out where each is as long as all. */
async function lengths(layer: Layer, port: number): Promise<string | null> {
  const known = await layer.numbers(port)
  const time = layer.dims(0)[1]
  if (known?.every(n => n === time)) return null
  return layer.node('Cast', [layer.input(port)], { to: 6 })
}

/** [time, direction, batch, hidden] and [batch, direction, time, hidden]. */
function giveOutputs(layer: Layer, made: readonly string[]): void {
  layer.giveAt(0, 'Transpose', [made[0]], { perm: [2, 1, 0, 3] })
  for (const [i, state] of made.slice(1).entries()) layer.giveAt(i + 1, 'Transpose', [state], { perm: [1, 0, 2] })
}

/** The one bias, and none for the state. */
function bias(layer: Layer, name: string): string {
  const none = layer.node('Sub', [name, name])
  return layer.node('Concat', [name, none], { axis: 1 })
}

const lstm: Lowering = async layer => {
  const order = [1, 3, 0, 2]
  const [w, r, b] = [4, 5, 6].map(port => reordered(layer, layer.input(port), 4, order))
  const reads = [
    turned(layer, layer.input(0)),
    w,
    r,
    bias(layer, b),
    await lengths(layer, 3),
    turned(layer, layer.input(1)),
    turned(layer, layer.input(2)),
  ]
  giveOutputs(layer, layer.nodes('LSTM', reads, 3, common(layer, 3)))
}

const gru: Lowering = async layer => {
  const before = layer.flag('linear_before_reset', false)
  const given = layer.input(5)
  let both = ''
  if (before) {
    // Update, reset, hidden of the input, hidden of the state.
    const [z, r, h, state] = layer.nodes('Split', [given], 4, { axis: 1, num_outputs: 4 })
    const none = layer.node('Sub', [z, z])
    both = layer.node('Concat', [z, r, h, none, none, state], { axis: 1 })
  } else both = bias(layer, given)
  const reads = [
    turned(layer, layer.input(0)),
    layer.input(3),
    layer.input(4),
    both,
    await lengths(layer, 2),
    turned(layer, layer.input(1)),
  ]
  giveOutputs(layer, layer.nodes('GRU', reads, 2, { ...common(layer, 2), linear_before_reset: before ? 1 : 0 }))
}

const rnn: Lowering = async layer => {
  const reads = [
    turned(layer, layer.input(0)),
    layer.input(3),
    layer.input(4),
    bias(layer, layer.input(5)),
    await lengths(layer, 2),
    turned(layer, layer.input(1)),
  ]
  giveOutputs(layer, layer.nodes('RNN', reads, 2, common(layer, 1)))
}

export const recurrent: Readonly<Record<string, Lowering>> = { GRUSequence: gru, LSTMSequence: lstm, RNNSequence: rnn }
