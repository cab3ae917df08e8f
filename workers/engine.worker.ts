// One engine of the pool: runs models and does tasks in a thread of its own, and nothing else.
import '../src/host/browser/memory.ts'
import * as comlink from 'comlink'
import { createWasmEngine } from '../src/host/browser/runner.ts'

comlink.expose(createWasmEngine(async () => (await import('../src/jobs/tasks.ts')).tasks))
