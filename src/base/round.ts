// Rounding half to even, as ONNX QuantizeLinear rounds. Math.round is half-up and differs on ties.

export function roundHalfEven(x: number): number {
  const r = Math.round(x)
  return Math.abs(x - Math.trunc(x)) === 0.5 && r % 2 !== 0 ? r - 1 : r
}
