// Conv, depthwise and grouped ones too. https://onnx.ai/onnx/operators/onnx__Conv.html
// acc[n, m, p] = b[m] + sum over the window of (x - zx)(w - zw); padding is the zero point, so that it adds nothing.
import { attrInt } from '../../../ir/model.ts'
import type { NdArray } from '../../../ir/tensor.ts'
import { codeArray } from '../constants.ts'
import { centred, plus, rowProducts } from '../products.ts'
import { affineOf, type CodeArray, type IntegerOp, type Lent, type Requantize } from '../types.ts'
import { type Axis, windowsOf } from '../windows.ts'

// Elements of the gathered windows at a time: 8 MB.
const most = 4194304

export const conv: IntegerOp = {
  types: ['Conv'],
  prepare(unit, arithmetic, lent) {
    const { node } = unit
    const [x, w, b] = unit.inputs
    const shape = w!.constant!.shape // [M, C / group, (kh,) kw]
    const group = attrInt(node, 'group', 1)
    const layer: Layer = {
      x: Number(x!.zeroPoint[0]),
      weights: centred(w!.constant!.data, w!.zeroPoint, w!.constant!.data.length / shape[0]),
      bias: b ? Float64Array.from(b.constant!.data as Int32Array, Number) : null,
      channels: shape[0],
      perGroup: shape[1],
      group,
      wide: x!.dtype === 'int16',
      code: arithmetic.requantizer(affineOf(x!), w!.scale, unit.output.affine!, 'Conv'),
    }
    return inputs => {
      const { shape: from, data } = inputs[0]!
      const [rows, columns] = windowsOf(node, from, shape.slice(2))
      const out = from.length === 3 ? [columns.out] : [rows.out, columns.out]
      const y = codeArray(unit.output.dtype, from[0] * layer.channels * rows.out * columns.out)
      const convolve = layer.perGroup === 1 ? directly : throughRows
      for (let n = 0; n < from[0]; n++) convolve(layer, data as CodeArray, n, rows, columns, y, lent)
      return { dtype: unit.output.dtype, shape: [from[0], layer.channels, ...out], data: y } as NdArray
    }
  },
  refuses: unit => {
    if (!unit.inputs[1]?.constant) return 'its weights are computed at run time'
    if (unit.inputs[2] && !unit.inputs[2].constant) return 'its bias is computed at run time'
    if ((unit.inputs[1].axis ?? 0) !== 0) return 'its scales are not per output channel'
    const rank = unit.inputs[1].constant.shape.length
    return rank > 4 ? `it has ${rank - 2} spatial axes` : null
  },
}

interface Layer {
  x: number // zero point of the input
  weights: Int16Array // less their zero points
  bias: Float64Array | null
  channels: number
  perGroup: number
  group: number
  wide: boolean
  code: Requantize
}

/** Image `n` of `x` into image `n` of `y`: windows as rows against the rows of the weights. */
function throughRows(layer: Layer, x: CodeArray, n: number, rows: Axis, columns: Axis, y: CodeArray, lent: Lent): void {
  const { perGroup, group, channels, wide, code, bias } = layer
  const depth = perGroup * rows.kernel * columns.kernel
  const pixels = rows.out * columns.out
  const m = channels / group
  const lines = Math.max(1, Math.floor(most / (depth * columns.out))) // of the output, at a time
  for (let g = 0; g < group; g++) {
    const weights = layer.weights.subarray(g * m * depth, (g + 1) * m * depth)
    const image = padded(x, (n * group + g) * perGroup, perGroup, layer.x, rows, columns)
    for (let top = 0; top < rows.out; top += lines) {
      const bottom = Math.min(rows.out, top + lines)
      const sums = rowProducts(gather(image, rows, columns, top, bottom), weights, depth, wide, lent.kernels)
      const count = (bottom - top) * columns.out
      for (let c = 0; c < m; c++) {
        const channel = g * m + c
        const b = bias ? bias[channel] : 0
        const to = (n * channels + channel) * pixels + top * columns.out
        for (let p = 0; p < count; p++) y[to + p] = code(plus(sums[p * m + c], b, wide), channel)
      }
    }
  }
}

/** Planes of centred codes, with as much of zero around each as the windows reach. */
interface Padded {
  data: Int16Array
  planes: number
  height: number
  width: number
}

const reach = (axis: Axis): number =>
  Math.max(axis.begin + axis.size, (axis.out - 1) * axis.stride + (axis.kernel - 1) * axis.dilation + 1)

function padded(x: CodeArray, first: number, planes: number, zero: number, rows: Axis, columns: Axis): Padded {
  const [height, width] = [reach(rows), reach(columns)]
  const data = new Int16Array(planes * height * width)
  for (let c = 0; c < planes; c++)
    for (let r = 0; r < rows.size; r++) {
      const from = ((first + c) * rows.size + r) * columns.size
      const to = (c * height + r + rows.begin) * width + columns.begin
      for (let i = 0; i < columns.size; i++) data[to + i] = (x[from + i] as number) - zero
    }
  return { data, planes, height, width }
}

/** Windows of output lines top to bottom, each a row [channel, ky, kx]. */
function gather(image: Padded, rows: Axis, columns: Axis, top: number, bottom: number): Int16Array {
  const { data, planes, height, width } = image
  const { kernel, dilation, stride } = columns
  const out = new Int16Array((bottom - top) * columns.out * planes * rows.kernel * kernel)
  let at = 0
  for (let oy = top; oy < bottom; oy++)
    for (let ox = 0; ox < columns.out; ox++)
      for (let c = 0; c < planes; c++)
        for (let ky = 0; ky < rows.kernel; ky++) {
          let from = (c * height + oy * rows.stride + ky * rows.dilation) * width + ox * stride
          for (let kx = 0; kx < kernel; kx++, from += dilation) out[at++] = data[from]
        }
  return out
}

/** As `throughRows` where each output channel reads one input channel: too little to gather. */
function directly(layer: Layer, x: CodeArray, n: number, rows: Axis, columns: Axis, y: CodeArray): void {
  const { group, channels, wide, code, bias, weights } = layer
  const { data, height, width } = padded(x, n * group, group, layer.x, rows, columns)
  const taps = rows.kernel * columns.kernel
  const offsets = Int32Array.from(
    { length: taps },
    (_, k) => Math.floor(k / columns.kernel) * rows.dilation * width + (k % columns.kernel) * columns.dilation,
  )
  const m = channels / group
  let to = n * channels * rows.out * columns.out
  for (let channel = 0; channel < channels; channel++) {
    const plane = Math.floor(channel / m) * height * width
    const b = bias ? bias[channel] : 0
    const w = weights.subarray(channel * taps, (channel + 1) * taps)
    for (let oy = 0; oy < rows.out; oy++)
      for (let ox = 0; ox < columns.out; ox++) {
        const from = plane + oy * rows.stride * width + ox * columns.stride
        let sum = 0
        for (let k = 0; k < taps; k++) sum += data[from + offsets[k]] * w[k]
        y[to++] = code(plus(sum, b, wide), channel)
      }
  }
}
