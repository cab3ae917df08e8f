// Small models written as text: build(`graph (x: f32[1,4]) -> (y) { y = Relu(x) }`). Weights without values are seeded random numbers.
import type { Model } from '../src/ir/model.ts'
import { parseModel } from '../src/ir/parse.ts'
import { verify } from '../src/ir/verify.ts'

export interface BuildOptions {
  /** Version of the standard operator set, where the text does not say; default 17. */
  opset?: number
  /** Versions of further domains, by domain. */
  domains?: Record<string, number>
  seed?: number
  meta?: Record<string, string>
}

/** A verified model from its text form (see src/ir/parse.ts). */
export function build(text: string, options: BuildOptions = {}): Model {
  const model = parseModel(text, options.seed ?? 0)
  verify(model.graph)
  const opsets: Record<string, number> = { '': options.opset ?? 17, ...options.domains, ...model.opsets }
  return { ...model, opsets, irVersion: 8, meta: options.meta ?? {} }
}
