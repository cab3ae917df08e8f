// The screen stays on while a run is on, where the browser can do that: a machine that falls asleep computes nothing.
import { createEffect, createSignal, on, onCleanup } from 'solid-js'

export type Wake = 'idle' | 'held' | 'refused' | 'missing'

/** `busy`: while this is true the screen is kept on. A hidden page has no lock; it is asked for anew when it is seen again. */
export function createWake(busy: () => boolean) {
  const [wake, setWake] = createSignal<Wake>('wakeLock' in navigator ? 'idle' : 'missing')
  let lock: WakeLockSentinel | null = null

  async function take(): Promise<void> {
    if (wake() === 'missing' || lock || document.visibilityState !== 'visible') return
    try {
      const taken = await navigator.wakeLock.request('screen')
      if (!busy()) {
        await taken.release()
        return
      }
      lock = taken
      setWake('held')
      taken.addEventListener('release', () => {
        if (lock === taken) lock = null
        setWake('idle')
      })
    } catch {
      setWake('refused') // a low battery, or a policy: the run goes on all the same, and the panel says so
    }
  }
  createEffect(
    on(busy, now => {
      if (now) void take()
      else void lock?.release()
    }),
  )
  const seen = () => busy() && void take()
  document.addEventListener('visibilitychange', seen)
  onCleanup(() => document.removeEventListener('visibilitychange', seen))
  return wake
}
