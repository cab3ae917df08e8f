// Codes whose zero point z is not 0, for kernels that know none. A product reads y = ±(x + z·scale) instead, whose codes lie around zero and
// are those of x; what z adds to its sums goes into its bias, and it pads with the code of 0. The sign is that of z, so that this code is
// never below 0: ncnn fills packed borders of negative int8 with -1 (src/layer/x86/padding_x86.cpp: v8 | v8 << 8 | ... of a signed v8;
// seen in version 1.0.20261020).
import type { Bytes } from '../../ir/context.ts'
import type { Node, ValueName } from '../../ir/model.ts'
import { floatsOf } from '../floats.ts'
import type { GraphView, Rounded } from '../graph-view.ts'
import type { Part, Shift } from './types.ts'

export const unshifted: Shift = { sign: 1, offset: 0 }

export const shiftOf = ({ scale, zero }: Rounded): Shift => ({
  sign: zero < 0 ? -1 : 1,
  offset: Math.abs(zero) * scale,
})

/** The same for values that are rounded alike. */
export const keyOf = ({ source, scale, zero }: Rounded): string => `${zero} ${scale} ${source}`

/** Codes of weights of what has the other sign. */
export const mirrored = (codes: Int8Array): Int8Array => codes.map(code => Math.min(127, -code))

/** BinaryOp's number of a layer that shifts by the offset. */
export const shiftType = ({ sign }: Shift): number => (sign === 1 ? 0 : 7)

/** What a product gives where codes alone are read of it: how they are rounded, and what holds it there. */
export interface HandedOn {
  rounded: Rounded
  /** The bounds of the activation at its end, shifted as what it gives is; none without one. null: what it gives is not shifted. */
  bounds: readonly number[] | null
  /** The product rounds in the place of those that read it. */
  requantises: boolean
}

/** `next` is the activation at the end of `node`, and `output` what it gives; null where others read that too. */
export function handedOn(node: Node, output: ValueName, next: Node | null, view: GraphView): HandedOn | null {
  const read = view.readersOfCodes(output)
  if (!read) return null
  const { rounded, readers } = read
  const bounds = rounded.zero !== 0 ? shiftedBounds(next, view, rounded) : null
  // int8 goes from layer to layer where nobody else looks at it.
  const passes = (reader: Node): boolean =>
    reader.op === 'Conv' && view.rounded(reader.inputs[0]!)?.source === output && !!view.codes(reader.inputs[1]!, 0)
  const inPlace = bounds !== null || rounded.zero === 0
  return {
    rounded,
    bounds,
    requantises: node.op === 'Conv' && readers.length > 0 && readers.every(passes) && inPlace,
  }
}

/** null for an activation that is not bounds, which a shift cannot pass. Open bounds lie beyond the codes. */
function shiftedBounds(next: Node | null, view: GraphView, rounded: Rounded): number[] | null {
  if (next === null) return []
  const bound = (i: number): number | null => {
    if (next.op === 'Relu') return i === 1 ? 0 : null
    return view.numbers(next.inputs[i])?.[0] ?? null
  }
  if (next.op !== 'Relu' && next.op !== 'Clip') return null
  const { sign, offset } = shiftOf(rounded)
  const most = 256 * rounded.scale
  const [low, high] = [bound(1), bound(2)].map(b => (b === null ? null : sign * b + offset))
  return sign === 1 ? [low ?? -most, high ?? most] : [high ?? -most, low ?? most]
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
