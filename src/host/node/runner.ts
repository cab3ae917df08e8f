// onnxruntime-web in Node: the same WebAssembly engine as in the browser, so that both give the same bits.
import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import * as comlink from 'comlink'
import nodeEndpoint from 'comlink/dist/esm/node-adapter.mjs'
import { StudioError } from '../../base/errors.ts'
import type { Runner } from '../../ir/context.ts'
import { createOrtRunner, type EncodeModel, type OrtModule, type OrtOptions } from '../ort-runner.ts'
import { createEngine, createPool, type EngineApi, type LoadTasks, type Pool } from '../pool.ts'

const options: OrtOptions = {
  engine: 'wasm',
  memory: () => process.resourceUsage().maxRSS * 1024,
  clock: () => performance.now(),
}

async function loadOrt(): Promise<OrtModule> {
  const ort = (await import('onnxruntime-web')) as unknown as OrtModule & { env: { wasm: { numThreads?: number } } }
  ort.env.wasm.numThreads = 1
  return ort
}

/** One engine in this very thread. */
export async function createNodeRunner({ encode }: { encode: EncodeModel }): Promise<Runner> {
  return createOrtRunner(await loadOrt(), { ...options, threads: 1, encode })
}

/** `count` engines, each in a thread of its own that is started from `entry`, which calls `serveEngine`. */
export function createNodePool({ count, entry, encode }: { count: number; entry: URL; encode: EncodeModel }): Pool {
  // Compiling the runtime on every core at once would take some 50 MB more than the work itself, and more than one at a time some 30 MB;
  // but one at a time, what is run most often is compiled well only after four seconds, in which it takes five times as long.
  setFlagsFromString(`--wasm-num-compilation-tasks=${Math.min(2, count)}`)
  const spawn = () => {
    const worker = new Worker(entry)
    worker.unref()
    const failed = new Promise<never>((_, reject) => {
      worker.once('error', cause => reject(engineDied(cause)))
    })
    failed.catch(() => {}) // a thread that nobody waits for fails nobody
    return { api: comlink.wrap<EngineApi>(nodeEndpoint(worker)), failed }
  }
  return createPool({ count, spawn, encode, memory: { bytes: options.memory, total: true } })
}

/** The other side of `createNodePool`, in the worker thread that owns `port`. */
export function serveEngine(port: Parameters<typeof nodeEndpoint>[0], tasks: LoadTasks): void {
  // What the whole process takes is measured by the thread that asks.
  comlink.expose(createEngine(loadOrt, tasks, { ...options, memory: () => 0 }), nodeEndpoint(port))
}

const engineDied = (cause: unknown): StudioError =>
  new StudioError(
    'out-of-memory',
    `An engine thread stopped: ${cause instanceof Error ? cause.message : String(cause)}`,
    {
      hint: 'It most likely ran out of memory: use a smaller input, fewer samples per batch, or fewer --threads.',
      cause,
    },
  )
