// Activation functions that vanish into the kernel before them: the runtime drops a Relu or Clip where the codes of its output
// cannot stand for anything outside its bounds, so that rounding and clamping do its work.
import type { Graph, Node } from '../../ir/model.ts'
import { isInt, type NumberFormat } from '../../ir/number-format.ts'
import type { Range } from '../../ir/quant.ts'
import type { Target } from '../../ir/target.ts'
import { outputBounds } from '../../ops/bounds.ts'

/** Bounds of a Relu or Clip; null where one is computed, or where zero, which every code range holds, lies outside. */
export function boundsOf(node: Node, graph: Graph): Range | null {
  const bounds = outputBounds(node, graph)
  return bounds && bounds.min <= 0 && bounds.max > 0 ? bounds : null
}

/** Whether a target's codes reach as far below zero as above, so that they cannot be made to end where a function is bounded. */
export const isSymmetric = (format: NumberFormat, { quant: { activations } }: Target): boolean =>
  !isInt(format) || activations.symmetric || format.bits >= (activations.symmetricFrom ?? Number.POSITIVE_INFINITY)

/**
 * Scale and zero point with which no code lies outside `bounds`, computed as the runtime does, in float32. The zero point stays;
 * the scale shrinks by at most half a step in 255.
 */
export function within(
  bounds: Range,
  params: { scale: number; zeroPoint: number },
  codes: { qmin: number; qmax: number },
): { scale: number; zeroPoint: number } {
  const { zeroPoint } = params
  const below = zeroPoint - codes.qmin
  const above = codes.qmax - zeroPoint
  let scale = params.scale
  if (below > 0) scale = Math.min(scale, Math.fround(-bounds.min / below))
  if (above > 0) scale = Math.min(scale, Math.fround(bounds.max / above))
  while (Math.fround(scale * above) > bounds.max || Math.fround(scale * below) > -bounds.min) scale = nextBelow(scale)
  return { scale, zeroPoint }
}

/** The next smaller float32 of a positive one. */
function nextBelow(x: number): number {
  const view = Float32Array.of(x)
  new Uint32Array(view.buffer)[0]--
  return view[0]
}
