// Standard operators of older opsets rewritten as newer ones have them, so that per-channel DequantizeLinear (13), or one of few bits (21
// and 25), can stand beside them. What changed between the versions: ONNX Changelog.md. Inputs that became inputs from attributes get initializers.
import { bytesOf, viewAs } from '../../base/dtype.ts'
import { StudioError } from '../../base/errors.ts'
import { type Editor, edit } from '../../ir/edit.ts'
import {
  type Attr,
  attrFloat,
  attrInt,
  attrInts,
  attrString,
  type Graph,
  int,
  type Model,
  type Node,
  requiredInputs,
  string,
} from '../../ir/model.ts'
import { int64s, type Tensor } from '../../ir/tensor.ts'
import { fromNumbers } from './constant.ts'

/** The same model at standard opset `to`, 13 or newer; unchanged where it is there already. Throws for what has no equal form. */
export function upgradeOpset(model: Model, to: number): Model {
  const from = model.opsets[''] ?? model.opsets['ai.onnx'] ?? to
  if (from >= to) return model
  const upgraded = upgradeGraph(model.graph, { from, to }, '')
  // Before IR version 4 every initializer had to be listed as an input, and was constant; since then, those listed are not.
  const inputs = model.irVersion < 4 ? requiredInputs(upgraded) : upgraded.inputs
  const graph = { ...upgraded, inputs }
  return {
    ...model,
    graph,
    opsets: { ...model.opsets, '': to },
    irVersion: Math.max(model.irVersion, irVersionFor(to)),
  }
}

// The IR version that ONNX released beside each opset (docs/Versioning.md of ONNX).
const irVersionFor = (opset: number): number =>
  opset >= 25 ? 13 : opset >= 24 ? 12 : opset >= 23 ? 11 : opset >= 21 ? 10 : opset >= 19 ? 9 : opset >= 15 ? 8 : 7

interface Span {
  from: number
  to: number
}

/** `within` names the nodes whose body this is: a body knows nothing of the names around it, which its new ones must not hide. */
function upgradeGraph(graph: Graph, span: Span, within: string): Graph {
  return edit(graph, editor => {
    for (const node of graph.nodes) {
      if (node.domain !== '' && node.domain !== 'ai.onnx') continue
      if (node.op === 'Scan' && span.from < 9) throw refused(node, 'it ran over a batch then')
      upgradeBodies(editor, node, span, `${within}${node.id}_`)
      if (span.from < 13) upgradeNode(editor, editor.node(node.id)!, span.from, within)
      if (span.to > 13) upgradeBeyond13(editor, editor.node(node.id)!, span, within)
    }
  })
}

function upgradeBodies(editor: Editor, node: Node, span: Span, within: string): void {
  if (![...node.attrs.values()].some(a => a.kind === 'graph' || a.kind === 'graphs')) return
  const attrs = new Map<string, Attr>()
  for (const [key, attr] of node.attrs) {
    if (attr.kind === 'graph') attrs.set(key, { kind: 'graph', value: upgradeGraph(attr.value, span, within) })
    else if (attr.kind === 'graphs')
      attrs.set(key, { kind: 'graphs', value: attr.value.map(g => upgradeGraph(g, span, within)) })
    else attrs.set(key, attr)
  }
  editor.updateNode(node.id, { attrs })
}

function upgradeNode(editor: Editor, node: Node, from: number, within: string): void {
  const x = node.inputs[0] ?? null
  const constant = (name: string, tensor: Tensor): string =>
    editor.addInitializer(`${within}${node.id}_${name}`, tensor)
  const dtype = (x !== null && editor.value(x)?.dtype) || 'float32'
  const scalar = (value: number): Tensor => fromNumbers(dtype, [], [value])
  const set = (
    inputs: readonly (string | null)[],
    drop: readonly string[],
    more: readonly (readonly [string, Attr])[] = [],
    op = node.op,
  ): void => {
    const attrs = new Map([...node.attrs].filter(([key]) => !drop.includes(key)))
    for (const [key, attr] of more) attrs.set(key, attr)
    editor.updateNode(node.id, { op, inputs, attrs })
  }
  const axesToInput = (): void => {
    const axes = attrInts(node, 'axes')
    if (axes) set([x, constant('axes', int64s(axes))], ['axes'])
  }
  switch (node.op) {
    case 'Squeeze':
    case 'Unsqueeze':
    case 'ReduceSum':
      axesToInput()
      break
    case 'Split': {
      const split = attrInts(node, 'split')
      if (split) set([x, constant('split', int64s(split))], ['split'])
      return
    }
    case 'Clip': {
      if (from >= 11) return
      const min = node.attrs.has('min') ? constant('min', scalar(attrFloat(node, 'min', 0))) : null
      const max = node.attrs.has('max') ? constant('max', scalar(attrFloat(node, 'max', 0))) : null
      set(max ? [x, min, max] : min ? [x, min] : [x], ['min', 'max'])
      break
    }
    case 'Pad': {
      const pads = attrInts(node, 'pads')
      if (from >= 11 || !pads) return
      set(
        [x, constant('pads', int64s(pads)), constant('value', scalar(attrFloat(node, 'value', 0)))],
        ['pads', 'value'],
      )
      break
    }
    case 'Slice': {
      const starts = attrInts(node, 'starts')
      const ends = attrInts(node, 'ends')
      if (from >= 10 || !starts || !ends) return
      const axes = attrInts(node, 'axes')
      const inputs = [
        x,
        constant('starts', int64s(starts)),
        constant('ends', int64s(ends)),
        ...(axes ? [constant('axes', int64s(axes))] : []),
      ]
      set(inputs, ['starts', 'ends', 'axes'])
      break
    }
    case 'TopK':
      if (from < 10) set([x, constant('k', int64s([attrInt(node, 'k', 1)]))], ['k'])
      return
    case 'Dropout':
      // Inference: the ratio has no effect; without training_mode the node passes its input through.
      if (from < 12) set([x], ['ratio', 'is_test'])
      return
    case 'BatchNormalization':
      if (from < 9 && attrInt(node, 'spatial', 1) === 0) throw refused(node, 'spatial=0 has no form in newer opsets')
      set(node.inputs, ['spatial', 'is_test', 'consumed_inputs'])
      break
    case 'Softmax':
    case 'LogSoftmax':
    case 'Hardmax':
      upgradeSoftmax(editor, node, within)
      break
    case 'Scatter':
      set(node.inputs, [], [], 'ScatterElements')
      break
    case 'Upsample': {
      const given = node.attrs.get('scales')
      const scales = node.inputs[1] ?? (given?.kind === 'floats' ? constant('scales', vector(given.value)) : null)
      toResize(editor, node, x, scales)
      break
    }
    case 'Resize':
      if (from < 11) toResize(editor, node, x, node.inputs[1] ?? null)
      return
  }
}

const movedAxes = new Set(
  ['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'SumSquare'].map(kind => `Reduce${kind}`),
)
const gridModes: Record<string, string> = { bilinear: 'linear', bicubic: 'cubic' }

function upgradeBeyond13(editor: Editor, node: Node, { from, to }: Span, within: string): void {
  if (from < 18 && to >= 18 && movedAxes.has(node.op)) {
    const axes = attrInts(node, 'axes')
    if (!axes) return
    const attrs = new Map([...node.attrs].filter(([key]) => key !== 'axes'))
    const input = editor.addInitializer(`${within}${node.id}_axes`, int64s(axes))
    editor.updateNode(node.id, { inputs: [node.inputs[0], input], attrs })
  } else if (from < 18 && to >= 18 && node.op === 'Split' && !node.inputs[1]) {
    editor.updateNode(node.id, { attrs: new Map([...node.attrs, ['num_outputs', int(node.outputs.length)]]) })
  } else if (from < 20 && to >= 20 && node.op === 'GridSample') {
    const mode = gridModes[attrString(node, 'mode', 'bilinear')]
    if (mode) editor.updateNode(node.id, { attrs: new Map([...node.attrs, ['mode', string(mode)]]) })
  } else if (from < 14 && to >= 14 && node.op === 'BatchNormalization' && node.outputs.length > 1) {
    // Running statistics beside the output were for training only.
    editor.updateNode(node.id, { outputs: node.outputs.slice(0, 1) })
  }
}

// Upsample and Resize-10 sample at x / scale without any offset.
function toResize(editor: Editor, node: Node, x: string | null, scales: string | null): void {
  const tensor = editor.constant(scales)
  const values = tensor?.data instanceof Uint8Array ? [...(viewAs('float32', tensor.data) as Float32Array)] : null
  const mode = attrString(node, 'mode', 'nearest')
  // Shrinking, the old nearest mode rounded up in some runtimes and down in others.
  if (mode === 'nearest' && !values?.every(s => s >= 1))
    throw refused(node, 'its scales are below 1 or not constant, and its rounding is not defined')
  const attrs: [string, Attr][] = [
    ['mode', string(mode)],
    ['coordinate_transformation_mode', string('asymmetric')],
    ['nearest_mode', string('floor')],
  ]
  editor.updateNode(node.id, { op: 'Resize', inputs: [x, null, scales], attrs: new Map(attrs) })
}

/** Up to opset 12 softmax ran over all axes from `axis` on, flattened; from 13 on over one axis. */
function upgradeSoftmax(editor: Editor, node: Node, within: string): void {
  const [input, output] = [node.inputs[0]!, node.outputs[0]!]
  const rank = editor.value(input)?.shape?.length ?? null
  const axis = attrInt(node, 'axis', 1)
  const last = rank !== null && (axis === -1 || axis === rank - 1)
  if (last || (rank === null && axis === -1)) {
    editor.updateNode(node.id, { attrs: new Map([['axis', int(-1)]]) })
    return
  }
  const { origin } = node
  const flat = editor.freshName(`${within}${output}_flat`)
  const soft = editor.freshName(`${within}${output}_soft`)
  const shape = editor.freshName(`${within}${output}_shape`)
  editor.addNode({ op: 'Flatten', inputs: [input], outputs: [flat], attrs: [['axis', int(axis)]], origin })
  editor.addNode({ op: 'Shape', inputs: [input], outputs: [shape], origin })
  editor.updateNode(node.id, { inputs: [flat], outputs: [soft], attrs: new Map([['axis', int(-1)]]) })
  editor.addNode({ op: 'Reshape', inputs: [soft, shape], outputs: [output], origin })
}

const vector = (values: readonly number[]): Tensor => ({
  dtype: 'float32',
  shape: [values.length],
  data: bytesOf(Float32Array.from(values)),
})

const refused = (node: Node, why: string): StudioError =>
  new StudioError('unsupported', `${node.op} ${node.id} cannot be brought to opset 13: ${why}`, {
    where: { node: node.id },
    hint: 'Export the model again at opset 13 or newer.',
  })
