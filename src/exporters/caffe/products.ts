// Products with weights as Caffe layers. Caffe pads alike on both sides: what is padded unevenly gets a larger kernel with zeros, which
// computes the same. BVLC/caffe: src/caffe/layers/conv_layer.cpp, deconv_layer.cpp, inner_product_layer.cpp.
import type { ProtoValue } from '../../formats/prototxt.ts'
import { attrFloat, attrInt, attrInts, type Node, type ValueName } from '../../ir/model.ts'
import { elements, type Tensor } from '../../ir/tensor.ts'
import { Refused } from '../graph-view.ts'
import { type Window, windowOf } from '../window.ts'
import type { CaffePlanner, PlannedBlob, PlanOps } from './types.ts'

type Fields = Record<string, ProtoValue | readonly ProtoValue[]>

/** A field for both axes where they are equal, else one for each. */
export function perAxis(name: string, [h, w]: readonly number[], prefix = name): Fields {
  return h === w ? { [name]: h } : { [`${prefix}_h`]: h, [`${prefix}_w`]: w }
}

function constantOf(name: ValueName | null | undefined, planner: CaffePlanner): Tensor {
  const tensor = planner.view.constant(name)
  if (!tensor || !/^float/.test(tensor.dtype))
    throw new Refused('its weights are no constant floats', 'Export the float model.')
  return tensor
}

function biasOf(name: ValueName | null | undefined, count: number, planner: CaffePlanner): PlannedBlob[] {
  if (name == null) return []
  const tensor = constantOf(name, planner)
  const one = elements(tensor) === 1
  if (!one && elements(tensor) !== count) throw new Refused('its bias is not one for each output', 'Add it by itself.')
  return [{ shape: [count], tensor, ...(one ? { from: () => 0 } : {}) }]
}

/** Fields of a window that pads alike on both sides, and by how much its kernel grows at the beginning and end of each axis. */
function evened({ kernel, strides, dilations, begins, ends }: Window): {
  fields: Fields
  kernel: number[]
  before: number[]
} {
  const grown = kernel.map((k, i) => k + Math.abs(ends[i] - begins[i]))
  const before = kernel.map((_, i) => Math.max(0, ends[i] - begins[i]))
  if (dilations.some((d, i) => d !== 1 && ends[i] !== begins[i]))
    throw new Refused('it has holes and pads unevenly', 'Export it with even padding.')
  const pads = begins.map((begin, i) => Math.max(begin, ends[i]))
  const fields: Fields = { ...perAxis('kernel_size', grown, 'kernel') }
  if (pads.some(p => p !== 0)) Object.assign(fields, perAxis('pad', pads))
  if (strides.some(s => s !== 1)) Object.assign(fields, perAxis('stride', strides))
  if (dilations.some(d => d !== 1)) fields.dilation = [...dilations]
  return { fields, kernel: grown, before }
}

/** The weight in a kernel that has grown: zeros around what was there. */
function grownWeight(tensor: Tensor, kernel: readonly number[], before: readonly number[]): PlannedBlob {
  const [a, b, ...old] = tensor.shape
  const shape = [a, b, ...kernel]
  if (old.every((k, i) => k === kernel[i])) return { shape, tensor }
  const [height, width] = kernel
  return {
    shape,
    tensor,
    from: at => {
      const x = (at % width) - before[1]
      const y = (Math.floor(at / width) % height) - before[0]
      const which = Math.floor(at / (width * height))
      return x < 0 || y < 0 || x >= old[1] || y >= old[0] ? { value: 0 } : (which * old[0] + y) * old[1] + x
    },
  }
}

const conv = (node: Node, planner: CaffePlanner): void => {
  const { view } = planner
  const weight = constantOf(node.inputs[1], planner)
  if (weight.shape.length !== 4) throw new Refused('it is over other than two axes', 'Reshape it to images.')
  const [outputs] = weight.shape
  const group = attrInt(node, 'group', 1)
  const sizes = [node.inputs[0]!, node.outputs[0]!].map(name => view.shape(name).slice(2))
  const window = windowOf(node, weight.shape.slice(2), sizes[0], sizes[1])
  const { fields, kernel, before } = evened(window)
  const bias = biasOf(node.inputs[2], outputs, planner)
  planner.add(
    'Convolution',
    [planner.blob(node.inputs[0]!)],
    [planner.blob(node.outputs[0]!)],
    [
      'convolution_param',
      { num_output: outputs, bias_term: bias.length > 0, ...fields, ...(group > 1 ? { group } : {}) },
    ],
    [grownWeight(weight, kernel, before), ...bias],
  )
}

const convTranspose = (node: Node, planner: CaffePlanner): void => {
  const weight = constantOf(node.inputs[1], planner)
  if (weight.shape.length !== 4) throw new Refused('it is over other than two axes', 'Reshape it to images.')
  const kernel = weight.shape.slice(2)
  const pads = attrInts(node, 'pads') ?? [0, 0, 0, 0]
  const open = attrInts(node, 'output_padding')?.some(p => p !== 0) ?? false
  if (
    node.attrs.has('auto_pad') ||
    attrInts(node, 'output_shape') ||
    open ||
    pads[0] !== pads[2] ||
    pads[1] !== pads[3]
  )
    throw new Refused('it pads unevenly', 'Export it with even padding.')
  const group = attrInt(node, 'group', 1)
  const outputs = weight.shape[1] * group
  const bias = biasOf(node.inputs[2], outputs, planner)
  const fields: Fields = {
    num_output: outputs,
    bias_term: bias.length > 0,
    ...perAxis('kernel_size', kernel, 'kernel'),
    ...perAxis('pad', pads),
    ...perAxis('stride', attrInts(node, 'strides') ?? [1, 1]),
    ...(group > 1 ? { group } : {}),
  }
  planner.add(
    'Deconvolution',
    [planner.blob(node.inputs[0]!)],
    [planner.blob(node.outputs[0]!)],
    ['convolution_param', fields],
    [{ shape: weight.shape, tensor: weight }, ...bias],
  )
}

function innerProduct(node: Node, planner: CaffePlanner, turned: boolean, bias: ValueName | null): void {
  const weight = constantOf(node.inputs[1], planner)
  const rank = planner.view.shape(node.inputs[0]!).length
  if (weight.shape.length !== 2) throw new Refused('its second factor is no matrix', 'Give it constant weights.')
  const [outputs, inputs] = turned ? weight.shape : [weight.shape[1], weight.shape[0]]
  const blobs = biasOf(bias, outputs, planner)
  const axis = rank - 1
  planner.add(
    'InnerProduct',
    [planner.blob(node.inputs[0]!)],
    [planner.blob(node.outputs[0]!)],
    ['inner_product_param', { num_output: outputs, bias_term: blobs.length > 0, ...(axis === 1 ? {} : { axis }) }],
    [
      {
        shape: [outputs, inputs],
        tensor: weight,
        ...(turned ? {} : { from: (at: number) => (at % inputs) * outputs + Math.floor(at / inputs) }),
      },
      ...blobs,
    ],
  )
}

const gemm = (node: Node, planner: CaffePlanner): void => {
  if (attrFloat(node, 'alpha', 1) !== 1 || attrFloat(node, 'beta', 1) !== 1 || attrInt(node, 'transA', 0) !== 0)
    throw new Refused('alpha, beta or transA is not the default', 'Fold them into the weights.')
  innerProduct(node, planner, attrInt(node, 'transB', 0) === 1, node.inputs[2] ?? null)
}

/**
 * Rows and columns picked at steps, channels of zeros put before and behind: a convolution of single pixels that copies them. Stock Caffe
 * has no layer for either.
 */
export function copying(
  planner: CaffePlanner,
  x: ValueName,
  y: ValueName,
  { steps = [1, 1], front = 0, pads = [0, 0] }: { steps?: readonly number[]; front?: number; pads?: readonly number[] },
): void {
  const [inputs, outputs] = [x, y].map(name => planner.view.shape(name)[1])
  const fields: Fields = { num_output: outputs, bias_term: false, kernel_size: 1 }
  if (steps.some(s => s !== 1)) Object.assign(fields, perAxis('stride', steps))
  if (pads.some(p => p !== 0)) Object.assign(fields, perAxis('pad', pads))
  const values = Array.from({ length: outputs * inputs }, (_, at) =>
    Math.floor(at / inputs) - front === at % inputs ? 1 : 0,
  )
  planner.add(
    'Convolution',
    [planner.blob(x)],
    [planner.blob(y)],
    ['convolution_param', fields],
    [{ shape: [outputs, inputs, 1, 1], values }],
  )
}

export const products: PlanOps = {
  Conv: conv,
  ConvTranspose: convTranspose,
  Gemm: gemm,
  MatMul: (node, planner) => innerProduct(node, planner, false, null),
}
