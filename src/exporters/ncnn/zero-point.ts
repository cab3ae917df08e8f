// Codes whose zero point z is not 0, for kernels that know none. A product reads y = ±(x + z·scale) instead, whose codes lie around zero and
// are those of x; what z adds to its sums goes into its bias, and it pads with the code of 0. The sign is that of z, so that this code is
// never below 0: ncnn fills packed borders of negative int8 with -1 (src/layer/x86/padding_x86.cpp: v8 | v8 << 8 | ... of a signed v8;
// seen in version 1.0.20261020).
import { floatParam, floatsParam, intParam, type NcnnParam } from '../../formats/ncnn-param.ts'
import type { Bytes } from '../../ir/context.ts'
import type { Node } from '../../ir/model.ts'
import { floatsOf } from '../floats.ts'
import type { GraphView, Rounded } from '../graph-view.ts'
import type { Part, Shift } from './types.ts'

export const unshifted: Shift = { sign: 1, offset: 0 }

export const shiftOf = ({ scale, zero }: Rounded): Shift => ({
  sign: zero < 0 ? -1 : 1,
  offset: Math.abs(zero) * scale,
})

/** BinaryOp's parameters of a layer that shifts. */
export const shiftParams = ({ sign, offset }: Shift): [number, NcnnParam][] => [
  [0, intParam(sign === 1 ? 0 : 7)],
  [1, intParam(1)],
  [2, floatParam(offset)],
]

/**
 * The activation at the end of a product that shifts what it gives, as parameters 9 and 10; null for one that is not bounds, which a shift
 * cannot pass. Open bounds lie beyond the codes.
 */
export function shiftedEnd(next: Node | null, view: GraphView, rounded: Rounded): [number, NcnnParam][] | null {
  if (next === null) return []
  const bound = (i: number): number | null => {
    if (next.op === 'Relu') return i === 1 ? 0 : null
    return view.numbers(next.inputs[i])?.[0] ?? null
  }
  if (next.op !== 'Relu' && next.op !== 'Clip') return null
  const { sign, offset } = shiftOf(rounded)
  const most = 256 * rounded.scale
  const [low, high] = [bound(1), bound(2)].map(b => (b === null ? null : sign * b + offset))
  const ends = sign === 1 ? [low ?? -most, high ?? most] : [high ?? -most, low ?? most]
  return [
    [9, intParam(3)],
    [10, floatsParam(ends)],
  ]
}

/** Biases of a product of shifted values. `codes` are its weights as they are written, those of one output after those of another. */
export async function shiftedBias(
  { count, bias, scale, from, to }: Extract<Part, { kind: 'bias' }>,
  codes: Int8Array,
  bytes: Bytes,
): Promise<Float32Array> {
  const own = bias ? await floatsOf(bias, bytes) : new Float32Array(1)
  const scales = await floatsOf(scale, bytes)
  const each = codes.length / count
  return Float32Array.from({ length: count }, (_, o) => {
    const sum = codes.subarray(o * each, (o + 1) * each).reduce((n, code) => n + code, 0)
    const ofZero = sum * (scales[o] ?? scales[0]) * from.offset
    return to.sign * (own[o] ?? own[0]) + to.offset - ofZero
  })
}
