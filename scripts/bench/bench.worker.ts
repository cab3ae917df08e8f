// The browser side of the bench, in a worker as the studio's own compute thread is.
import '../../src/host/browser/memory.ts'
import * as comlink from 'comlink'
import { type ByteSource, collect } from '../../src/base/bytes.ts'
import { createRng } from '../../src/base/rng.ts'
import { openDataset } from '../../src/data/dataset.ts'
import { checkInput } from '../../src/data/input-schema.ts'
import { browserCodecs } from '../../src/host/browser/codecs.ts'
import { importModel } from '../../src/importers/index.ts'
import { createBytes } from '../../src/ir/bytes.ts'
import type { Context } from '../../src/ir/context.ts'
import { wasmEngine } from '../../workers/engine.ts'
import type { Case } from './case.ts'
import {
  calibration,
  decoded,
  importing,
  kernelSpeeds,
  largeFile,
  type Prepared,
  prepare,
  sweepMemory,
} from './measure.ts'

const clock = (): number => performance.now()

const blobSource = (name: string, blob: Blob): ByteSource => ({
  name,
  size: blob.size,
  read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
})

const load = async (path: string): Promise<Blob> => (await fetch(new URL(`/data/${path}`, location.origin))).blob()

async function open(c: Case, files: readonly string[]): Promise<{ prepared: Prepared; ctx: Context }> {
  const name = c.model.slice(c.model.lastIndexOf('/') + 1)
  const imported = await importModel(new Map([[name, blobSource(name, await load(c.model))]]), name)
  const bytes = createBytes(imported.sources)
  const { runner, kernels, perform } = await wasmEngine(bytes)
  const ctx: Context = {
    bytes,
    runner,
    kernels,
    perform,
    clock,
    rng: createRng(0),
    signal: new AbortController().signal,
    progress: () => {},
  }
  const folder = c.data.slice(0, c.data.lastIndexOf('/') + 1)
  const sources = await Promise.all(files.map(async path => blobSource(path.slice(folder.length), await load(path))))
  const main = /\.\w+$/.test(c.data) ? c.data.slice(folder.length) : null
  const spec = checkInput(JSON.parse(await (await load(c.input)).text()))
  const dataset = await openDataset(new Map(sources.map(s => [s.name, s])), main, {
    model: imported.model,
    spec,
    codecs: browserCodecs(),
  })
  return { prepared: await prepare(imported.model, dataset, ctx), ctx }
}

const api = {
  async calibration(c: Case, files: readonly string[], rounds: number) {
    const { prepared, ctx } = await open(c, files)
    return calibration({ ...prepared, dataset: await decoded(prepared.dataset, c.samples) }, rounds, ctx)
  },
  async memory(c: Case, files: readonly string[], samples: number) {
    const { prepared, ctx } = await open(c, files)
    await sweepMemory(prepared, samples, ctx)
    return { engines: ctx.runner.peakBytes() }
  },
  kernels: () => kernelSpeeds(clock),
  async importing() {
    const bytes = await collect(largeFile().chunks())
    return importing(blobSource('large.onnx', new Blob([bytes as BlobPart])), clock)
  },
}
export type BenchApi = typeof api
comlink.expose(api)
