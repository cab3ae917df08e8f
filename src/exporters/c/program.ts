// From the program of channels-last kernels to what C needs: uses of kernels in their order, places of tensors; or why not.
import { elementCount } from '../../base/dtype.ts'
import type { NhwcOperator, NhwcProgram, NhwcQuant } from '../nhwc/types.ts'
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

const rules: { readonly [K in NhwcOperator['kind']]?: (o: never, c: Context) => Use | string } = {
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
  DEQUANTIZE: dequantize,
}

export interface Refusal {
  operator: NhwcOperator
  why: string
}

/** Operators that plain C of integers has no kernel for. Scales do not matter, and need not be known. */
export function refusals(program: NhwcProgram): Refusal[] {
  const one = ({ scale, zeroPoint, axis }: NhwcQuant): NhwcQuant => ({ scale: scale.map(() => 1), zeroPoint, axis })
  const tensors = program.tensors.map(t => (t.quant ? { ...t, quant: one(t.quant) } : t))
  const c = contextOf({ ...program, tensors })
  return program.operators.flatMap(operator => {
    const why = refusal(operator, c) ?? kernelsOf(operator, c)
    return typeof why === 'string' ? [{ operator, why }] : []
  })
}

/** Why a tensor of an operator is nothing that it could take or give. */
function refusal(o: NhwcOperator, c: Context): string | null {
  const { inputs, outputs } = c.program
  const isEdge = (i: number, kind: NhwcOperator['kind'], edges: readonly number[]): boolean =>
    o.kind === kind && edges.includes(i)
  for (const i of [...o.inputs, ...o.outputs]) {
    if (i < 0) continue
    const { dtype, data, quant } = c.tensor(i)
    if (data || (dtype === 'int8' && quant?.scale.length === 1)) continue
    if (dtype === 'float32' && (isEdge(i, 'QUANTIZE', inputs) || isEdge(i, 'DEQUANTIZE', outputs))) continue
    if (dtype === 'uint8' && isEdge(i, 'QUANTIZE', inputs)) continue
    return dtype === 'int8'
      ? 'its integers have no scale, or several'
      : `it computes in ${dtype}, and C has kernels of int8 alone`
  }
  return o.outputs.length === 1 ? null : 'it has several outputs'
}

/** None for what only changes a shape. */
function kernelsOf(o: NhwcOperator, c: Context): Use[] | string {
  if (o.kind === 'RESHAPE') {
    const [x] = o.inputs
    return c.tensor(x).data ? [copy(x, o.outputs[0], c)] : []
  }
  if (o.kind === 'CONCATENATION') return concatenation(o, c)
  if (o.kind === 'QUANTIZE') {
    const use = c.tensor(o.inputs[0]).dtype === 'float32' ? quantize(o.inputs[0], o.outputs[0], c) : curve(o, c)
    return typeof use === 'string' ? use : [use]
  }
  const rule = rules[o.kind]
  if (!rule) return `there is no kernel for ${o.kind} of integers`
  const use = rule(o as never, c)
  return typeof use === 'string' ? use : [use]
}

const copy = (x: number, y: number, c: Context): Use =>
  take(x, y, [{ size: elementCount(c.tensor(x).shape), strides: [1] }])

const contextOf = (program: NhwcProgram): Context => ({ program, tensor: index => program.tensors[index] })

const elementwise = new Set(['lookup', 'add', 'subtract', 'multiply_codes', 'softmax'])

export interface Step {
  operator: NhwcOperator | null // null: an output brought to its place
  uses: readonly Use[]
}

/** `program` has nothing that is refused. */
export function planProgram(program: NhwcProgram): { steps: Step[]; storage: Storage } {
  const c = contextOf(program)
  const steps: Step[] = program.operators.map(operator => ({ operator, uses: kernelsOf(operator, c) as Use[] }))
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
