// Random codes for the inputs of a quantised layer: all over the type, or few that are near each other.
import { elementCount } from '../../src/base/dtype.ts'
import type { Rng } from '../../src/base/rng.ts'
import type { Feeds } from '../../src/ir/context.ts'
import { type Model, requiredInputs } from '../../src/ir/model.ts'
import { codeArray } from '../../src/stages/simulate/constants.ts'
import { codesOf } from '../../src/stages/simulate/types.ts'

export function codesFor(model: Model, rng: Rng): Feeds {
  const feeds: Feeds = {}
  for (const name of requiredInputs(model.graph)) {
    const { dtype, shape } = model.graph.values.get(name)!
    const { qmin, qmax } = codesOf(dtype!)
    const data = codeArray(dtype!, elementCount(shape as number[]))
    const spread = rng.below(4) === 0 ? 9 : qmax - qmin + 1
    const low = qmin + rng.below(qmax - qmin + 2 - spread)
    for (let i = 0; i < data.length; i++) data[i] = low + rng.below(spread)
    feeds[name] = { dtype: dtype!, shape: shape as number[], data }
  }
  return feeds
}
