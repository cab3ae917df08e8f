// The trained network as an ONNX graph, the way a training framework's exporter leaves it: BatchNorm not folded, a Dropout and
// an Identity that do nothing, the flattening spelt out as Shape, Gather, Concat, Reshape; so optimisation has work to show.
import { bytesOf } from '../../../src/base/dtype.ts'
import { type Attr, float, int, ints, type Model, type Node, type Value } from '../../../src/ir/model.ts'
import type { Tensor } from '../../../src/ir/tensor.ts'
import type { Conv, Depthwise, Layer, Sequence } from './layers.ts'

const float32 = (shape: number[], values: ArrayLike<number>): Tensor => ({
  dtype: 'float32',
  shape,
  data: bytesOf(Float32Array.from(values)),
})
const int64 = (shape: number[], values: number[]): Tensor => ({
  dtype: 'int64',
  shape,
  data: bytesOf(BigInt64Array.from(values.map(BigInt))),
})

/** [kh, kw, in, out] to ONNX's [out, in, kh, kw]. */
function convWeight({ kernel, inputs, outputs, weight }: Conv): Tensor {
  const values: number[] = []
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++)
      for (let k = 0; k < kernel * kernel; k++) values.push(weight.data[(k * inputs + i) * outputs + o])
  return float32([outputs, inputs, kernel, kernel], values)
}

/** [3, 3, channels] to ONNX's [channels, 1, 3, 3]. */
function depthwiseWeight({ channels, weight }: Depthwise): Tensor {
  const values: number[] = []
  for (let c = 0; c < channels; c++) for (let k = 0; k < 9; k++) values.push(weight.data[k * channels + c])
  return float32([channels, 1, 3, 3], values)
}

/** Attributes of a 2-d convolution with the same padding on every side. */
const window = (kernel: number, stride: number, group: number): Record<string, Attr> => {
  const pad = kernel >> 1
  return {
    dilations: ints([1, 1]),
    group: int(group),
    kernel_shape: ints([kernel, kernel]),
    pads: ints([pad, pad, pad, pad]),
    strides: ints([stride, stride]),
  }
}

/** The model; `meta` goes into its metadata. */
export function digitsModel(network: Sequence, meta: Record<string, string>): Model {
  const nodes: Node[] = []
  const values = new Map<string, Value>()
  const declare = (name: string, dtype: Tensor['dtype'], shape: Value['shape'], data: Tensor | null): string => {
    values.set(name, { name, dtype, shape, data })
    return name
  }
  const initializer = (path: string, own: string, tensor: Tensor): string =>
    declare(`${path.slice(1).replaceAll('/', '.')}.${own}`, tensor.dtype, tensor.shape, tensor)
  const emit = (op: string, path: string, inputs: string[], attrs: Record<string, Attr> = {}): string => {
    const name = `${path}/${op}`
    const output = `${name}_output_0`
    const attributes = new Map(Object.entries(attrs))
    nodes.push({ id: name, op, domain: '', name, inputs, outputs: [output], attrs: attributes, origin: [name] })
    return output
  }
  const constant = (path: string, tensor: Tensor): string =>
    emit('Constant', path, [], { value: { kind: 'tensor', value: tensor } })

  /** Emits the nodes of a layer under a path; gives the name of its output. */
  function lower(layer: Layer, x: string, path: string): string {
    switch (layer.kind) {
      case 'sequence':
        return layer.layers.reduce((value, part) => lower(part, value, `${path}/${part.name}`), x)
      case 'residual':
        return emit('Add', path, [x, lower(layer.body, x, path)])
      case 'conv': {
        const weight = initializer(path, 'conv.weight', convWeight(layer))
        return emit('Conv', path, [x, weight], window(layer.kernel, layer.stride, 1))
      }
      case 'depthwise': {
        const weight = initializer(path, 'conv.weight', depthwiseWeight(layer))
        return emit('Conv', path, [x, weight], window(3, layer.stride, layer.channels))
      }
      case 'batch-norm': {
        const { channels, gamma, beta, mean, variance, epsilon } = layer
        const part = (name: string, data: Float64Array): string =>
          initializer(path, `bn.${name}`, float32([channels], data))
        const scale = [part('weight', gamma.data), part('bias', beta.data)]
        const statistics = [part('running_mean', mean), part('running_var', variance)]
        return emit('BatchNormalization', path, [x, ...scale, ...statistics], { epsilon: float(Math.fround(epsilon)) })
      }
      case 'relu':
        return emit('Relu', path, [x])
      case 'global-average-pool':
        return emit('GlobalAveragePool', path, [x])
      case 'dense': {
        const first = constant(`${path}/first`, int64([], [0]))
        const batch = emit('Gather', path, [emit('Shape', path, [x]), first], { axis: int(0) })
        const front = emit('Unsqueeze', path, [batch, constant(`${path}/axis`, int64([1], [0]))])
        const shape = emit('Concat', path, [front, constant(`${path}/rest`, int64([1], [-1]))], { axis: int(0) })
        const flat = emit('Dropout', path, [emit('Reshape', path, [x, shape])])
        const weight = initializer(path, 'weight', float32([layer.outputs, layer.inputs], layer.weight.data))
        const bias = initializer(path, 'bias', float32([layer.outputs], layer.bias.data))
        return emit('Identity', path, [emit('Gemm', path, [flat, weight, bias], { transB: int(1) })])
      }
    }
  }

  declare('image', 'float32', ['batch', 1, 28, 28], null)
  declare('logits', 'float32', ['batch', 10], null)
  lower(network, 'image', '')
  const last = nodes[nodes.length - 1]
  nodes[nodes.length - 1] = { ...last, outputs: ['logits'] }
  return {
    graph: { name: 'digits', inputs: ['image'], outputs: ['logits'], nodes, values },
    functions: [],
    opsets: { '': 17 },
    irVersion: 8,
    meta,
    producer: { name: 'thimble-train-digits', version: '1', domain: '', modelVersion: 1 },
    doc: 'Handwritten digits, 28 x 28, white on black.',
  }
}
