// y = clamp(round(x / scale) + zeroPoint, qmin, qmax): division in float32, half to even, as ONNX QuantizeLinear defines it
// (Math.round is half-up and differs on ties). NaN becomes the zero point.
import { roundHalfEven } from '../../src/base/round.ts'
import type { Arrays } from '../lib/kernel.ts'

export interface Quantizer {
  scale: number // taken as float32
  zeroPoint: number
  qmin: number
  qmax: number
}

export function code(x: number, { scale, zeroPoint, qmin, qmax }: Quantizer): number {
  if (Number.isNaN(x)) return zeroPoint
  return Math.min(qmax, Math.max(qmin, roundHalfEven(Math.fround(x / Math.fround(scale))) + zeroPoint))
}

export function reference({ x, y }: Arrays, quantizer: Quantizer): void {
  for (let i = 0; i < x.length; i++) y[i] = code(x[i], quantizer)
}
