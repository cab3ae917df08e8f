// Layers with hand-written gradients, float64, NHWC. `forward` keeps what `backward` needs; backward adds to the gradients of
// the parameters and returns the gradient of the input.
import type { Rng } from '../../../src/base/rng.ts'
import { matmul } from './matmul.ts'

/** [N, H, W, C]. */
export interface Batch {
  data: Float64Array
  shape: readonly [number, number, number, number]
}

export interface Parameter {
  data: Float64Array
  grad: Float64Array
  velocity: Float64Array
  decay: boolean
}

interface Trainable {
  name?: string
  parameters: Parameter[]
  forward(x: Batch, training: boolean): Batch
  backward(dy: Batch): Batch
}
export interface Conv extends Trainable {
  kind: 'conv'
  kernel: number
  stride: number
  inputs: number
  outputs: number
  weight: Parameter // [k, k, in, out]
}
export interface Depthwise extends Trainable {
  kind: 'depthwise'
  stride: number
  channels: number
  weight: Parameter // [3, 3, channels]
}
export interface BatchNorm extends Trainable {
  kind: 'batch-norm'
  channels: number
  epsilon: number
  gamma: Parameter
  beta: Parameter
  mean: Float64Array
  variance: Float64Array
}
export interface Plain extends Trainable {
  kind: 'relu' | 'global-average-pool'
}
export interface Residual extends Trainable {
  kind: 'residual'
  body: Sequence
}
export interface Dense extends Trainable {
  kind: 'dense'
  inputs: number
  outputs: number
  weight: Parameter // [out, in], as Gemm with transB reads it
  bias: Parameter
}
export interface Sequence extends Trainable {
  kind: 'sequence'
  layers: Layer[]
}
export type Layer = Conv | Depthwise | BatchNorm | Plain | Residual | Dense | Sequence

const zeros = (shape: Batch['shape']): Batch => ({
  data: new Float64Array(shape[0] * shape[1] * shape[2] * shape[3]),
  shape,
})
const parameter = (data: Float64Array, decay: boolean): Parameter => ({
  data,
  grad: new Float64Array(data.length),
  velocity: new Float64Array(data.length),
  decay,
})

/** He's uniform initialisation: variance 2 / fan-in. */
function heUniform(count: number, fanIn: number, rng: Rng): Float64Array {
  const limit = Math.sqrt(6 / fanIn)
  return Float64Array.from({ length: count }, () => (2 * rng.uniform() - 1) * limit)
}

/** k x k convolution without bias (a BatchNorm follows), padding k >> 1. */
export function conv(kernel: number, inputs: number, outputs: number, stride: number, rng: Rng): Conv {
  const pad = kernel >> 1
  const depth = kernel * kernel * inputs
  const weight = parameter(heUniform(depth * outputs, depth, rng), true)
  const sizeAfter = (size: number): number => Math.floor((size + 2 * pad - kernel) / stride) + 1
  let x = zeros([0, 0, 0, 0])
  let columns = new Float64Array(0)

  /** Pairs each place of the column matrix with the pixel it stands for, or with -1 outside. */
  function visit(height: number, width: number, touch: (at: number, pixel: number) => void): void {
    let at = 0
    for (let oy = 0; oy < sizeAfter(height); oy++)
      for (let ox = 0; ox < sizeAfter(width); ox++)
        for (let ky = 0; ky < kernel; ky++)
          for (let kx = 0; kx < kernel; kx++, at += inputs) {
            const iy = oy * stride + ky - pad
            const ix = ox * stride + kx - pad
            touch(at, iy < 0 || iy >= height || ix < 0 || ix >= width ? -1 : (iy * width + ix) * inputs)
          }
  }
  /** The column matrix of picture i: one row per output place, all that its kernel sees. */
  function gather(i: number): void {
    const [, height, width] = x.shape
    const from = i * height * width * inputs
    visit(height, width, (at, pixel) => {
      if (pixel < 0) columns.fill(0, at, at + inputs)
      else for (let c = 0; c < inputs; c++) columns[at + c] = x.data[from + pixel + c]
    })
  }
  const part = (batch: Batch, i: number): Float64Array => {
    const length = batch.data.length / batch.shape[0]
    return batch.data.subarray(i * length, (i + 1) * length)
  }

  return {
    kind: 'conv',
    kernel,
    stride,
    inputs,
    outputs,
    weight,
    parameters: [weight],
    forward(input) {
      x = input
      const [n, height, width] = x.shape
      const y = zeros([n, sizeAfter(height), sizeAfter(width), outputs])
      const places = y.shape[1] * y.shape[2]
      if (columns.length !== places * depth) columns = new Float64Array(places * depth)
      for (let i = 0; i < n; i++) {
        gather(i)
        matmul(places, outputs, depth, columns, depth, 1, weight.data, outputs, 1, part(y, i), outputs)
      }
      return y
    },
    backward(dy) {
      const [n, height, width] = x.shape
      const places = dy.shape[1] * dy.shape[2]
      const dx = zeros(x.shape)
      const dColumns = new Float64Array(places * depth)
      for (let i = 0; i < n; i++) {
        const d = part(dy, i)
        const to = part(dx, i)
        gather(i)
        matmul(depth, outputs, places, columns, 1, depth, d, outputs, 1, weight.grad, outputs)
        dColumns.fill(0)
        matmul(places, depth, outputs, d, outputs, 1, weight.data, 1, outputs, dColumns, depth)
        visit(height, width, (at, pixel) => {
          if (pixel >= 0) for (let c = 0; c < inputs; c++) to[pixel + c] += dColumns[at + c]
        })
      }
      return dx
    },
  }
}

/** 3 x 3 depthwise convolution without bias, padding 1. */
export function depthwise(channels: number, stride: number, rng: Rng): Depthwise {
  const weight = parameter(heUniform(9 * channels, 9, rng), true)
  const sizeAfter = (size: number): number => Math.floor((size - 1) / stride) + 1
  let x = zeros([0, 0, 0, 0])

  /** Every product of the convolution, as offsets of output, input and weight. */
  function visit(touch: (o: number, p: number, w: number) => void): void {
    const [n, height, width] = x.shape
    let o = 0
    for (let i = 0; i < n; i++)
      for (let oy = 0; oy < sizeAfter(height); oy++)
        for (let ox = 0; ox < sizeAfter(width); ox++, o += channels)
          for (let ky = 0; ky < 3; ky++)
            for (let kx = 0; kx < 3; kx++) {
              const iy = oy * stride + ky - 1
              const ix = ox * stride + kx - 1
              if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue
              touch(o, ((i * height + iy) * width + ix) * channels, (ky * 3 + kx) * channels)
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
      const y = zeros([n, sizeAfter(height), sizeAfter(width), channels])
      visit((o, p, w) => {
        for (let c = 0; c < channels; c++) y.data[o + c] += x.data[p + c] * weight.data[w + c]
      })
      return y
    },
    backward(dy) {
      const dx = zeros(x.shape)
      visit((o, p, w) => {
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
export function batchNorm(channels: number, momentum = 0.1): BatchNorm {
  const epsilon = 1e-5
  const gamma = parameter(new Float64Array(channels).fill(1), false)
  const beta = parameter(new Float64Array(channels), false)
  const mean = new Float64Array(channels)
  const variance = new Float64Array(channels).fill(1)
  let normal = zeros([0, 0, 0, 0])
  let inverse = new Float64Array(channels)

  function statistics(x: Batch): [Float64Array, Float64Array] {
    const rows = x.data.length / channels
    const m = new Float64Array(channels)
    const v = new Float64Array(channels)
    for (let r = 0, at = 0; r < rows; r++) for (let c = 0; c < channels; c++, at++) m[c] += x.data[at]
    for (let c = 0; c < channels; c++) m[c] /= rows
    for (let r = 0, at = 0; r < rows; r++)
      for (let c = 0; c < channels; c++, at++) v[c] += (x.data[at] - m[c]) * (x.data[at] - m[c])
    for (let c = 0; c < channels; c++) {
      v[c] /= rows
      mean[c] += momentum * (m[c] - mean[c])
      variance[c] += momentum * ((v[c] * rows) / (rows - 1) - variance[c])
    }
    return [m, v]
  }

  return {
    kind: 'batch-norm',
    channels,
    epsilon,
    gamma,
    beta,
    mean,
    variance,
    parameters: [gamma, beta],
    forward(x, training) {
      const [m, v] = training ? statistics(x) : [mean, variance]
      inverse = v.map(value => 1 / Math.sqrt(value + epsilon))
      normal = zeros(x.shape)
      const y = zeros(x.shape)
      for (let at = 0; at < x.data.length; )
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
      for (let at = 0; at < dy.data.length; )
        for (let c = 0; c < channels; c++, at++) {
          dGamma[c] += dy.data[at] * normal.data[at]
          dBeta[c] += dy.data[at]
        }
      const dx = zeros(dy.shape)
      for (let at = 0; at < dy.data.length; )
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

export function relu(): Plain {
  let y = zeros([0, 0, 0, 0])
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
export function residual(body: Sequence): Residual {
  const add = (a: Batch, b: Batch): Batch => ({ data: a.data.map((value, i) => value + b.data[i]), shape: a.shape })
  return {
    kind: 'residual',
    body,
    parameters: body.parameters,
    forward: (x, training) => add(x, body.forward(x, training)),
    backward: dy => add(dy, body.backward(dy)),
  }
}

export function globalAveragePool(): Plain {
  let shape: Batch['shape'] = [0, 0, 0, 0]
  const pooled = (at: number): number => {
    const [, height, width, channels] = shape
    return Math.floor(at / (height * width * channels)) * channels + (at % channels)
  }
  return {
    kind: 'global-average-pool',
    parameters: [],
    forward(x) {
      shape = x.shape
      const y = zeros([shape[0], 1, 1, shape[3]])
      for (let at = 0; at < x.data.length; at++) y.data[pooled(at)] += x.data[at] / (shape[1] * shape[2])
      return y
    },
    backward(dy) {
      const dx = zeros(shape)
      for (let at = 0; at < dx.data.length; at++) dx.data[at] = dy.data[pooled(at)] / (shape[1] * shape[2])
      return dx
    },
  }
}

/** Fully connected. */
export function dense(inputs: number, outputs: number, rng: Rng): Dense {
  const weight = parameter(heUniform(inputs * outputs, inputs, rng), true)
  const bias = parameter(new Float64Array(outputs), false)
  let x = zeros([0, 0, 0, 0])
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

export function sequence(...layers: Layer[]): Sequence {
  return {
    kind: 'sequence',
    layers,
    parameters: layers.flatMap(layer => layer.parameters),
    forward: (x, training) => layers.reduce((value, layer) => layer.forward(value, training), x),
    backward: dy => layers.reduceRight((grad, layer) => layer.backward(grad), dy),
  }
}
