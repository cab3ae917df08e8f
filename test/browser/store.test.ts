// Storage in a real browser: what is written is there, and what could not be written has changed nothing.
import * as comlink from 'comlink'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PlatformWorker } from './platform.worker.ts'

const project = 'store-test'
let worker: Worker
let thread: comlink.Remote<PlatformWorker>
beforeAll(() => {
  worker = new Worker(new URL('./platform.worker.ts', import.meta.url), { type: 'module' })
  thread = comlink.wrap<PlatformWorker>(worker)
})
afterAll(async () => {
  await thread.remove(project)
  worker.terminate()
})

describe('a pack of files', () => {
  test('reads back as it was written, empty files and parts of large ones included', async () => {
    const read = await thread.packRoundTrip(project)
    expect(read.paths).toEqual(['a/small.bin', 'empty', 'big.bin'])
    expect(read.sizes).toEqual([1000, 0, 10_000_000])
    expect(read.blocks).toBe(3)
    expect(read.same).toBe(true)
  })

  test('a write that stops without an exception is a full disk, and leaves no file', async () => {
    const error = await thread.packTruncated(project)
    expect(error?.code).toBe('storage-full')
    expect(await thread.filesOf(project)).not.toContain('model-1')
  })

  test('bytes that do not read back are an error, and leave no file', async () => {
    const error = await thread.packCorrupted(project)
    expect(error?.code).toBe('storage')
    expect(await thread.filesOf(project)).not.toContain('model-2')
  })

  test('a full disk is told beforehand: what is needed, what is free, what could go', async () => {
    await thread.save({ id: 'other', name: 'old experiment', bytes: 250_000_000 })
    const error = await thread.packWithoutRoom(project)
    await thread.remove('other')
    expect(error?.code).toBe('storage-full')
    expect(error?.message).toContain('0.3 MB')
    expect(error?.message).toContain('0.1 MB')
    expect(error?.hint).toContain('old experiment (250 MB)')
    expect(await thread.filesOf(project)).not.toContain('model-3')
  })
})

describe('results of stages', () => {
  test('are found under their key, and only there', async () => {
    expect(await thread.stages(project)).toEqual({ same: true, other: null })
  })

  test('a torn write is no result', async () => {
    expect(await thread.tornStage(project)).toBeNull()
  })
})
