// A thread for the tests of what the host lends: synchronous file handles exist only in a worker.
import '../../src/host/browser/memory.ts'
import * as comlink from 'comlink'
import { errorRecord } from '../../src/base/errors.ts'
import { encodeModel } from '../../src/exporters/onnx.ts'
import { createWasmRunner } from '../../src/host/browser/runner.ts'
import * as store from '../../src/host/browser/store.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import { parseModel } from '../../src/ir/parse.ts'
import { floats } from '../../src/ir/tensor.ts'

const big = 10_000_000 // more than two blocks

/** Bytes that a test can make again, with no period that a block could hide. */
const noise = (seed: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => Math.imul(i + seed, 2654435761) >>> 24)

const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i])

const failure = async (work: Promise<unknown>) =>
  work.then(
    () => null,
    error => errorRecord(error),
  )

const api = {
  /** Packs three files and reads them back, one of them in a part in the middle. */
  async packRoundTrip(project: string) {
    const files = [
      { path: 'a/small.bin', file: new Blob([noise(1, 1000) as BlobPart]) },
      { path: 'empty', file: new Blob([]) },
      { path: 'big.bin', file: new Blob([noise(2, big) as BlobPart]) },
    ]
    const pack = await store.writePack(project, 'model-0', files)
    const set = await store.openPack(project, pack)
    const part = await set.get('big.bin')!.read(big - 500, 500)
    const whole = await set.get('a/small.bin')!.read(0, 1000)
    return {
      paths: [...set.keys()],
      sizes: [...set.values()].map(source => source.size),
      blocks: pack.blocks.length,
      same: equal(part, noise(2, big).subarray(big - 500)) && equal(whole, noise(1, 1000)),
    }
  },

  /** A browser that stops in the middle and says so only by its return value, as one has been seen to do. */
  async packTruncated(project: string) {
    const { write } = FileSystemSyncAccessHandle.prototype
    let calls = 0
    FileSystemSyncAccessHandle.prototype.write = function (...given) {
      return ++calls === 2 ? -1 : write.apply(this, given)
    }
    try {
      return await failure(
        store.writePack(project, 'model-1', [{ path: 'x', file: new Blob([noise(3, big) as BlobPart]) }]),
      )
    } finally {
      FileSystemSyncAccessHandle.prototype.write = write
    }
  },

  /** A disk that keeps something else than what it was given. */
  async packCorrupted(project: string) {
    const { write } = FileSystemSyncAccessHandle.prototype
    FileSystemSyncAccessHandle.prototype.write = function (data, options) {
      const written = write.call(this, data, options)
      write.call(this, Uint8Array.of(0xff) as BufferSource, { at: 17 })
      return written
    }
    try {
      return await failure(store.writePack(project, 'model-2', [{ path: 'x', file: new Blob([new Uint8Array(100)]) }]))
    } finally {
      FileSystemSyncAccessHandle.prototype.write = write
    }
  },

  /** A browser that has less room than is asked for. */
  async packWithoutRoom(project: string) {
    const { estimate } = StorageManager.prototype
    StorageManager.prototype.estimate = async () => ({ quota: 1_000_000, usage: 900_000 })
    try {
      return await failure(
        store.writePack(project, 'model-3', [{ path: 'x', file: new Blob([new Uint8Array(300_000)]) }]),
      )
    } finally {
      StorageManager.prototype.estimate = estimate
    }
  },

  async filesOf(project: string) {
    const root = await navigator.storage.getDirectory()
    const folder = await (await root.getDirectoryHandle('projects')).getDirectoryHandle(project)
    const names: string[] = []
    for await (const name of folder.keys()) names.push(name)
    return names.sort()
  },

  async stages(project: string) {
    const stages = store.stageStore(project)
    await stages.put('abc', noise(4, 5000))
    const kept = await stages.get('abc')
    const other = await stages.get('def')
    return { same: kept !== null && equal(kept, noise(4, 5000)), other }
  },

  /** What a tab that was closed in the middle of a write leaves behind. */
  async tornStage(project: string) {
    const stages = store.stageStore(project)
    await stages.put('torn', noise(5, 5000))
    const root = await navigator.storage.getDirectory()
    const folder = await (await root.getDirectoryHandle('projects')).getDirectoryHandle(project)
    const handle = await (await folder.getDirectoryHandle('stages')).getFileHandle('torn')
    const access = await handle.createSyncAccessHandle()
    access.truncate(3000)
    access.close()
    return stages.get('torn')
  },

  save: store.saveProject,
  remove: store.deleteProject,

  async session() {
    const model = parseModel('opset 17\ngraph (x: f32[2,2]) -> (y) {\n  a = Relu(x)\n  y = Add(a, b: f32[2]{1, 2})\n}')
    const runner = await createWasmRunner({ encode: m => encodeModel(m, createBytes()) })
    const session = await runner.open(model, { outputs: ['a', 'y'] })
    const { a, y } = await session.run({ x: floats([2, 2], [-1, 2, 3, -4]) })
    await session.close()
    return {
      a: [...(a!.data as Float32Array)],
      y: [...(y!.data as Float32Array)],
      threads: runner.threads,
      peak: runner.peakBytes(),
    }
  },

  async unknownOperator() {
    const model = parseModel('opset 17\ngraph (x: f32[2]) -> (y) {\n  y = Frobnicate(x) as odd\n}')
    const runner = await createWasmRunner({ encode: m => encodeModel(m, createBytes()) })
    return failure(runner.open(model))
  },
}
export type PlatformWorker = typeof api

comlink.expose(api)
