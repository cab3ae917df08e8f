// onnxruntime-web in Node: the same WebAssembly engine as in the browser, so that both give the same bits.
import { availableParallelism } from 'node:os'
import type { Runner } from '../../ir/context.ts'
import { createOrtRunner, type EncodeModel, type OrtModule } from '../ort-runner.ts'

/** Loads the engine once per process; `threads` counts for its first call only. */
export async function createNodeRunner(options: { threads?: number; encode: EncodeModel }): Promise<Runner> {
  const ort = (await import('onnxruntime-web')) as unknown as OrtModule & {
    env: { wasm: { numThreads?: number; wasmPaths?: unknown } }
  }
  const threads = options.threads ?? availableParallelism()
  ort.env.wasm.numThreads = threads
  return createOrtRunner(ort, {
    engine: 'wasm',
    threads,
    encode: options.encode,
    memory: () => process.resourceUsage().maxRSS * 1024,
  })
}
