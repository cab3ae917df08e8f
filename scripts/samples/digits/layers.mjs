// Layers with hand-written gradients, float64, NHWC. `forward(x, training)` keeps what `backward(dy)` needs; backward adds to
// the gradients of the parameters and returns the gradient of the input. A tensor is { data, shape: [N, H, W, C] }.
import { matmul } from './matmul.mjs'

const zeros = shape => ({ data: new Float64Array(shape.reduce((n, d) => n * d, 1)), shape })
const parameter = (data, decay) => ({
  data,
  grad: new Float64Array(data.length),
  velocity: new Float64Array(data.length),
  decay,
})

/** He's uniform initialisation: variance 2 / fan-in. */
function heUniform(count, fanIn, rng) {
  const limit = Math.sqrt(6 / fanIn)
  return Float64Array.from({ length: count }, () => (2 * rng.uniform() - 1) * limit)
}

/** k x k convolution without bias (a BatchNorm follows), padding k >> 1; weight [k, k, in, out]. */
export function conv(kernel, inputs, outputs, stride, rng) {
  const pad = kernel >> 1
  const depth = kernel * kernel * inputs
  const weight = parameter(heUniform(depth * outputs, depth, rng), true)
  let x
  let columns

  function visit(height, width, outHeight, outWidth, touch) {
    let at = 0
    for (let oy = 0; oy < outHeight; oy++)
      for (let ox = 0; ox < outWidth; ox++)
        for (let ky = 0; ky < kernel; ky++)
          for (let kx = 0; kx < kernel; kx++, at += inputs) {
            const y = oy * stride + ky - pad
            const xx = ox * stride + kx - pad
            touch(at, y < 0 || y >= height || xx < 0 || xx >= width ? -1 : (y * width + xx) * inputs)
          }
  }
  const gather = (source, from) => (at, to) => {
    if (to < 0) columns.fill(0, at, at + inputs)
    else for (let c = 0; c < inputs; c++) columns[at + c] = source[from + to + c]
  }

  return {
    kind: 'conv',
    kernel,
    stride,
    pad,
    inputs,
    outputs,
    weight,
    parameters: [weight],
    forward(input) {
      x = input
      const [n, height, width] = x.shape
      const outHeight = Math.floor((height + 2 * pad - kernel) / stride) + 1
      const outWidth = Math.floor((width + 2 * pad - kernel) / stride) + 1
      const places = outHeight * outWidth
      const y = zeros([n, outHeight, outWidth, outputs])
      if (columns?.length !== places * depth) columns = new Float64Array(places * depth)
      for (let i = 0; i < n; i++) {
        visit(height, width, outHeight, outWidth, gather(x.data, i * height * width * inputs))
        const out = y.data.subarray(i * places * outputs, (i + 1) * places * outputs)
        matmul(places, outputs, depth, columns, depth, 1, weight.data, outputs, 1, out, outputs)
      }
      return y
    },
    backward(dy) {
      const [n, height, width] = x.shape
      const [, outHeight, outWidth] = dy.shape
      const places = outHeight * outWidth
      const dx = zeros(x.shape)
      const dColumns = new Float64Array(places * depth)
      for (let i = 0; i < n; i++) {
        const from = i * height * width * inputs
        const d = dy.data.subarray(i * places * outputs, (i + 1) * places * outputs)
        visit(height, width, outHeight, outWidth, gather(x.data, from))
        matmul(depth, outputs, places, columns, 1, depth, d, outputs, 1, weight.grad, outputs)
        dColumns.fill(0)
        matmul(places, depth, outputs, d, outputs, 1, weight.data, 1, outputs, dColumns, depth)
        visit(height, width, outHeight, outWidth, (at, to) => {
          if (to >= 0) for (let c = 0; c < inputs; c++) dx.data[from + to + c] += dColumns[at + c]
        })
      }
      return dx
    },
  }
}

/** 3 x 3 depthwise convolution without bias, padding 1; weight [3, 3, channels]. */
export function depthwise(channels, stride, rng) {
  const weight = parameter(heUniform(9 * channels, 9, rng), true)
  let x

  function visit(shape, out, touch) {
    const [n, height, width] = shape
    for (let i = 0; i < n; i++)
      for (let oy = 0; oy < out[1]; oy++)
        for (let ox = 0; ox < out[2]; ox++)
          for (let ky = 0; ky < 3; ky++)
            for (let kx = 0; kx < 3; kx++) {
              const y = oy * stride + ky - 1
              const xx = ox * stride + kx - 1
              if (y < 0 || y >= height || xx < 0 || xx >= width) continue
              touch(
                ((i * out[1] + oy) * out[2] + ox) * channels,
                ((i * height + y) * width + xx) * channels,
                (ky * 3 + kx) * channels,
              )
            }
  }

  return {
    kind: 'depthwise',
    stride,
    channels,
    weight,
    parameters: [weight],
    forward(input) {
      x = input
      const [n, height, width] = x.shape
      const y = zeros([n, Math.floor((height - 1) / stride) + 1, Math.floor((width - 1) / stride) + 1, channels])
      visit(x.shape, y.shape, (o, p, w) => {
        for (let c = 0; c < channels; c++) y.data[o + c] += x.data[p + c] * weight.data[w + c]
      })
      return y
    },
    backward(dy) {
      const dx = zeros(x.shape)
      visit(x.shape, dy.shape, (o, p, w) => {
        for (let c = 0; c < channels; c++) {
          dx.data[p + c] += dy.data[o + c] * weight.data[w + c]
          weight.grad[w + c] += dy.data[o + c] * x.data[p + c]
        }
      })
      return dx
    },
  }
}

/** Batch normalisation (Ioffe and Szegedy 2015): statistics of the batch in training, running averages otherwise. */
export function batchNorm(channels, momentum = 0.1) {
  const epsilon = 1e-5
  const gamma = parameter(new Float64Array(channels).fill(1), false)
  const beta = parameter(new Float64Array(channels), false)
  const mean = new Float64Array(channels)
  const variance = new Float64Array(channels).fill(1)
  let normal
  let inverse
  return {
    kind: 'batchNorm',
    channels,
    epsilon,
    gamma,
    beta,
    mean,
    variance,
    parameters: [gamma, beta],
    forward(x, training) {
      const rows = x.data.length / channels
      let m = mean
      let v = variance
      if (training) {
        m = new Float64Array(channels)
        v = new Float64Array(channels)
        for (let r = 0, at = 0; r < rows; r++) for (let c = 0; c < channels; c++, at++) m[c] += x.data[at]
        for (let c = 0; c < channels; c++) m[c] /= rows
        for (let r = 0, at = 0; r < rows; r++)
          for (let c = 0; c < channels; c++, at++) v[c] += (x.data[at] - m[c]) * (x.data[at] - m[c])
        for (let c = 0; c < channels; c++) {
          v[c] /= rows
          mean[c] += momentum * (m[c] - mean[c])
          variance[c] += momentum * ((v[c] * rows) / (rows - 1) - variance[c])
        }
      }
      inverse = v.map(value => 1 / Math.sqrt(value + epsilon))
      normal = zeros(x.shape)
      const y = zeros(x.shape)
      for (let r = 0, at = 0; r < rows; r++)
        for (let c = 0; c < channels; c++, at++) {
          normal.data[at] = (x.data[at] - m[c]) * inverse[c]
          y.data[at] = normal.data[at] * gamma.data[c] + beta.data[c]
        }
      return y
    },
    backward(dy) {
      const rows = dy.data.length / channels
      const dGamma = new Float64Array(channels)
      const dBeta = new Float64Array(channels)
      for (let r = 0, at = 0; r < rows; r++)
        for (let c = 0; c < channels; c++, at++) {
          dGamma[c] += dy.data[at] * normal.data[at]
          dBeta[c] += dy.data[at]
        }
      const dx = zeros(dy.shape)
      for (let r = 0, at = 0; r < rows; r++)
        for (let c = 0; c < channels; c++, at++)
          dx.data[at] =
            ((gamma.data[c] * inverse[c]) / rows) * (rows * dy.data[at] - dBeta[c] - normal.data[at] * dGamma[c])
      for (let c = 0; c < channels; c++) {
        gamma.grad[c] += dGamma[c]
        beta.grad[c] += dBeta[c]
      }
      return dx
    },
  }
}

export function relu() {
  let y
  return {
    kind: 'relu',
    parameters: [],
    forward(x) {
      y = { data: x.data.map(value => Math.max(value, 0)), shape: x.shape }
      return y
    },
    backward: dy => ({ data: dy.data.map((value, i) => (y.data[i] > 0 ? value : 0)), shape: dy.shape }),
  }
}

/** y = x + body(x). */
export function residual(body) {
  const add = (a, b) => ({ data: a.data.map((value, i) => value + b.data[i]), shape: a.shape })
  return {
    kind: 'residual',
    body,
    parameters: body.parameters,
    forward: (x, training) => add(x, body.forward(x, training)),
    backward: dy => add(dy, body.backward(dy)),
  }
}

export function globalAveragePool() {
  let shape
  return {
    kind: 'globalAveragePool',
    parameters: [],
    forward(x) {
      shape = x.shape
      const [n, height, width, channels] = shape
      const y = zeros([n, 1, 1, channels])
      for (let at = 0; at < x.data.length; at++)
        y.data[Math.floor(at / (height * width * channels)) * channels + (at % channels)] +=
          x.data[at] / (height * width)
      return y
    },
    backward(dy) {
      const [, height, width, channels] = shape
      const dx = zeros(shape)
      for (let at = 0; at < dx.data.length; at++)
        dx.data[at] =
          dy.data[Math.floor(at / (height * width * channels)) * channels + (at % channels)] / (height * width)
      return dx
    },
  }
}

/** Fully connected; weight [out, in], as Gemm with transB reads it. */
export function dense(inputs, outputs, rng) {
  const weight = parameter(heUniform(inputs * outputs, inputs, rng), true)
  const bias = parameter(new Float64Array(outputs), false)
  let x
  return {
    kind: 'dense',
    inputs,
    outputs,
    weight,
    bias,
    parameters: [weight, bias],
    forward(input) {
      x = input
      const n = x.shape[0]
      const y = zeros([n, 1, 1, outputs])
      for (let i = 0; i < n; i++) y.data.set(bias.data, i * outputs)
      matmul(n, outputs, inputs, x.data, inputs, 1, weight.data, 1, inputs, y.data, outputs)
      return y
    },
    backward(dy) {
      const n = x.shape[0]
      const dx = zeros(x.shape)
      matmul(n, inputs, outputs, dy.data, outputs, 1, weight.data, inputs, 1, dx.data, inputs)
      matmul(outputs, inputs, n, dy.data, 1, outputs, x.data, inputs, 1, weight.grad, inputs)
      for (let i = 0; i < n; i++) for (let o = 0; o < outputs; o++) bias.grad[o] += dy.data[i * outputs + o]
      return dx
    },
  }
}

export function sequence(...layers) {
  return {
    kind: 'sequence',
    layers,
    parameters: layers.flatMap(layer => layer.parameters),
    forward: (x, training) => layers.reduce((value, layer) => layer.forward(value, training), x),
    backward: dy => layers.reduceRight((grad, layer) => layer.backward(grad), dy),
  }
}
