// Every kernel, each case, every backend of this process against the reference; the GPU's twin is in test/browser/kernels.test.ts.
import { describe, expect, test } from 'vitest'
import { kernels } from '../../kernels/index.ts'
import { runReference } from '../../kernels/lib/backends.ts'
import { openModule, runWasm } from '../../kernels/lib/wasm.ts'

const module = await openModule()

describe.each(kernels.map(k => [k.id, k] as const))('%s', (_, k) => {
  const outputs = k.arrays.filter(binding => binding.use === 'output').map(binding => binding.name)
  test.for(k.cases().map(c => [c.name, c] as const))('WebAssembly equals the reference: %s', ([, c]) => {
    const expected = runReference(k, c.params, c.inputs)
    const got = runWasm(module, k, c.params, c.inputs)
    for (const name of outputs) {
      const a = new Uint8Array(expected[name].buffer)
      const b = new Uint8Array(got[name].buffer)
      const first = a.findIndex((byte, i) => byte !== b[i])
      expect(first, `${name} differs at byte ${first}: ${diff(expected[name], got[name])}`).toBe(-1)
      expect(b.length).toBe(a.length)
    }
  })
})

function diff(a: ArrayLike<number>, b: ArrayLike<number>): string {
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return `[${i}] ${a[i]} expected, ${b[i]} found`
  return 'NaN patterns'
}
