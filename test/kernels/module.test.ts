// The compiled module in the repository is that of the sources beside it.
import { expect, test } from 'vitest'
import { sourceHash } from '../../kernels/lib/module.gen.ts'
import { hashKernelSources, kernelSources } from '../../scripts/build-kernels.mjs'

test('the WebAssembly module was compiled from the kernels as they are', () => {
  expect(kernelSources().length).toBeGreaterThan(4)
  expect(sourceHash, 'run node scripts/build-kernels.mjs').toBe(hashKernelSources())
})
