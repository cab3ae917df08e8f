// Seeded inputs for a model. Numbers that passes must not disturb are among them: zeros of both signs and values beyond a clip.
import { elementCount, viewAs } from '../../src/base/dtype.ts'
import type { Rng } from '../../src/base/rng.ts'
import type { Feeds } from '../../src/ir/context.ts'
import { type Model, requiredInputs } from '../../src/ir/model.ts'

const special = [-0, 0, 10, -10]

/** Symbolic and unknown dims become 2. */
export function feedsFor(model: Model, rng: Rng): Feeds {
  const feeds: Feeds = {}
  for (const name of requiredInputs(model.graph)) {
    const { dtype, shape } = model.graph.values.get(name)!
    const dims = shape!.map(d => (typeof d === 'number' ? d : 2))
    const count = elementCount(dims)
    if (dtype === 'float32') {
      const data = Float32Array.from({ length: count }, () =>
        rng.below(8) === 0 ? special[rng.below(4)] : rng.normal(),
      )
      feeds[name] = { dtype, shape: dims, data }
    } else if (dtype === 'bool')
      feeds[name] = { dtype, shape: dims, data: Uint8Array.from({ length: count }, () => rng.below(2)) }
    else if (dtype === 'int64') feeds[name] = { dtype, shape: dims, data: viewAs('int64', new Uint8Array(8 * count)) }
    else throw new Error(`no values for an input of ${dtype}`)
  }
  return feeds
}
