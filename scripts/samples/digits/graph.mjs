// The trained network as an ONNX graph, the way a training framework's exporter leaves it: BatchNorm not folded, a Dropout and
// an Identity that do nothing, the flattening spelt out as Shape, Gather, Concat, Reshape; so optimisation has work to show.
import { mean, std } from './network.mjs'

const float32 = (shape, values) => ({
  dtype: 'float32',
  shape,
  data: new Uint8Array(Float32Array.from(values).buffer),
})
const int64 = (shape, values) => ({
  dtype: 'int64',
  shape,
  data: new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer),
})
const ints = value => ({ kind: 'ints', value })

/** [kh, kw, in, out] to ONNX's [out, in, kh, kw]. */
function convWeight({ kernel, inputs, outputs, weight }) {
  const values = []
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++)
      for (let k = 0; k < kernel * kernel; k++) values.push(weight.data[(k * inputs + i) * outputs + o])
  return float32([outputs, inputs, kernel, kernel], values)
}

/** [3, 3, channels] to ONNX's [channels, 1, 3, 3]. */
function depthwiseWeight({ channels, weight }) {
  const values = []
  for (let c = 0; c < channels; c++) for (let k = 0; k < 9; k++) values.push(weight.data[k * channels + c])
  return float32([channels, 1, 3, 3], values)
}

/** The model; `meta` goes into its metadata. */
export function digitsModel(network, meta) {
  const nodes = []
  const values = new Map()
  const declare = (name, dtype, shape, data = null) => values.set(name, { name, dtype, shape, data })
  const initializer = (path, own, tensor) => {
    const name = `${path.slice(1).replaceAll('/', '.')}.${own}`
    declare(name, tensor.dtype, tensor.shape, tensor)
    return name
  }
  const emit = (op, path, inputs, attrs = {}) => {
    const name = `${path}/${op}`
    const output = `${name}_output_0`
    nodes.push({
      id: name,
      op,
      domain: '',
      name,
      inputs,
      outputs: [output],
      attrs: new Map(Object.entries(attrs)),
      origin: [name],
    })
    return output
  }
  const constant = (path, tensor) => emit('Constant', path, [], { value: { kind: 'tensor', value: tensor } })

  const lower = {
    conv(layer, x, path) {
      const { kernel, stride, pad } = layer
      const w = initializer(path, 'conv.weight', convWeight(layer))
      const kernelShape = {
        dilations: ints([1, 1]),
        group: { kind: 'int', value: 1 },
        kernel_shape: ints([kernel, kernel]),
      }
      return emit('Conv', path, [x, w], {
        ...kernelShape,
        pads: ints([pad, pad, pad, pad]),
        strides: ints([stride, stride]),
      })
    },
    depthwise(layer, x, path) {
      const w = initializer(path, 'conv.weight', depthwiseWeight(layer))
      const kernelShape = {
        dilations: ints([1, 1]),
        group: { kind: 'int', value: layer.channels },
        kernel_shape: ints([3, 3]),
      }
      return emit('Conv', path, [x, w], {
        ...kernelShape,
        pads: ints([1, 1, 1, 1]),
        strides: ints([layer.stride, layer.stride]),
      })
    },
    batchNorm(layer, x, path) {
      const part = (name, data) => initializer(path, `bn.${name}`, float32([layer.channels], data))
      const inputs = [
        x,
        part('weight', layer.gamma.data),
        part('bias', layer.beta.data),
        part('running_mean', layer.mean),
        part('running_var', layer.variance),
      ]
      return emit('BatchNormalization', path, inputs, { epsilon: { kind: 'float', value: Math.fround(layer.epsilon) } })
    },
    relu: (_, x, path) => emit('Relu', path, [x]),
    residual: (layer, x, path) => emit('Add', path, [x, lower.sequence(layer.body, x, path)]),
    globalAveragePool: (_, x, path) => emit('GlobalAveragePool', path, [x]),
    dense(layer, x, path) {
      const shape = emit('Shape', path, [x])
      const first = emit('Gather', path, [shape, constant(`${path}/first`, int64([], [0]))], {
        axis: { kind: 'int', value: 0 },
      })
      const batch = emit('Unsqueeze', path, [first, constant(`${path}/axis`, int64([1], [0]))])
      const target = emit('Concat', path, [batch, constant(`${path}/rest`, int64([1], [-1]))], {
        axis: { kind: 'int', value: 0 },
      })
      const flat = emit('Reshape', path, [x, target])
      const kept = emit('Dropout', path, [flat])
      const w = initializer(path, 'weight', float32([layer.outputs, layer.inputs], layer.weight.data))
      const b = initializer(path, 'bias', float32([layer.outputs], layer.bias.data))
      const y = emit('Gemm', path, [kept, w, b], { transB: { kind: 'int', value: 1 } })
      return emit('Identity', path, [y])
    },
    sequence: (layer, x, path) =>
      layer.layers.reduce((v, part) => lower[part.kind](part, v, `${path}/${part.name}`), x),
  }

  declare('image', 'float32', ['batch', 1, 28, 28])
  declare('logits', 'float32', ['batch', 10])
  lower.sequence(network, 'image', '')
  const last = nodes.pop()
  nodes.push({ ...last, outputs: ['logits'] })
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

/** What the pixels go through before they enter the network. */
export const inputSpec = {
  inputs: { image: { layout: 'NCHW', color: 'GRAY', scale: 1 / 255, mean: [mean], std: [std], pad: 0 } },
  task: { kind: 'classify' },
}
