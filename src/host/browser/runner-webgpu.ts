// The WebGPU engine: loaded only when used, on our own device, outputs staying in its buffers where a stage asks for them.
// For float activations only: low-bit accuracy is never judged on this provider.

import script from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url'
import binary from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url'
import { StudioError } from '../../base/errors.ts'
import type { Runner } from '../../ir/context.ts'
import { createOrtRunner, type EncodeModel } from '../ort-runner.ts'
import type { Gpu } from './gpu.ts'
import { wasmMemoryBytes } from './memory.ts'

/** A runner on `gpu`; 'not-available' where the engine cannot be loaded, as offline before its first use. */
export async function createWebGpuRunner(gpu: Gpu, options: { encode: EncodeModel }): Promise<Runner> {
  const ort = await import('onnxruntime-web/webgpu').catch(cause => {
    throw new StudioError('not-available', 'The WebGPU engine could not be loaded', {
      hint: 'Connect once to load it, or choose the WASM engine.',
      cause,
    })
  })
  ort.env.wasm.wasmPaths = {
    wasm: new URL(binary, import.meta.url).href,
    mjs: new URL(script, import.meta.url).href,
  }
  ort.env.wasm.numThreads = 1
  return createOrtRunner(ort, {
    engine: 'webgpu',
    threads: 1,
    encode: options.encode,
    memory: wasmMemoryBytes,
    clock: () => performance.now(),
    device: gpu.device,
    lost: gpu.lost,
  })
}
