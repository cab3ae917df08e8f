// The WebAssembly engine in a worker of the browser, on as many threads as isolation allows.

import script from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url'
import binary from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url'
import * as ort from 'onnxruntime-web/wasm'
import type { Runner } from '../../ir/context.ts'
import { createOrtRunner, type EncodeModel } from '../ort-runner.ts'
import { wasmMemoryBytes } from './memory.ts'
import { availableThreads } from './threads.ts'

/** `threads` counts for the first call of a worker; the engine is started once. */
export function createWasmRunner(options: { encode: EncodeModel; threads?: number }): Runner {
  const threads = crossOriginIsolated ? (options.threads ?? availableThreads()) : 1
  ort.env.wasm.wasmPaths = { wasm: absolute(binary), mjs: absolute(script) }
  ort.env.wasm.numThreads = threads
  return createOrtRunner(ort, { engine: 'wasm', threads, encode: options.encode, memory: wasmMemoryBytes })
}

// The runtime resolves relative paths against its own module, which the build has moved.
const absolute = (url: string): string => new URL(url, import.meta.url).href
