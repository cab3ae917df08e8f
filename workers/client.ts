// The page's side of the door: the studio worker behind the plain interface, started when the page is ready for it.
import * as comlink from 'comlink'
import type { StudioApi } from './api.ts'
import { ready, registration } from './boot.ts'
import type { StudioWorker } from './studio.worker.ts'

export { registration }

let studioWorker: Promise<comlink.Remote<StudioWorker>> | null = null

async function start(): Promise<comlink.Remote<StudioWorker>> {
  await ready
  const worker = new Worker(new URL('./studio.worker.ts', import.meta.url), { type: 'module', name: 'studio' })
  const remote = comlink.wrap<StudioWorker>(worker)
  await remote.start(document.baseURI)
  return remote
}

/** The studio. Functions among the arguments are called back across the thread. */
export const studio = new Proxy({} as StudioApi, {
  get:
    (_, method: keyof StudioApi) =>
    async (...given: unknown[]) => {
      const remote = await (studioWorker ??= start())
      const call = remote[method] as unknown as (...values: unknown[]) => Promise<unknown>
      return call(...given.map(value => (typeof value === 'function' ? comlink.proxy(value as () => void) : value)))
    },
})

/** Asks the browser not to clear the storage under pressure; only a window may ask. */
export const persist = (): Promise<boolean> => navigator.storage?.persist?.() ?? Promise.resolve(false)

/** Stores what is still missing for working offline; null when all is there, else the reason. */
export async function storeForOffline(): Promise<string | null> {
  await ready
  if (!(await registration)) return 'There is no service worker here.'
  const { active } = await navigator.serviceWorker.ready
  const channel = new MessageChannel()
  const answer = new Promise<string | null>(done => {
    channel.port1.onmessage = event => done(event.data as string | null)
  })
  active!.postMessage('fill', [channel.port2])
  return answer
}
