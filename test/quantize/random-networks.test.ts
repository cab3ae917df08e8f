// Random networks of convolutions, products, residual sums and moves, quantised as a whole: each runs, keeps its outside, and gives what
// the float model gives but for rounding.
import { expect, test } from 'vitest'
import { verify } from '../../src/ir/verify.ts'
import { build } from '../build.ts'

import { play, testContext } from './played.ts'
import { randomNetwork } from './random-network.ts'

const count = Number(process.env.THIMBLE_RANDOM_GRAPHS ?? 24)
const first = Number(process.env.THIMBLE_RANDOM_SEED ?? 1)

test(`${count} random networks from seed ${first} run quantised and give what the float model gives`, async () => {
  const ctx = await testContext()
  for (let seed = first; seed < first + count; seed++) {
    const text = randomNetwork(seed, 4 + (seed % 20))
    const model = build(text, { opset: seed % 2 ? 17 : 14, seed })
    const { variant, sqnr } = await play(model, ctx, { optimized: seed % 3 > 0, samples: 8, name: `random ${seed}` })
    verify(variant.model.graph)
    expect(variant.model.graph.inputs).toEqual(model.graph.inputs)
    expect(variant.model.graph.outputs).toEqual(model.graph.outputs)
    for (const [name, db] of Object.entries(sqnr)) {
      expect(db, `SQNR of ${name}, seed ${seed}: ${text}`).toBeGreaterThan(15)
    }
  }
}, 300_000)
