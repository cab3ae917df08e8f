// Levels that ONNX has no type for, as model-local functions of our own domain with standard bodies, so that every runtime runs them.
//
//   FromLevels(codes, table, scale, shape): table[codes] times the scale, in that shape.
//   RoundToLog(x, scale, table, cuts, offset, perLn): x / scale to the level of nearest exponent, code = round(ln |x / scale| * perLn +
//   offset) within the table, or to zero below a cut; the first level has no negative (levels.ts); times the scale.
import type { FunctionDef, Model } from './model.ts'
import { parseModel } from './parse.ts'

export const ownDomain = 'thimble'
/** The standard opset that the bodies are written in. */
const bodyOpset = 21

const bodies = `
opset ${bodyOpset}
opset ${ownDomain} 1
function thimble.FromLevels (codes, table, scale, shape) -> (y) {
  index = Cast(codes) {to=6}
  unit = Gather(table, index)
  real = Mul(unit, scale)
  y = Reshape(real, shape)
}
function thimble.RoundToLog (x, scale, table, cuts, offset, perLn) -> (y) {
  unit = Div(x, scale)
  size = Abs(unit)
  exponent = Log(size)
  steps = Mul(exponent, perLn)
  place = Add(steps, offset)
  nearest = Round(place)
  bounded = Min(nearest, offset)
  zero = Sub(offset, offset)
  isNegative = Less(unit, zero)
  least = Cast(isNegative) {to=1}
  code = Max(bounded, least)
  index = Cast(code) {to=6}
  level = Gather(table, index)
  sideIndex = Cast(least) {to=6}
  cut = Gather(cuts, sideIndex)
  isZero = Less(size, cut)
  sign = Sign(unit)
  signed = Mul(level, sign)
  kept = Where(isZero, zero, signed)
  y = Mul(kept, scale)
}
graph (x: f32[1]) -> (y) { y = Identity(x) }
`

let parsed: readonly FunctionDef[] | null = null

/** The model with those of the functions that its graph calls, beside the ones that it had. */
export function withLevelFunctions(model: Model): Model {
  const called = new Set(model.graph.nodes.filter(n => n.domain === ownDomain).map(n => n.op))
  const missing = [...called].filter(op => !model.functions.some(f => f.domain === ownDomain && f.name === op))
  if (missing.length === 0) return model
  parsed ??= parseModel(bodies).functions
  return {
    ...model,
    functions: [...model.functions, ...parsed.filter(f => missing.includes(f.name))],
    opsets: { ...model.opsets, [ownDomain]: 1 },
  }
}
