// The engine that a compute thread lends to the stages: WASM always; WebGPU for float activations where it was asked for, is there
// and has passed the self-test.
import * as comlink from 'comlink'
import { createKernels } from '../kernels/lib/backends.ts'
import { createGpuKernels } from '../kernels/lib/webgpu.ts'
import { StudioError } from '../src/base/errors.ts'
import { createRng } from '../src/base/rng.ts'
import { encodeModel } from '../src/exporters/onnx.ts'
import { openGpu } from '../src/host/browser/gpu.ts'
import { selfTest } from '../src/host/browser/gpu-self-test.ts'
import { createWasmPool } from '../src/host/browser/runner.ts'
import { createWebGpuRunner } from '../src/host/browser/runner-webgpu.ts'
import { availableThreads } from '../src/host/browser/threads.ts'
import type { EngineApi } from '../src/host/pool.ts'
import type { Bytes, Context, KernelSet, Perform, Runner } from '../src/ir/context.ts'
import type { Report } from '../src/jobs/report.ts'
import type { Device } from './project.ts'

export interface Engine {
  runner: Runner
  kernels: KernelSet
  /** By the WASM engines' threads. */
  perform: Perform
  device: Report['device']
  notes: string[]
  /** Of the self-test against WASM; null where it was not run. */
  verified: boolean | null
}

export async function wasmEngine(bytes: Bytes): Promise<Engine> {
  const encode = (model: Parameters<typeof encodeModel>[0]) => encodeModel(model, bytes)
  const { runner, perform } = createWasmPool({
    count: availableThreads(),
    start: () => new Worker(new URL('./engine.worker.ts', import.meta.url), { type: 'module', name: 'engine' }),
    wrap: worker => comlink.wrap<EngineApi>(worker),
    encode,
  })
  const kernels = await createKernels('wasm')
  return { runner, kernels, perform, device: 'wasm', notes: [], verified: null }
}

/** What a job is lent of this thread. Where no signal is given, it is cancelled by ending the thread. */
export const contextOn = (
  { runner, kernels, perform }: Pick<Context, 'runner' | 'kernels' | 'perform'>,
  bytes: Bytes,
  { seed = 0, signal = new AbortController().signal, progress = () => {} }: Lent = {},
): Context => ({
  bytes,
  runner,
  kernels,
  perform,
  clock: () => performance.now(),
  rng: createRng(seed),
  signal,
  progress,
})
type Lent = Partial<Pick<Context, 'signal' | 'progress'>> & { seed?: number }

/** For 'auto', what stands against WebGPU becomes a note; for 'webgpu' it is the error. */
export async function openEngine(asked: Device, bytes: Bytes): Promise<Engine> {
  const wasm = await wasmEngine(bytes)
  if (asked === 'wasm') return wasm
  try {
    const gpu = await openGpu({ software: asked === 'webgpu' })
    const webgpu = await createWebGpuRunner(gpu, { encode: model => encodeModel(model, bytes) })
    const kernels = await createGpuKernels(gpu.device)
    const failed = await selfTest(wasm, { runner: webgpu, kernels })
    if (failed) {
      throw new StudioError('not-available', `The GPU does not compute what WASM does: ${failed}`, {
        hint: 'Choose the WASM engine; a newer driver may mend it.',
      })
    }
    return {
      runner: both(wasm.runner, webgpu),
      kernels,
      perform: wasm.perform,
      device: 'webgpu+wasm',
      notes: [],
      verified: true,
    }
  } catch (error) {
    if (asked === 'webgpu' || !(error instanceof StudioError)) throw error
    return { ...wasm, notes: [`${error.message}; WASM did the work.`] }
  }
}

/** Sessions whose outputs may stay on the device run there; all others, low-bit ones above all, in WASM. */
const both = (wasm: Runner, webgpu: Runner): Runner => ({
  engine: 'webgpu',
  threads: wasm.threads,
  open: (model, options) => (options?.location === 'device' ? webgpu : wasm).open(model, options),
  discard: wasm.discard,
  peakBytes: () => Math.max(wasm.peakBytes(), webgpu.peakBytes()),
})
