// Lends the bench's worker to the program that drives this page.
import * as comlink from 'comlink'
import type { BenchApi } from './bench.worker.ts'

const worker = new Worker(new URL('./bench.worker.ts', import.meta.url), { type: 'module' })
Object.assign(globalThis, { bench: comlink.wrap<BenchApi>(worker) })
