// The twins inside Chromium: WebAssembly and WGSL (on WebGPU in software) against the reference, and the GPU's observer against the others.
import { describe, expect, test } from 'vitest'
import { kernels } from '../../kernels/index.ts'
import { createKernels, runReference } from '../../kernels/lib/backends.ts'
import { normals, rectified, specials } from '../../kernels/lib/cases.ts'
import { difference, selfTest } from '../../kernels/lib/self-test.ts'
import { openModule, runWasm } from '../../kernels/lib/wasm.ts'
import { createGpuKernels, runGpu, upload } from '../../kernels/lib/webgpu.ts'
import type { DeviceArray } from '../../src/ir/context.ts'

const module = await openModule()
const adapter = await navigator.gpu.requestAdapter()
const device = await adapter!.requestDevice()

describe.each(kernels.map(k => [k.id, k] as const))('%s', (_, k) => {
  const backends = ['shader' in k && 'code' in k.shader ? 'WGSL' : null, 'WebAssembly'].filter(b => b !== null)
  describe.each(backends)('%s', backend => {
    test.for(k.cases().map(c => [c.name, c] as const))('equals the reference: %s', async ([, c]) => {
      const expected = runReference(k, c.params, c.inputs)
      const got =
        backend === 'WGSL' ? await runGpu(device, k, c.params, c.inputs) : runWasm(module, k, c.params, c.inputs)
      for (const { name, use } of k.arrays) {
        if (use !== 'output') continue
        const first = expected[name].findIndex((x, i) => !Object.is(x, got[name][i]))
        expect(first, `${name}[${first}] is ${got[name][first]}, expected ${expected[name][first]}`).toBe(-1)
      }
    })
  })
})

const onDevice = (data: Float32Array): DeviceArray => {
  const buffer = upload(device, data)
  return { dtype: 'float32', shape: [data.length], buffer, release: () => buffer.destroy() }
}
const inMemory = (data: Float32Array) => ({ dtype: 'float32' as const, shape: [data.length], data })

test('the device passes the self-test', async () => {
  expect(await selfTest(device, await createKernels('wasm'))).toEqual({ ok: true, why: null })
})

test('a device that miscounts is found out', async () => {
  const wasm = await createKernels('wasm')
  const miscounting: typeof wasm = {
    ...wasm,
    observer: (values, options) => {
      const observer = wasm.observer(values, options)
      return {
        add: outputs =>
          observer.add({ ...outputs, ...('rectified' in outputs ? { rectified: inMemory(normals(3)) } : {}) }),
        finish: () => observer.finish(),
      }
    },
  }
  const { ok, why } = await selfTest(device, miscounting)
  expect(ok).toBe(false)
  expect(why).toContain('rectified')
})

test.each([true, false])(
  'arrays on the device and in memory give what WebAssembly gives, histogram %s',
  async histogram => {
    const gpu = (await createGpuKernels(device)).observer(['a', 'b', 'absent'], { histogram })
    const wasm = (await createKernels('wasm')).observer(['a', 'b', 'absent'], { histogram })
    for (let batch = 0; batch < 5; batch++) {
      const a = batch === 3 ? specials() : rectified(10_000 + batch, batch)
      const b = normals(777, batch + 1, batch)
      // One value changes place, as it would if the runtime put an output on the processor.
      const array = onDevice(a)
      await gpu.add({ a: batch === 2 ? inMemory(a) : array, b: inMemory(b) })
      array.release()
      await wasm.add({ a: inMemory(a), b: inMemory(b) })
    }
    const found = await gpu.finish()
    for (const [name, expected] of await wasm.finish()) expect(difference(found.get(name)!, expected), name).toBeNull()
    expect(found.get('absent')!.count).toBe(0)
  },
)

test('a device that is gone is said to be lost', async () => {
  const own = await (await navigator.gpu.requestAdapter())!.requestDevice()
  const observer = (await createGpuKernels(own)).observer(['a'], { histogram: true })
  const buffer = upload(own, normals(100))
  await observer.add({ a: { dtype: 'float32', shape: [100], buffer, release: () => {} } })
  own.destroy()
  await expect(observer.finish()).rejects.toMatchObject({ code: 'device-lost' })
})
