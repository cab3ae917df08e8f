// The bench times every kernel there is: one without a load of its own would end it.
import { expect, test } from 'vitest'
import { kernels } from '../../kernels/index.ts'
import { benchKernels } from '../../kernels/lib/bench.ts'

test('every kernel can be timed', async () => {
  const speeds = await benchKernels(() => performance.now())
  expect(speeds.map(s => s.kernel)).toEqual(kernels.map(k => k.id))
  for (const { kernel, wasm, reference } of speeds) {
    expect(Number.isFinite(wasm) && wasm > 0, kernel).toBe(true)
    expect(Number.isFinite(reference) && reference > 0, kernel).toBe(true)
  }
}, 60_000)
