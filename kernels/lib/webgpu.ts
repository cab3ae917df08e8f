// The observer on the GPU: activations are counted where the runtime left them, and only statistics come back, once, at the end.
// Arrays in memory, and all other kernels, go to the WebAssembly twins.
import { StudioError } from '../../src/base/errors.ts'
import type { ActivationObserver, Counted, KernelSet, ObserveOptions } from '../../src/ir/context.ts'
import type { Observation } from '../../src/ir/quant.ts'
import { keyCount } from '../histogram/reference.ts'
import { emptyStats } from '../range/reference.ts'
import { histogramShader, rangeShader } from '../range/shader.ts'
import { openWasm, type WasmBackend } from './backends.ts'
import { arraysFor, type Kernel, type NumberArray } from './kernel.ts'
import {
  addHistograms,
  asFloat32,
  countedOf,
  emptyTable,
  isCounted,
  isOnDevice,
  Summary,
  type Tally,
} from './observer.ts'

const slotBytes = emptyStats.length * 4
const tableBytes = keyCount * 4
const largestCount = 4294967295
const uniformStride = 256 // least common alignment of a uniform binding

/** Kernels on `device`, which must be the one whose buffers the runtime gives out. */
export async function createGpuKernels(device: GPUDevice): Promise<KernelSet> {
  const host = await openWasm()
  const counters = createCounters(device)
  return {
    ...host.kernels,
    backend: 'webgpu',
    observer: (values, options) => gpuObserver(device, counters, host, values, options),
  }
}

interface Counters {
  range: GPUComputePipeline
  histogram: GPUComputePipeline
}

function createCounters(device: GPUDevice): Counters {
  const pipeline = (code: string): GPUComputePipeline =>
    device.createComputePipeline({
      layout: 'auto',
      compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
    })
  return { range: pipeline(rangeShader), histogram: pipeline(histogramShader) }
}

/** One array to be counted: `elements` of `buffer`, into slot `slot` of `stats` and, where there is one, into `table`. */
interface Job {
  buffer: GPUBuffer
  elements: number
  slot: number
  table: GPUBuffer | null
}

/** Encodes all jobs into one pass and submits it; returns the statistics' buffer, five words a slot. */
function count(device: GPUDevice, counters: Counters, jobs: readonly Job[]): GPUBuffer {
  const stats = device.createBuffer({
    size: jobs.length * slotBytes,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC,
    mappedAtCreation: true,
  })
  const initial = new Uint32Array(stats.getMappedRange())
  for (let slot = 0; slot < jobs.length; slot++) initial.set(emptyStats, slot * emptyStats.length)
  stats.unmap()

  // Arrays beyond the largest binding are counted piece by piece into the same slot.
  const most = Math.floor(device.limits.maxStorageBufferBindingSize / uniformStride) * uniformStride
  const pieces = jobs.flatMap(job => {
    const list: { job: Job; offset: number; elements: number }[] = []
    for (let offset = 0; offset < job.elements * 4; offset += most)
      list.push({ job, offset, elements: Math.min(most / 4, job.elements - offset / 4) })
    return list
  })
  const uniforms = device.createBuffer({
    size: Math.max(1, pieces.length) * uniformStride,
    usage: GPUBufferUsage.UNIFORM,
    mappedAtCreation: true,
  })
  const words = new Uint32Array(uniforms.getMappedRange())
  pieces.forEach((piece, i) => {
    words.set([piece.elements, piece.job.slot], (i * uniformStride) / 4)
  })
  uniforms.unmap()

  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pieces.forEach(({ job, offset, elements }, i) => {
    const pipeline = job.table ? counters.histogram : counters.range
    const entries: GPUBindGroupEntry[] = [
      { binding: 0, resource: { buffer: job.buffer, offset, size: elements * 4 } },
      { binding: 1, resource: { buffer: stats } },
      { binding: 2, resource: { buffer: uniforms, offset: i * uniformStride, size: 8 } },
    ]
    if (job.table) entries.push({ binding: 3, resource: { buffer: job.table } })
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }))
    pass.dispatchWorkgroups(Math.min(1024, Math.ceil(elements / 1024)))
  })
  pass.end()
  device.queue.submit([encoder.finish()])
  uniforms.destroy()
  return stats
}

const createTable = (device: GPUDevice): GPUBuffer =>
  device.createBuffer({
    size: tableBytes,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
  })

/** The words of many buffers, copied out through one buffer and one wait. */
async function readBack(device: GPUDevice, buffers: readonly GPUBuffer[]): Promise<Uint32Array[]> {
  if (buffers.length === 0) return []
  const total = buffers.reduce((bytes, buffer) => bytes + buffer.size, 0)
  const staging = device.createBuffer({ size: total, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  const encoder = device.createCommandEncoder()
  let offset = 0
  for (const buffer of buffers) {
    encoder.copyBufferToBuffer(buffer, 0, staging, offset, buffer.size)
    offset += buffer.size
  }
  device.queue.submit([encoder.finish()])
  await staging.mapAsync(GPUMapMode.READ).catch(cause => {
    throw new StudioError('device-lost', 'The GPU device went away before the statistics were read back', {
      hint: 'The work goes on in WASM; close other programs that use the GPU to try it again.',
      cause,
    })
  })
  const words = new Uint32Array(staging.getMappedRange().slice(0))
  staging.destroy()
  let from = 0
  return buffers.map(buffer => words.subarray(from, (from += buffer.size / 4)))
}

// Statistics of one batch: where each value's slot lies, or, for arrays in memory, what was counted already.
interface Batch {
  stats: GPUBuffer | null
  parts: { value: string; elements: number; stats: number | Counted }[]
}

// So much is copied back at once; tables of a large network are 256 KiB each.
const readAtOnce = 128

function gpuObserver(
  device: GPUDevice,
  counters: Counters,
  host: WasmBackend,
  values: readonly string[],
  options: ObserveOptions,
): ActivationObserver {
  const batches: Batch[] = []
  const tables = new Map<string, { buffer: GPUBuffer; inTable: number }>()
  const emptied = new Map<string, Float64Array>()
  const onHost = new Map<string, Tally>()
  const newTally = host.tallies(options.histogram)

  /** Moves the counts of these tables into float64. */
  const empty = async (names: readonly string[]): Promise<void> => {
    for (let i = 0; i < names.length; i += readAtOnce) {
      const some = names.slice(i, i + readAtOnce)
      const words = await readBack(
        device,
        some.map(name => tables.get(name)!.buffer),
      )
      some.forEach((name, k) => {
        const sum = emptied.get(name) ?? emptyTable()
        for (let key = 0; key < keyCount; key++) sum[key] += words[k][key]
        emptied.set(name, sum)
      })
    }
    if (names.length === 0) return
    const encoder = device.createCommandEncoder()
    for (const name of names) {
      encoder.clearBuffer(tables.get(name)!.buffer)
      tables.get(name)!.inTable = 0
    }
    device.queue.submit([encoder.finish()])
  }

  return {
    async add(outputs) {
      const jobs: Job[] = []
      const parts: Batch['parts'] = []
      const full: string[] = []
      for (const value of values) {
        const array = outputs[value]
        if (array === undefined) continue
        if (isCounted(array)) {
          parts.push({ value, elements: array.elements, stats: array })
          continue
        }
        if (!isOnDevice(array)) {
          const tally = onHost.get(value) ?? newTally()
          onHost.set(value, tally)
          const x = asFloat32(array)
          parts.push({ value, elements: x.length, stats: countedOf(x.length, tally.count(x)) })
          continue
        }
        const elements = array.shape.reduce((n, d) => n * d, 1)
        parts.push({ value, elements, stats: jobs.length })
        let table: GPUBuffer | null = null
        if (options.histogram) {
          const held = tables.get(value) ?? { buffer: createTable(device), inTable: 0 }
          tables.set(value, held)
          if (held.inTable + elements > largestCount) full.push(value)
          table = held.buffer
        }
        jobs.push({ buffer: array.buffer as GPUBuffer, elements, slot: jobs.length, table })
      }
      await empty(full)
      for (const { value, elements } of parts) {
        const held = tables.get(value)
        if (held) held.inTable += elements
      }
      batches.push({ stats: jobs.length > 0 ? count(device, counters, jobs) : null, parts })
    },

    async finish(histograms = []) {
      const stats = batches.map(batch => batch.stats).filter(buffer => buffer !== null)
      const words = await readBack(device, stats)
      await empty([...tables.keys()])
      const summaries = new Map(values.map(value => [value, new Summary()]))
      let next = 0
      for (const batch of batches) {
        const own = batch.stats ? words[next++] : null
        for (const { value, elements, stats: where } of batch.parts) {
          const counted =
            typeof where === 'number' ? countedOf(elements, own!.subarray(where * emptyStats.length)) : where
          summaries.get(value)!.add(counted)
        }
      }
      for (const buffer of [...stats, ...[...tables.values()].map(held => held.buffer)]) buffer.destroy()
      const observations = new Map<string, Observation>()
      for (const [value, summary] of summaries) {
        const table = options.histogram ? (emptied.get(value) ?? emptyTable()) : null
        const counted = onHost.get(value)?.table()
        if (table && counted) for (let key = 0; key < keyCount; key++) table[key] += counted[key]
        if (table) addHistograms(table, value, histograms)
        observations.set(value, summary.observation(value, table))
      }
      return observations
    },
  }
}

/** Runs a kernel's WGSL twin on whole arrays; for kernels that have one. */
export async function runGpu<P>(
  device: GPUDevice,
  k: Kernel<P>,
  params: P,
  inputs: Record<string, NumberArray>,
): Promise<Record<string, NumberArray>> {
  if ('unsupported' in k.shader) throw new TypeError(`${k.id} has no WGSL twin: ${k.shader.unsupported}`)
  const arrays = arraysFor(k, params, inputs)
  const buffer = upload(device, inputs.x as Float32Array)
  const table = 'table' in arrays ? createTable(device) : null
  const stats = count(device, createCounters(device), [{ buffer, elements: inputs.x.length, slot: 0, table }])
  const [words, counts] = await readBack(device, table ? [stats, table] : [stats])
  return { ...arrays, stats: words, ...(table ? { table: counts } : {}) }
}

/** A buffer that holds these elements, as the runtime's outputs do. */
export function upload(device: GPUDevice, x: Float32Array): GPUBuffer {
  const buffer = device.createBuffer({
    size: Math.max(16, x.byteLength),
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
    mappedAtCreation: true,
  })
  // As bits: a float store might quieten a NaN.
  new Uint32Array(buffer.getMappedRange()).set(new Uint32Array(x.buffer, x.byteOffset, x.length))
  buffer.unmap()
  return buffer
}
