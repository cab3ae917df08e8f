// Before a GPU's statistics are believed: the same arrays counted on the device and in WebAssembly must agree in every count and bound.
import type { DeviceArray, KernelSet } from '../../src/ir/context.ts'
import type { Observation } from '../../src/ir/quant.ts'
import { anyBits, normals, rectified, specials } from './cases.ts'
import { createGpuKernels, upload } from './webgpu.ts'

/** Whether the device counts as the WebAssembly kernels do; `why` names the first difference, or the error. */
export async function selfTest(device: GPUDevice, wasm: KernelSet): Promise<{ ok: boolean; why: string | null }> {
  const batches = [
    { normals: normals(70_001), rectified: rectified(33_333), specials: specials(), bits: anyBits(50_000) },
    { normals: normals(5, 1e4), rectified: rectified(1), specials: specials(), bits: anyBits(257, 8) },
  ]
  try {
    const names = Object.keys(batches[0])
    const gpu = (await createGpuKernels(device)).observer(names, { histogram: true })
    const host = wasm.observer(names, { histogram: true })
    for (const batch of batches) {
      const onDevice: Record<string, DeviceArray> = {}
      for (const [name, data] of Object.entries(batch)) {
        const buffer = upload(device, data)
        onDevice[name] = { dtype: 'float32', shape: [data.length], buffer, release: () => buffer.destroy() }
        await host.add({ [name]: { dtype: 'float32', shape: [data.length], data } })
      }
      await gpu.add(onDevice)
      for (const array of Object.values(onDevice)) array.release()
    }
    const found = await gpu.finish()
    for (const [name, expected] of await host.finish()) {
      const why = difference(found.get(name)!, expected)
      if (why !== null) return { ok: false, why: `On the GPU, ${why} of the test array ${name}` }
    }
    return { ok: true, why: null }
  } catch (thrown) {
    return {
      ok: false,
      why: `The GPU could not run the kernels: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    }
  }
}

/** The first field in which two observations differ, in words; null where they are equal. */
export function difference(found: Observation, expected: Observation): string | null {
  for (const field of ['count', 'nan', 'infinite', 'zeros', 'min', 'max'] as const)
    if (found[field] !== expected[field]) return `${field} is ${found[field]} instead of ${expected[field]}`
  if (found.ema?.min !== expected.ema?.min || found.ema?.max !== expected.ema?.max) return 'the moving average differs'
  const a = found.histogram
  const b = expected.histogram
  if (!a || !b) return a === b ? null : 'the histogram is missing'
  if (a.keys.length !== b.keys.length) return `${a.keys.length} bins are occupied instead of ${b.keys.length}`
  for (let i = 0; i < a.keys.length; i++)
    if (a.keys[i] !== b.keys[i] || a.counts[i] !== b.counts[i])
      return `bin ${b.keys[i]} holds ${a.counts[i]} instead of ${b.counts[i]}`
  return null
}
