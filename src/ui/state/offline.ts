// Whether the whole studio, its runtime and its samples included, is stored for working without a network.
import { createSignal } from 'solid-js'

export type Offline = { state: 'storing' } | { state: 'ready' } | { state: 'not'; why: string }

/** `store` resolves to null when all is there, else to the reason why not. */
export function createOffline(store: () => Promise<string | null>) {
  const [offline, setOffline] = createSignal<Offline>({ state: 'storing' })
  // The page itself comes first; storing may take its time afterwards.
  setTimeout(async () => {
    const why = await store()
    setOffline(why === null ? { state: 'ready' } : { state: 'not', why })
  }, 2000)
  return offline
}
