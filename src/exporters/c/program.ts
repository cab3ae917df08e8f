// From the program of channels-last kernels to what C needs: uses of kernels in their order, and places of tensors.
import { elementCount } from '../../base/dtype.ts'
import type { NhwcOperator } from '../nhwc/types.ts'
import type { Chained } from './chains.ts'
import { dequantize, quantize } from './edges.ts'
import { curve, product, softmax, sum } from './elementwise.ts'
import type { Context, Use } from './kernel.ts'
import { matmul } from './matmul.ts'
import {
  broadcast,
  concatenation,
  depthToSpace,
  gather,
  pad,
  slice,
  spaceToDepth,
  stridedSlice,
  take,
  tile,
  transpose,
} from './movement.ts'
import { averagePool, maxPool, mean } from './pools.ts'
import { conv, dense, depthwise } from './products.ts'
import { bilinear, nearest } from './resize.ts'
import { planStorage, type Storage } from './storage.ts'

const rules: { readonly [K in NhwcOperator['kind']]?: (o: never, c: Context) => Use } = {
  CONV_2D: conv,
  DEPTHWISE_CONV_2D: depthwise,
  FULLY_CONNECTED: dense,
  BATCH_MATMUL: matmul,
  MAX_POOL_2D: maxPool,
  AVERAGE_POOL_2D: averagePool,
  MEAN: mean,
  ADD: sum,
  SUB: sum,
  MUL: product,
  RELU: curve,
  RELU6: curve,
  RELU_N1_TO_1: curve,
  LEAKY_RELU: curve,
  LOGISTIC: curve,
  TANH: curve,
  HARD_SWISH: curve,
  SOFTMAX: softmax,
  TRANSPOSE: transpose,
  SLICE: slice,
  STRIDED_SLICE: stridedSlice,
  BROADCAST_TO: broadcast,
  TILE: tile,
  DEPTH_TO_SPACE: depthToSpace,
  SPACE_TO_DEPTH: spaceToDepth,
  GATHER: gather,
  PAD: pad,
  PADV2: pad,
  RESIZE_NEAREST_NEIGHBOR: nearest,
  RESIZE_BILINEAR: bilinear,
  QUANTIZE: curve,
  DEQUANTIZE: dequantize,
}

/** Operators that there are kernels for, of integers. */
export const isKnown = (kind: NhwcOperator['kind']): boolean =>
  kind in rules || ['RESHAPE', 'CONCATENATION'].includes(kind)

/** None for what only changes a shape. */
function kernelsOf(o: NhwcOperator, c: Context): Use[] {
  if (o.kind === 'RESHAPE') {
    const [x] = o.inputs
    return c.tensor(x).data ? [copy(x, o.outputs[0], c)] : []
  }
  if (o.kind === 'CONCATENATION') return concatenation(o, c)
  if (o.kind === 'QUANTIZE' && c.tensor(o.inputs[0]).dtype === 'float32')
    return [quantize(o.inputs[0], o.outputs[0], c)]
  return [rules[o.kind]!(o as never, c)]
}

const copy = (x: number, y: number, c: Context): Use =>
  take(x, y, [{ size: elementCount(c.tensor(x).shape), strides: [1] }])

const elementwise = new Set(['lookup', 'add', 'subtract', 'multiply_codes', 'softmax'])

export interface Step {
  operator: NhwcOperator | null // null: an output brought to its place
  uses: readonly Use[]
}

/** `program` has nothing that is refused. */
export function planProgram({ program, functions }: Chained): { steps: Step[]; storage: Storage } {
  const c: Context = { functions, tensor: index => program.tensors[index] }
  const steps: Step[] = program.operators.map(operator => ({ operator, uses: kernelsOf(operator, c) }))
  const names = new Map(steps.map(({ operator, uses }) => [operator, uses[0]?.kernel.replace(/_\dd$/, '') ?? '']))
  const storage = planStorage(program, (operator, input) => {
    const { shape } = program.tensors[operator.outputs[0]]
    return elementwise.has(names.get(operator)!) && program.tensors[input].shape.join() === shape.join()
  })
  const last = storage.copied.map(({ tensor, element }): Step => {
    return { operator: null, uses: [{ ...copy(tensor, tensor, c), to: element }] }
  })
  return { steps: [...steps, ...last], storage }
}
