// A compute thread that may die or be ended at any time: calls that were under way then fail instead of waiting for ever.
import * as comlink from 'comlink'
import { StudioError } from '../src/base/errors.ts'
import type { Result } from './api.ts'
import type { ComputeApi } from './compute.worker.ts'

export interface ComputeThread {
  call<T>(work: (api: comlink.Remote<ComputeApi>) => Promise<T>): Promise<T>
  /** Ends the thread at once; a later call starts another. `why` is what the calls under way fail with. */
  end(why: StudioError): void
}

interface Running {
  worker: Worker
  api: comlink.Remote<ComputeApi>
  ended: Promise<never>
  fail(error: StudioError): void
}

export function computeThread(name: string): ComputeThread {
  let running: Running | null = null

  function start(): Running {
    const worker = new Worker(new URL('./compute.worker.ts', import.meta.url), { type: 'module', name })
    let fail: (error: StudioError) => void = () => {}
    const ended = new Promise<never>((_, reject) => {
      fail = reject
    })
    ended.catch(() => {}) // an idle thread that is ended fails nobody
    const thread = { worker, api: comlink.wrap<ComputeApi>(worker), ended, fail }
    worker.addEventListener('error', event => {
      event.preventDefault()
      if (running === thread) stop(new ThreadDied(event.message))
    })
    return thread
  }

  function stop(why: StudioError): void {
    running?.worker.terminate()
    running?.fail(why)
    running = null
  }

  return {
    call: work => {
      running ??= start()
      return Promise.race([work(running.api), running.ended])
    },
    end: stop,
  }
}

/** The thread itself is gone, rather than the work refused. */
export class ThreadDied extends StudioError {
  constructor(message: string) {
    super('out-of-memory', `The compute thread stopped${message ? `: ${message}` : ''}`, {
      hint: 'It most likely ran out of memory: use a smaller input or fewer samples, and close other tabs.',
    })
  }
}

// Two threads, so that previews and graphs are answered while a run has its own thread blocked.
export const viewer = computeThread('viewer')
export const runner = computeThread('runner')

/** The value of a compute thread's answer; its error thrown. */
export async function unwrap<T>(answer: Promise<Result<T>>): Promise<T> {
  const outcome = await answer
  if (outcome.ok) return outcome.value
  throw StudioError.from(outcome.error)
}
