// Several engines of one thread each, and a Runner that lends every run to one that is idle.
//
// The engine's own threads would split one convolution between them where a batch holds a single sample, and the sums then
// differ in their last bits with the number of threads. Here each run is one thread's work, so that results do not.
import * as comlink from 'comlink'
import { createKernels, openCounter } from '../../kernels/lib/backends.ts'
import type { Counter } from '../../kernels/lib/observer.ts'
import { type ErrorRecord, errorRecord, StudioError } from '../base/errors.ts'
import type { Counted, Feeds, KernelSet, Perform, Runner, Session, SessionOptions, Task } from '../ir/context.ts'
import type { ValueName } from '../ir/model.ts'
import type { Histogram } from '../ir/quant.ts'
import type { NdArray } from '../ir/tensor.ts'
import { buffersIn, discard, discardBuffers } from './discard.ts'
import { type EncodeModel, type OrtModule, type OrtOptions, openSession, withOutputs } from './ort-runner.ts'
import { inModel } from './runtime-error.ts'

type Answer<T> = { ok: true; value: T; memory: number } | { ok: false; error: ErrorRecord }

type EngineRequest = Pick<SessionOptions, 'optimize' | 'count'>

/** What an engine's thread exposes. */
export interface EngineApi {
  open(id: number, bytes: Uint8Array, request: EngineRequest): Promise<Answer<null>>
  run(id: number, feeds: Feeds): Promise<Answer<Record<ValueName, NdArray>>>
  time(id: number, feeds: Feeds): Promise<Answer<number>>
  count(id: number, feeds: Feeds): Promise<Answer<Record<ValueName, Counted>>>
  histograms(id: number): Promise<Answer<Record<ValueName, Histogram>>>
  perform(task: string, input: object): Promise<Answer<unknown>>
  close(id: number): Promise<Answer<null>>
}

/** The tasks that engines are asked for; loaded with the first, since most threads never are. */
export type LoadTasks = () => Promise<ReadonlyMap<string, Task<never, unknown>>>

/** The engine's side, in its own thread: what it is sent is its own, and freed at once. */
export function createEngine(load: () => Promise<OrtModule>, tasks: LoadTasks, options: OrtOptions): EngineApi {
  const sessions = new Map<number, { session: Session; counter: Counter | null }>()
  let crunching: Promise<[ReadonlyMap<string, Task<never, unknown>>, KernelSet]> | null = null
  const answer = async <T>(work: () => Promise<T>): Promise<Answer<T>> => {
    try {
      return { ok: true, value: await work(), memory: options.memory() }
    } catch (thrown) {
      return { ok: false, error: errorRecord(thrown) }
    }
  }
  return {
    open: (id, bytes, { optimize, count }) =>
      answer(async () => {
        const session = await openSession(await load(), bytes, { optimize }, options)
        discard(bytes)
        sessions.set(id, { session, counter: count ? await openCounter(count.values, count) : null })
        return null
      }),
    run: async (id, feeds) => {
      const result = await answer(() => sessions.get(id)!.session.run(feeds))
      discard(feeds)
      const buffers = result.ok ? Object.values(result.value).map(array => array.data.buffer) : []
      return comlink.transfer(result, [...new Set(buffers)] as ArrayBuffer[])
    },
    time: async (id, feeds) => {
      const result = await answer(() => sessions.get(id)!.session.time(feeds))
      discard(feeds)
      return result
    },
    count: (id, feeds) =>
      answer(async () => {
        const { session, counter } = sessions.get(id)!
        const arrays = await session.run(feeds)
        const counted = counter!.count({ ...feeds, ...arrays })
        discard({ ...feeds, ...arrays })
        return counted
      }),
    histograms: id => answer(async () => sessions.get(id)!.counter!.histograms()),
    perform: async (id, input) => {
      const spared = new Set<ArrayBuffer>()
      const result = await answer(async () => {
        crunching ??= Promise.all([tasks(), createKernels('wasm')])
        const [known, kernels] = await crunching
        return known.get(id)!.run(input as never, kernels, data => buffersIn(data, spared))
      })
      const given = result.ok ? buffersIn(result.value) : new Set<ArrayBuffer>()
      discardBuffers([...buffersIn(input, spared)].filter(buffer => !given.has(buffer)))
      return comlink.transfer(result, [...given])
    },
    close: id =>
      answer(async () => {
        await sessions.get(id)?.session.close()
        sessions.delete(id)
        return null
      }),
  }
}

interface Seat {
  api: comlink.Remote<EngineApi>
  memory: number
  failed: Promise<never>
}

export interface PoolOptions {
  count: number
  /** Starts a thread that exposes an EngineApi; `failed` rejects when the thread dies. */
  spawn(): { api: comlink.Remote<EngineApi>; failed: Promise<never> }
  encode: EncodeModel
  /** Bytes of this thread's own memories, or of the whole process where `total`. */
  memory: { bytes: () => number; total: boolean }
}

export interface Pool {
  runner: Runner
  perform: Perform
}

export function createPool({ count, spawn, encode, memory }: PoolOptions): Pool {
  const idle: Seat[] = []
  const waiting: ((seat: Seat) => void)[] = []
  const seats: Seat[] = []
  let peak = 0
  let nextId = 0

  const acquire = (): Promise<Seat> | Seat => {
    const seat = idle.shift()
    if (seat) return seat
    if (seats.length < count) {
      const fresh: Seat = { ...spawn(), memory: 0 }
      seats.push(fresh)
      return fresh
    }
    return new Promise(resolve => waiting.push(resolve))
  }
  const release = (seat: Seat): void => {
    const next = waiting.shift()
    if (next) next(seat)
    else {
      // The first seats are taken first, so that one run after another stays on one engine.
      idle.push(seat)
      idle.sort((a, b) => seats.indexOf(a) - seats.indexOf(b))
    }
  }
  const value = <T>(seat: Seat, answer: Answer<T>): T => {
    if (!answer.ok) throw StudioError.from(answer.error)
    seat.memory = answer.memory
    const engines = memory.total ? 0 : seats.reduce((sum, s) => sum + s.memory, 0)
    peak = Math.max(peak, memory.bytes() + engines)
    return answer.value
  }

  const askOf = async <T>(seat: Seat, answer: Promise<Answer<T>>): Promise<T> =>
    value(seat, await Promise.race([answer, seat.failed]))

  const open: Runner['open'] = async (model, request = {}) => {
    const bytes = await encode(withOutputs(model, request.outputs))
    const id = nextId++
    const asked: EngineRequest = { optimize: request.optimize, count: request.count }
    const holders = new Set<Seat>()
    const call = async <T>(work: (api: Seat['api']) => Promise<Answer<T>>): Promise<T> => {
      const seat = await acquire()
      try {
        if (!holders.has(seat)) {
          await askOf(seat, seat.api.open(id, bytes, asked))
          holders.add(seat)
        }
        return await askOf(seat, work(seat.api))
      } finally {
        release(seat)
      }
    }
    // What the engine refuses is said now, not at the first run. A sweep that counts keeps every engine busy, and is timed.
    const ready = () => call(async () => ({ ok: true, value: null, memory: 0 }))
    await Promise.all(Array.from({ length: request.count ? count : 1 }, ready)).catch(thrown => {
      throw inModel(thrown, model)
    })
    return {
      onDevice: false,
      run: feeds => call(api => api.run(id, feeds) as Promise<Answer<Record<ValueName, NdArray>>>),
      time: feeds => call(api => api.time(id, feeds)),
      ...(request.count
        ? {
            counting: {
              run: feeds => call(api => api.count(id, feeds)),
              histograms: () => Promise.all([...holders].map(async seat => askOf(seat, seat.api.histograms(id)))),
            },
          }
        : {}),
      close: async () => {
        for (const seat of holders) await askOf(seat, seat.api.close(id))
        discard(bytes)
      },
    }
  }
  const perform: Perform = async <I extends object, O>(
    task: Task<I, O>,
    input: I,
    given: readonly ArrayBufferLike[] = [],
  ): Promise<O> => {
    // What waits its turn is not copied yet.
    const seat = await acquire()
    try {
      const sent = comlink.transfer(input, given as ArrayBuffer[])
      return (await askOf(seat, seat.api.perform(task.id, sent))) as O
    } finally {
      release(seat)
    }
  }
  return { runner: { engine: 'wasm', threads: count, open, discard, peakBytes: () => peak }, perform }
}
