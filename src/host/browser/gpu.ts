// The GPU device: our own, since one that the runtime makes is lost with its last session.
import { StudioError } from '../../base/errors.ts'

export interface Gpu {
  device: GPUDevice
  adapter: string
  half: boolean // shader-f16: float16 models run
  /** Rejects with 'device-lost' when the device goes away by itself; never resolves. */
  lost: Promise<never>
}

/** What the browser says about its adapter, without asking for a device. */
export async function gpuAdapter(): Promise<{ name: string | null; why: string | null }> {
  if (!('gpu' in navigator)) return { name: null, why: 'This browser has no WebGPU.' }
  const adapter = await navigator.gpu.requestAdapter()
  if (!adapter) return { name: null, why: 'The browser has WebGPU but found no adapter.' }
  return { name: adapterName(adapter), why: null }
}

/**
 * A device with the largest buffers that the adapter allows; 'not-available' says why there is none. An adapter in software is
 * slower than WASM, and taken only with `software`.
 */
export async function openGpu({ software }: { software: boolean }): Promise<Gpu> {
  const adapter =
    'gpu' in navigator ? await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' }) : null
  if (!adapter) {
    throw new StudioError('not-available', 'WebGPU is not available in this browser', {
      hint: 'Choose the WASM engine; it does everything, only slower.',
    })
  }
  if (!software && isSoftware(adapter)) {
    throw new StudioError('not-available', 'The browser’s WebGPU runs in software, slower than WASM', {
      hint: 'Choose WebGPU by name to use it all the same.',
    })
  }
  const half = adapter.features.has('shader-f16')
  const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage } = adapter.limits
  const { maxComputeWorkgroupStorageSize, maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX } = adapter.limits
  const device = await adapter.requestDevice({
    requiredFeatures: half ? ['shader-f16'] : [],
    requiredLimits: {
      maxBufferSize,
      maxStorageBufferBindingSize,
      maxStorageBuffersPerShaderStage,
      maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup,
      maxComputeWorkgroupSizeX,
    },
  })
  const lost = device.lost.then(info => {
    throw new StudioError('device-lost', `The GPU device went away: ${info.message || info.reason}`, {
      hint: 'The work goes on in WASM; close other programs that use the GPU to try it again.',
    })
  })
  lost.catch(() => {}) // whoever is working races it; an idle loss is seen by the next
  return { device, adapter: adapterName(adapter), half, lost }
}

const isSoftware = (adapter: GPUAdapter): boolean =>
  adapter.info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|warp/i.test(adapterName(adapter))

function adapterName(adapter: GPUAdapter): string {
  const { vendor, architecture, description } = adapter.info
  return [description || vendor, architecture].filter(Boolean).join(' ') || 'unnamed adapter'
}
