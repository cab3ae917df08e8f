// The WebAssembly engine in the browser: one thread of it here, for a thread of its own that the pool talks to.

import type * as comlink from 'comlink'
import script from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url'
import binary from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'
import * as ort from 'onnxruntime-web/wasm'
import { StudioError } from '../../base/errors.ts'
import type { Runner } from '../../ir/context.ts'
import { createOrtRunner, type EncodeModel, type OrtModule, type OrtOptions } from '../ort-runner.ts'
import { createEngine, createPool, type EngineApi, type LoadTasks, type Pool } from '../pool.ts'
import { wasmMemoryBytes } from './memory.ts'

const options: OrtOptions = { engine: 'wasm', memory: wasmMemoryBytes, clock: () => performance.now() }

// The runtime resolves relative paths against its own module, which the build has moved.
const absolute = (url: string): string => new URL(url, import.meta.url).href

async function loadOrt(): Promise<OrtModule> {
  ort.env.wasm.wasmPaths = { wasm: absolute(binary), mjs: absolute(script) }
  ort.env.wasm.numThreads = 1
  return ort
}

/** One engine in this very thread. */
export async function createWasmRunner({ encode }: { encode: EncodeModel }): Promise<Runner> {
  return createOrtRunner(await loadOrt(), { ...options, threads: 1, encode })
}

/** What an engine's worker exposes. */
export const createWasmEngine = (tasks: LoadTasks): EngineApi => createEngine(loadOrt, tasks, options)

/** Firefox collects a worker that only its own pending answers refer to, and whoever waits then waits for ever. */
const working = new Set<Worker>()

/** `count` engines, each in a worker that `start` makes, which exposes `createWasmEngine()`. */
export function createWasmPool(given: {
  count: number
  start: () => Worker
  wrap: (worker: Worker) => comlink.Remote<EngineApi>
  encode: EncodeModel
}): Pool {
  const spawn = () => {
    const worker = given.start()
    working.add(worker)
    const failed = new Promise<never>((_, reject) => {
      worker.addEventListener('error', event => {
        event.preventDefault()
        reject(
          new StudioError('out-of-memory', `An engine thread stopped${event.message ? `: ${event.message}` : ''}`, {
            hint: 'It most likely ran out of memory: use a smaller input or fewer samples, and close other tabs.',
          }),
        )
      })
    })
    failed.catch(() => {}) // a thread that nobody waits for fails nobody
    return { api: given.wrap(worker), failed }
  }
  return createPool({
    count: given.count,
    spawn,
    encode: given.encode,
    memory: { bytes: wasmMemoryBytes, total: false },
  })
}
