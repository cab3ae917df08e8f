// The graphs of test/passes/cases.ts after each pass, as text. These show what changes; that it is right is proven in test/contract.
import { beforeAll, expect, test } from 'vitest'
import { printModel } from '../../src/ir/print.ts'
import { infer } from '../../src/ops/infer.ts'
import { passes } from '../../src/stages/passes/index.ts'
import { build } from '../build.ts'
import { cases } from '../passes/cases.ts'
import { createTestContext } from '../runner.ts'

let ctx: Awaited<ReturnType<typeof createTestContext>>
beforeAll(async () => {
  ctx = await createTestContext()
})

test.each(passes.map(p => [p.id, p] as const))('%s', async (id, pass) => {
  const [{ text, options, irVersion }] = cases[id]
  const built = build(text, options)
  const { model } = await pass.run(infer(irVersion === undefined ? built : { ...built, irVersion }), ctx)
  await expect(printModel(model)).toMatchFileSnapshot(`passes/${id}.txt`)
})
