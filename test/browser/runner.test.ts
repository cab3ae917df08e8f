// The WASM engine inside a worker of a real browser.
import * as comlink from 'comlink'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PlatformWorker } from './platform.worker.ts'

let worker: Worker
let thread: comlink.Remote<PlatformWorker>
beforeAll(() => {
  worker = new Worker(new URL('./platform.worker.ts', import.meta.url), { type: 'module' })
  thread = comlink.wrap<PlatformWorker>(worker)
})
afterAll(() => worker.terminate())

describe('the WASM runner', () => {
  test('the page is isolated, so that there are threads', () => {
    expect(crossOriginIsolated).toBe(true)
  })

  test('gives inner values beside the outputs, on one thread for the same bits everywhere, and says what memory it took', async () => {
    const { a, y, threads, peak } = await thread.session()
    expect(a).toEqual([0, 2, 3, 0])
    expect(y).toEqual([1, 4, 4, 2])
    expect(threads).toBe(1)
    expect(peak).toBeGreaterThan(1 << 20)
  })

  test('an operator that the runtime does not know is named', async () => {
    const error = await thread.unknownOperator()
    expect(error).toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('Frobnicate'),
      where: { node: 'odd' },
    })
  })
})
