// A Caffe network made uniform: layers of the old form renamed, those of training left out, inputs in one place, and every blob given by one
// layer only (Caffe may write a blob again in place). BVLC/caffe: src/caffe/util/upgrade_proto.cpp, src/caffe/net.cpp.
import { StudioError } from '../../base/errors.ts'
import {
  messageOf,
  messagesOf,
  numbersOf,
  type ProtoMessage,
  stringOf,
  stringsOf,
  wordOf,
} from '../../formats/prototxt.ts'
import type { Dim } from '../../ir/model.ts'

export interface CaffeLayer {
  name: string
  type: string
  inputs: readonly string[]
  outputs: readonly string[]
  message: ProtoMessage
}

export interface CaffeNet {
  inputs: readonly { name: string; shape: readonly Dim[] }[]
  layers: readonly CaffeLayer[]
  outputs: readonly string[]
}

const oldTypes: Record<string, string> = {
  ...{ ABSVAL: 'AbsVal', BNLL: 'BNLL', CONCAT: 'Concat', CONVOLUTION: 'Convolution', DECONVOLUTION: 'Deconvolution' },
  ...{
    DROPOUT: 'Dropout',
    ELTWISE: 'Eltwise',
    EXP: 'Exp',
    FLATTEN: 'Flatten',
    INNER_PRODUCT: 'InnerProduct',
    LRN: 'LRN',
  },
  ...{ POOLING: 'Pooling', POWER: 'Power', RELU: 'ReLU', SIGMOID: 'Sigmoid', SILENCE: 'Silence', SOFTMAX: 'Softmax' },
  ...{ SPLIT: 'Split', SLICE: 'Slice', TANH: 'TanH' },
}

const refuse = (what: string, node: string): StudioError =>
  new StudioError('invalid-graph', what, { where: { node }, hint: 'Mend the .prototxt, or export the network again.' })

export function netOf(message: ProtoMessage): CaffeNet {
  const given = [...messagesOf(message, 'layer'), ...messagesOf(message, 'layers')].filter(isOfTest)
  const inputs = declaredInputs(message)
  const layers: CaffeLayer[] = []
  for (const layer of given) {
    const word = wordOf(layer, 'type', '')
    const type = word === '' ? stringOf(layer, 'type') : (oldTypes[word] ?? word)
    const outputs = stringsOf(layer, 'top')
    const name = stringOf(layer, 'name') || (outputs[0] ?? type)
    if (type === 'Input') inputs.push(...ofInputLayer(layer, outputs))
    else layers.push({ name, type, inputs: stringsOf(layer, 'bottom'), outputs, message: layer })
  }
  return {
    inputs,
    ...givenOnce(
      inputs.map(i => i.name),
      layers,
    ),
  }
}

/** Layers of training, by their include and exclude rules. */
function isOfTest(layer: ProtoMessage): boolean {
  const phases = (rule: string): string[] => messagesOf(layer, rule).map(r => wordOf(r, 'phase', ''))
  if (phases('exclude').includes('TEST')) return false
  const included = phases('include')
  return included.length === 0 || included.some(phase => phase !== 'TRAIN')
}

// The batch of a network is as large as one likes.
const shapeOf = (dims: readonly number[]): Dim[] => dims.map((d, i) => (i === 0 && d !== 1 ? 'N' : d))

function declaredInputs(message: ProtoMessage): { name: string; shape: Dim[] }[] {
  const shapes = messagesOf(message, 'input_shape').map(shape => numbersOf(shape, 'dim'))
  const dims = numbersOf(message, 'input_dim')
  return stringsOf(message, 'input').map((name, i) => {
    const shape = shapes[i] ?? dims.slice(4 * i, 4 * i + 4)
    if (shape.length === 0) throw refuse(`The input ${name} has no shape`, name)
    return { name, shape: shapeOf(shape) }
  })
}

function ofInputLayer(layer: ProtoMessage, outputs: readonly string[]): { name: string; shape: Dim[] }[] {
  const shapes = messagesOf(messageOf(layer, 'input_param'), 'shape').map(shape => numbersOf(shape, 'dim'))
  return outputs.map((name, i) => {
    const shape = shapes[i] ?? shapes[0]
    if (!shape || shape.length === 0) throw refuse(`The input ${name} has no shape`, name)
    return { name, shape: shapeOf(shape) }
  })
}

/** The last layer that gives a blob keeps its name; what an earlier one gives is called after that layer. */
function givenOnce(inputs: readonly string[], layers: readonly CaffeLayer[]): Pick<CaffeNet, 'layers' | 'outputs'> {
  const times = new Map<string, number>()
  const count = (blob: string): void => void times.set(blob, (times.get(blob) ?? 0) + 1)
  for (const blob of [...inputs, ...layers.flatMap(layer => layer.outputs)]) count(blob)
  const names = new Set(times.keys())
  const current = new Map<string, string>()
  const seen = new Map<string, number>()
  const define = (blob: string, by: string): string => {
    const nth = (seen.get(blob) ?? 0) + 1
    seen.set(blob, nth)
    let name = blob
    if (nth < times.get(blob)!) for (let i = 0; names.has(name); i++) name = `${blob}@${by}${i === 0 ? '' : i}`
    names.add(name)
    current.set(blob, name)
    return name
  }
  for (const blob of inputs) {
    // An input keeps its name, for it is the caller's.
    seen.set(blob, 1)
    current.set(blob, blob)
    if (times.get(blob)! > 1) times.set(blob, Number.POSITIVE_INFINITY)
  }
  const read = new Set<string>()
  const renamed = layers.map(layer => {
    const ins = layer.inputs.map(blob => {
      const name = current.get(blob)
      if (name === undefined)
        throw refuse(`The layer ${layer.name} reads ${blob}, which no layer before it gives`, layer.name)
      read.add(name)
      return name
    })
    return { ...layer, inputs: ins, outputs: layer.outputs.map(blob => define(blob, layer.name)) }
  })
  const outputs = renamed.flatMap(layer => layer.outputs).filter(blob => !read.has(blob))
  return { layers: renamed, outputs }
}
