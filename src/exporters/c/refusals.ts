// What C of integers cannot hold of a program, and why. Read off types and shapes alone, so that it can be said before any scale is known.
import type { NhwcOperator, NhwcProgram, NhwcTensor } from '../nhwc/types.ts'
import { isKnown } from './program.ts'

export interface Refusal {
  operator: NhwcOperator
  why: string
}

export const refusals = (program: NhwcProgram): Refusal[] =>
  program.operators.flatMap(operator => {
    const why = atEdges(operator, program) ?? ofKind(operator, program)
    return why === null ? [] : [{ operator, why }]
  })

/** Floats come in and go out, and all else is int8. */
function atEdges(o: NhwcOperator, { tensors, inputs, outputs }: NhwcProgram): string | null {
  const isEdge = (i: number, kind: NhwcOperator['kind'], edges: readonly number[]): boolean =>
    o.kind === kind && edges.includes(i)
  for (const i of [...o.inputs, ...o.outputs]) {
    if (i < 0 || tensors[i].data) continue
    const { dtype, quant } = tensors[i]
    const comesIn = isEdge(i, 'QUANTIZE', inputs) && (dtype === 'float32' || dtype === 'uint8')
    if (comesIn || (isEdge(i, 'DEQUANTIZE', outputs) && dtype === 'float32')) continue
    if (dtype !== 'int8') return `it computes in ${dtype}, and there are kernels of int8 alone`
    if (quant?.scale.length !== 1) return 'its integers have no scale, or several'
  }
  return null
}

function ofKind(o: NhwcOperator, { tensors }: NhwcProgram): string | null {
  const [x, w] = o.inputs.map((i): NhwcTensor | undefined => tensors[i])
  if (!isKnown(o.kind)) return `there is no kernel of integers for ${o.kind}`
  switch (o.kind) {
    case 'CONV_2D':
    case 'DEPTHWISE_CONV_2D':
    case 'FULLY_CONNECTED':
      if (!w!.data) return 'its weights are computed at run time'
      return ['int8', 'int4'].includes(w!.dtype) ? null : `its weights are ${w!.dtype}`
    case 'BATCH_MATMUL':
      return x!.shape.length < 2 || w!.shape.length < 2 ? 'one of its inputs is a vector' : null
    case 'GATHER':
      return w!.data ? null : 'its indices are computed at run time'
    default:
      return null
  }
}
